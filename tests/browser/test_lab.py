"""The lab among fast clicks and several people, in a real browser."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

from explorer.mask import Mask  # noqa: E402
from tests.browser.test_pages import open_lab  # noqa: E402

CLICKS = ((2, 1), (5, 4), (3, 7), (6, 2), (4, 4), (5, 9), (6, 6), (3, 3), (6, 11), (1, 5))
"""Layer and head, from 1."""
MIDDLE_OF_FIRST = """(plot) => {
  const point = [...plot.querySelectorAll('.scatterlayer .trace')].at(-2).querySelector('path.point');
  const above = plot.querySelector('.nsewdrag');
  const [inner, outer] = [point.getBoundingClientRect(), above.getBoundingClientRect()];
  return [inner.x + inner.width / 2 - outer.x, inner.y + inner.height / 2 - outer.y];
}"""


def test_ten_fast_clicks_lose_nothing_and_the_newest_mask_ends_on_screen(
    page,
    home,
    context_of,
):
    open_lab(page, home)
    mask = Mask.full(6, 12)
    cells = [page.get_by_label(re.compile(rf"^Layer {layer}, head {head}:")).first for layer, head in CLICKS]
    for (layer, head), cell in zip(CLICKS, cells, strict=True):
        cell.dispatch_event("click")  # by its name, not by a handle: Streamlit may have mounted the grid anew
        mask = mask.with_head(layer - 1, head - 1, False)
    page.wait_for_url(re.compile(f"mask={mask.code}"))
    expect(page.locator(f'.card[data-mask="{mask.code}"] .fold')).to_contain_text("Scored ")
    for cell in cells:
        expect(cell).to_have_attribute("aria-label", re.compile("pruned"))
    shown = page.locator(".card .value").inner_text()

    other = context_of()  # somebody else, who is answered from the ledger, about that very mask
    other.goto(page.url)
    expect(other.locator(".card .fold")).to_contain_text("from the ledger")
    expect(other.locator(".card .value")).to_have_text(shown)
    expect(other.locator(".card .bar.done")).to_have_count(1)


def test_a_click_just_before_the_page_is_left_is_not_lost(page, home):
    open_lab(page, home)
    page.get_by_label(re.compile(r"^Layer 3, head 7:")).first.dispatch_event("click")
    page.get_by_role("link", name="Survival", exact=True).dispatch_event("click")
    expect(page.locator(".page-asks")).to_have_text("Which heads and MLPs survive pruning?", use_inner_text=True)
    page.get_by_role("link", name="Lab", exact=True).dispatch_event("click")
    without = Mask.full(6, 12).with_head(2, 6, False).code
    expect(page.get_by_label(re.compile(r"^Layer 3, head 7: pruned")).first).to_be_visible()
    expect(page.locator(f'.card[data-mask="{without}"] .fold')).to_contain_text("Scored ")


# Keeps what the page sends while window.holding is set; window.release() sends it after all.
HOLD = """(() => {
  const [send, held] = [WebSocket.prototype.send, (window.held = [])];
  WebSocket.prototype.send = function (data) {
    if (window.holding) held.push([this, data]);
    else send.call(this, data);
  };
  window.release = () => held.splice(0).forEach(([socket, data]) => send.call(socket, data));
})()"""
LEAVE_THEN_SEND = "link => { window.holding = false; link.click(); release(); }"


def test_a_click_that_arrives_once_the_page_was_left_leaves_the_new_page_whole(page, home):
    page.add_init_script(HOLD)
    open_lab(page, home)
    page.evaluate("window.holding = true")
    page.get_by_label(re.compile(r"^Layer 3, head 7:")).first.dispatch_event("click")
    page.wait_for_function("held.length > 0")
    page.get_by_role("link", name="Survival", exact=True).evaluate(LEAVE_THEN_SEND)
    asks = page.locator(".page-asks")
    expect(asks).to_have_text("Which heads and MLPs survive pruning?", use_inner_text=True)
    page.get_by_label(re.compile(r"^Layer 2, head 4:")).first.dispatch_event("click")
    expect(page.locator(".head-card .panel dd")).to_have_count(4)  # Python has answered after all of that
    expect(asks).to_be_visible()


def test_the_chosen_details_stay_from_mask_to_mask(page, home):
    open_lab(page, home)
    page.get_by_text("By phenomenon").click()
    expect(page.get_by_text("phenomenon by phenomenon")).to_be_visible()
    page.get_by_label(re.compile(r"^Layer 6, head 12:")).first.click()
    page.wait_for_url(re.compile("mask="))
    expect(page.locator(".card .fold")).to_contain_text("Scored ")
    expect(page.get_by_text("phenomenon by phenomenon")).to_be_visible()


def test_a_click_on_a_visited_point_brings_its_mask_back(page, home):
    open_lab(page, home)
    expect(page.locator(".card .chip.full")).to_be_visible()
    page.get_by_role("button", name="Bad", exact=True).click()
    page.wait_for_url(re.compile("mask="))
    expect(page.locator(".card .fold")).to_contain_text("Scored ")
    page.get_by_text("Masks so far").click()
    plot = page.locator(".js-plotly-plot").filter(has_text="visited")
    expect(plot).to_be_visible()
    page.wait_for_url(re.compile("show=history"))
    first = plot.locator(".scatterlayer .trace").nth(-2).locator("path.point").first  # the last trace is a ring
    first.wait_for()
    above = plot.locator(".nsewdrag").first  # Plotly listens above the points; where they are in it never moves
    x, y = plot.evaluate(MIDDLE_OF_FIRST)
    above.click(position={"x": x, "y": y})
    page.wait_for_url(lambda url: "mask=" not in url)
    expect(page.locator(".card .chip.full")).to_be_visible()


def test_a_link_holds_two_masks_and_opens_to_their_comparison(page, home, context_of):
    open_lab(page, home)
    page.get_by_text("A against B").click()
    page.get_by_role("button", name="Pin the grid as A").click()
    page.wait_for_url(re.compile("[?&]a="))
    page.get_by_role("button", name="Bad", exact=True).click()
    words = page.get_by_text(re.compile("B minus A"))
    expect(words).to_be_visible()
    shown = words.inner_text()
    other = context_of()
    other.goto(page.url)
    expect(other.get_by_text(re.compile("B minus A"))).to_have_text(shown)
