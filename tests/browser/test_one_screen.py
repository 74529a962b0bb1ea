"""The lab in one screen, at three sizes: nothing moves, nothing old stands beside a new mask, Back leaves the page."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

from explorer.mask import Mask  # noqa: E402
from explorer.store.mask_files import json_text  # noqa: E402
from tests.browser.conftest import unhurried  # noqa: E402

CELLS = ((2, 1), (5, 4), (3, 7), (6, 2), (4, 4), (5, 9), (6, 6), (3, 3), (6, 11), (1, 5))
PLACES = """() => {
  const found = (name) => {
    for (const host of document.querySelectorAll('*')) {
      const element = host.shadowRoot?.querySelector(name);
      if (element) return element;
    }
  };
  const names = ['.board', '.readout', '.card .value', '.card .axis', '.card .chip', '.card .lines', '.card .fold'];
  if (!names.every(found)) return null; // Streamlit puts an element in the place of another: there is none meanwhile
  const scrolled = document.querySelector('[data-testid=stMain]').scrollTop;
  return names.map((name) => {
    const { x, y, width, height } = found(name).getBoundingClientRect();
    return [name, x, y + scrolled, name === '.card .value' ? 0 : width, height];
  });
}"""
NEWS = "cards => cards.map((card) => Boolean(card.querySelector('footer b')))"
MARKS = "marks => marks.map(mark => [mark.className, mark.style.left])"
CLICK_AND_READ = """(cell) => {
  cell.click();
  for (const host of document.querySelectorAll('*')) {
    const card = host.shadowRoot?.querySelector('.card');
    if (card) return [card.querySelector('.value').textContent, card.querySelector('.lines').textContent,
                      card.querySelector('.chip').textContent, card.querySelector('.folded').textContent];
  }
}"""


def opened(page, home, query="task=SST-2"):
    page.goto(f"{home}/lab?{query}")
    expect(page.locator(".card .chip")).to_have_text(re.compile("This is the full model|No verdict|90% line"))
    page.evaluate("() => document.fonts.ready.then(() => true)")


def places(page):
    """Where grid and card are at one moment at which both are there."""
    return page.wait_for_function(PLACES).json_value()


def cell(page, layer, head):
    return page.locator(f'button.cell[aria-label^="Layer {layer}, head {head}:"]').first


def test_grid_and_score_do_not_move_by_a_pixel_over_ten_toggles(sized, home):
    page = sized
    opened(page, home)
    before = places(page)
    marks = page.locator(".card .mark").evaluate_all(MARKS)
    mask = Mask.full(6, 12)
    for layer, head in CELLS:
        cell(page, layer, head).dispatch_event("click")
        mask = mask.with_head(layer - 1, head - 1, False)
        assert places(page) == before
    expect(page.locator(f'.card[data-mask="{mask.code}"] .fold')).to_contain_text("Scored")
    assert places(page) == before
    assert page.locator(".card .mark").evaluate_all(MARKS) == marks
    if page.viewport_size == {"width": 1280, "height": 720}:
        assert cell(page, 1, 1).bounding_box()["width"] >= 34
        board, chip = page.locator(".board").bounding_box(), page.locator(".card .fold summary").bounding_box()
        assert max(board["y"] + board["height"], chip["y"] + chip["height"]) <= 720
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    if page.viewport_size["width"] > 640:
        assert page.get_by_test_id("stSidebar").bounding_box()["width"] <= 221


def test_from_the_very_click_on_nothing_tells_of_the_mask_before(sized, home):
    page = sized
    opened(page, home)
    told = cell(page, 6, 6).evaluate(CLICK_AND_READ)
    assert told == ["…", "", "Scoring this mask …", ""]
    expect(page.locator(".card .chip")).to_have_text(re.compile("90% line"))


def test_back_leaves_the_page_however_often_the_mask_changed(sized, home):
    page = sized
    page.goto(f"{home}/survival")
    if page.viewport_size["width"] < 640:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Lab", exact=True).click()
    page.wait_for_url(re.compile(r"/lab\?.*task="))
    expect(page.locator(".card .chip")).to_be_visible()  # Survival has cells too
    page.wait_for_function("window.oneEntryAPage")
    entries = page.evaluate("history.length")
    for layer, head in CELLS[:3]:
        was = page.url
        cell(page, layer, head).dispatch_event("click")  # on a phone the list of pages may lie over it
        page.wait_for_url(lambda url, was=was: url != was)
    assert page.evaluate("history.length") == entries
    page.go_back()
    page.wait_for_url(re.compile("/survival"))
    expect(page.locator(".page-asks")).to_have_text("Which heads and MLPs survive pruning?", use_inner_text=True)
    page.go_forward()
    page.wait_for_url(re.compile(r"/lab\?.*mask="))
    expect(page.locator("button.cell[aria-checked=false]")).to_have_count(3)


# What Streamlit does to the address when a run of the page that was left begins before the server heard of Back.
LATE_RUN = """([left, here]) => addEventListener("popstate", () => {
  history.pushState({}, "", left);
  history.pushState({}, "", here);
}, { once: true })"""


def test_a_run_of_the_page_that_was_left_does_not_take_forward_away(context_of, home):
    page = context_of()
    page.goto(f"{home}/survival")
    page.wait_for_function("window.oneEntryAPage")
    page.get_by_role("link", name="Lab", exact=True).click()
    page.wait_for_url(re.compile(r"/lab\?.*task="))
    expect(page.locator(".card .chip")).to_be_visible()
    entries = page.evaluate("history.length")
    page.evaluate(LATE_RUN, ["/lab", "/survival"])
    page.go_back()
    page.wait_for_url(re.compile("/survival"))
    expect(page.locator(".page-asks")).to_have_text("Which heads and MLPs survive pruning?", use_inner_text=True)
    page.go_forward()
    page.wait_for_url(re.compile(r"/lab"))
    expect(page.locator(".card .chip")).to_be_visible()
    assert page.evaluate("history.length") == entries
    page.get_by_role("link", name="Tickets", exact=True).click()  # who goes on from there gets an entry as ever
    page.wait_for_url(re.compile("/tickets"))
    assert page.evaluate("history.length") == entries + 1


@pytest.mark.parametrize(
    ("task", "typed"),
    [
        ("SST-2", {"Try a sentence of your own": "an unheard-of sentence about a fine film"}),
        ("MRPC", {"Try a pair of your own: the first text": "an unheard-of day", "the second text": "a fine day"}),
    ],
)
def test_flips_are_cards_and_what_is_typed_is_answered_anew_with_every_click(sized, home, task, typed):
    page = sized
    opened(page, home, f"task={task}")
    for label, text in typed.items():
        page.get_by_label(label, exact=True).fill(text)
        page.keyboard.press("Enter")
    bar = page.locator(".typed .now").first
    expect(page.locator(".typed .row")).to_have_count(2)
    width = bar.evaluate("bar => bar.style.width")
    page.get_by_role("button", name="Bad", exact=True).click()
    expect(bar).not_to_have_attribute("style", f"width: {width};")
    expect(page.locator(".flip").first).to_be_visible()
    assert "unheard" not in page.url
    viewport = page.viewport_size["width"]
    boxes = page.locator(".flip").evaluate_all(
        "cards => cards.slice(0, 4).map((card) => card.getBoundingClientRect()).map(({ x, width }) => [x, width])"
    )
    assert all(x >= 0 and x + width <= viewport for x, width in boxes)
    page.get_by_role("button", name="Invert").click()
    expect(page.locator(".flip footer b").first).to_have_text("new")
    assert sorted(news := page.locator(".flip").evaluate_all(NEWS), reverse=True) == news, "the newest come first"
    page.locator(".flip").last.scroll_into_view_if_needed()
    if viewport < 640:
        expect(page.locator(".pinned")).to_be_in_viewport()


def test_a_second_mask_file_takes_the_place_of_the_first_and_faults_are_sentences(sized, home):
    page = sized
    opened(page, home)
    masks = [Mask.full(6, 12).with_layer(layer, False) for layer in (1, 4)]
    page.get_by_role("button", name="Load a mask").click()
    field = page.locator("input[type=file]")
    for name, mask in zip(("one.json", "two.json"), masks, strict=True):
        field.set_input_files({"name": name, "mimeType": "application/json", "buffer": json_text(mask).encode()})
        page.wait_for_url(re.compile(f"mask={mask.code}"))
    faults = [{"name": f"{name}.json", "mimeType": "application/json", "buffer": b"nothing"} for name in ("a", "b")]
    field.set_input_files(faults)
    expect(page.get_by_text("a.json is neither a .npy array nor JSON.")).to_be_visible()
    expect(page.get_by_text("b.json is neither a .npy array nor JSON.")).to_be_visible()
    expect(page.locator(".board")).to_be_visible()


def test_without_motion_nothing_glides(chromium, home):
    context = unhurried(chromium, reduced_motion="reduce", viewport={"width": 1280, "height": 720})
    page = context.new_page()
    opened(page, home)
    for name in ("button.cell", ".card .point"):
        assert page.locator(name).first.evaluate("e => getComputedStyle(e).transitionProperty") in ("none", "all")
        assert page.locator(name).first.evaluate("e => getComputedStyle(e).transitionDuration") == "0s"
    context.close()
