"""The head card at three sizes: opened from any cell, ringed on every page, in the link, dismissed for good."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

from explorer.ui.widgets import scripts  # noqa: E402
from explorer.ui.widgets.scripts import script  # noqa: E402
from tests.browser.conftest import unhurried  # noqa: E402

RIGHT_OF = "element => element.getBoundingClientRect().right"


def cell(page, name):
    return page.locator(f'button.cell[aria-label^="{name}:"]').first


def test_a_click_on_a_heatmap_opens_the_card_and_its_link_opens_it_again(sized, home, chromium):
    page = sized
    page.goto(f"{home}/survival?task=SST-2")
    cell(page, "Layer 3, head 5").click()
    card = page.locator(".head-card .panel")
    expect(card.get_by_role("heading", name="Layer 3, head 5")).to_be_visible()
    expect(card.locator("canvas")).to_be_visible()
    expect(card.locator("dd")).to_have_count(4)
    expect(card.get_by_role("row", name=re.compile("^SST-2"))).to_be_visible()
    page.wait_for_url(re.compile(r"card=3\.5"))
    expect(cell(page, "Layer 3, head 5")).to_have_class(re.compile("linked"))
    width = page.viewport_size["width"]
    assert card.evaluate(RIGHT_OF) <= width
    if width > 900:  # the page makes room: nothing lies below the card
        assert page.get_by_test_id("stMain").evaluate(RIGHT_OF) <= card.bounding_box()["x"] + 1

    other = unhurried(chromium, viewport=page.viewport_size)
    again = other.new_page()
    again.goto(page.url)
    expect(again.locator(".head-card .panel h2")).to_have_text("Layer 3, head 5")
    expect(again.locator(".cell.linked")).to_have_count(1)
    other.close()

    card.get_by_role("button", name="Fold").click()
    expect(card).to_be_hidden()
    expect(page.locator(".cell.linked")).to_have_count(1)
    page.locator(".head-card .pill").get_by_role("button", name="Dismiss").click()
    expect(page.locator(".cell.linked")).to_have_count(0)
    page.wait_for_url(lambda url: "card=" not in url)
    cell(page, "Layer 2, head 4").press("Enter")
    expect(card.get_by_role("heading", name="Layer 2, head 4")).to_be_visible()


def test_the_ring_goes_along_to_its_map(sized, home):
    page = sized
    page.goto(f"{home}/survival?task=SST-2&card=2.9")
    page.locator(".head-card").get_by_role("button", name="See its map").click()
    expect(page.locator(".atlas .cell.linked")).to_have_attribute("aria-label", re.compile("^Layer 2, head 9"))
    expect(page.locator(".atlas .cell[aria-pressed=true]")).to_have_attribute(
        "aria-label", re.compile("^Layer 2, head 9")
    )
    expect(page.locator(".head-card .pill:not([hidden])")).to_be_visible()  # the card before it may not be gone yet
    box = page.locator(".atlas .cell").first.bounding_box()
    assert box["width"] >= 60
    assert box["width"] == pytest.approx(box["height"], abs=1)
    expect(page.locator(".token-lines path:not(.off)").first).to_be_attached()


def test_in_the_lab_a_click_switches_and_a_right_click_or_i_opens_the_card(context_of, home):
    page = context_of()  # not the fixture: Streamlit's probes are errors on the console of every page but /
    page.goto(f"{home}/lab?task=SST-2")
    head = cell(page, "Layer 2, head 7")
    expect(page.locator(".head-card")).to_be_attached()  # whoever opens it must be there
    expect(head).to_have_attribute("aria-checked", "true")
    head.click(button="right")
    expect(page.locator(".head-card .panel h2")).to_have_text("Layer 2, head 7")
    expect(head).to_have_attribute("aria-checked", "true")
    cell(page, "Layer 2, head 8").press("i")
    expect(page.locator(".head-card .panel h2")).to_have_text("Layer 2, head 8")
    page.locator(".head-card").get_by_role("button", name="Switch off in the lab").click()
    expect(cell(page, "Layer 2, head 8")).to_have_attribute("aria-checked", "false")
    page.wait_for_url(re.compile("mask="))
    head.click()
    expect(head).to_have_attribute("aria-checked", "false")
    expect(page.locator(".cell.linked")).to_have_attribute("aria-label", re.compile("^Layer 2, head 8"))
    touch = {"pointerType": "touch", "pointerId": 7, "isPrimary": True, "button": 0, "buttons": 1, "bubbles": True}
    held = cell(page, "Layer 3, head 3")
    held.dispatch_event("pointerdown", touch)  # and held, until the card is there
    expect(page.locator(".head-card .panel h2")).to_have_text("Layer 3, head 3")
    held.dispatch_event("pointerup", touch | {"buttons": 0})
    expect(held).to_have_attribute("aria-checked", "true")


ASKED_TOO_SOON = """async (text) => {
  const card = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const parent = document.body.appendChild(document.createElement("div"));
  const sent = [];
  const mount = (page, chosen) => card.default({
    data: { page, layers: 6, heads: 12, chosen, facts: null },
    parentElement: parent,
    setStateValue: (_, value) => sent.push(value),
    setTriggerValue: () => {},
  });
  card.openCard("3.5"); // the grid is there already, the card is not
  mount("Survival", "");
  const first = parent.querySelector("h2").textContent;
  const told = [...sent];
  card.openCard("2.1"); // the grid of the next page is there, its card is still the page before's
  mount("Patterns", "2.1");
  const second = sent.at(-1);
  window.askedCard = { asker: null, path: "/elsewhere" }; // asked for on the page before
  mount("Tickets", "2.1");
  const open = document.documentElement.classList.contains("head-card-open");
  return { first, told, second, open, ring: window.linkedHead };
}"""


def test_a_card_that_is_asked_for_before_it_is_there_opens_once_it_is(page):
    page.goto("about:blank")
    text = script(Path(scripts.__file__).parent / "head_card" / "head_card.js")
    told = page.evaluate(ASKED_TOO_SOON, f"{text}\nexport {{ openCard }};")
    assert told["first"] == "Layer 3, head 5"
    assert told["told"] == [{"code": "3.5", "open": True}]
    assert told["second"] == {"code": "2.1", "open": True}
    assert told["ring"] == "2.1"
    assert not told["open"], "it was for the page before"


LEAVE = """() => {
  for (const host of document.querySelectorAll("*")) host.shadowRoot?.querySelector(".head-card")?.remove();
}"""


def test_a_card_that_has_left_the_page_answers_nothing(page, home):
    """Streamlit takes the element away before it says so; what it throws meanwhile fails the test at its end."""
    page.goto(f"{home}/?task=SST-2")
    expect(page.locator("button.cell").first).to_be_visible()
    page.locator(".head-card").wait_for(state="attached")
    page.evaluate(LEAVE)
    for name in ("headcard", "linkedhead"):
        page.evaluate("name => dispatchEvent(new CustomEvent(name, { detail: { code: '3.5' } }))", name)
    assert page.evaluate("document.documentElement.classList.contains('head-card-open')") is False
