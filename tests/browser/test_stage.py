"""Stage mode in a real browser: keys walk the talk, nothing leaves this machine, nothing is cut off."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

STEPS = 8
CUT_OFF = """deck => {
  const foot = deck.querySelector("footer").getBoundingClientRect();
  const parts = [...deck.querySelectorAll("article:not([hidden]) *")];
  const boxes = parts.map((part) => [part, part.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  const out = ([, box]) => box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > foot.top + 1;
  return boxes.filter(out).map(([part]) => part.outerHTML.slice(0, 120));
}"""
SMALLEST = """deck => Math.min(...[...deck.querySelectorAll("article:not([hidden]) :is(p, b, span, small, h1)")]
  .filter((part) => part.children.length === 0 && part.textContent)
  .map((part) => parseFloat(getComputedStyle(part).fontSize)))"""


@pytest.fixture
def stage(page, home):
    page.strangers = []
    page.on("request", lambda request: _note(page, request.url))
    page.on("websocket", lambda socket: _note(page, socket.url))
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(home)
    page.get_by_role("link", name="Stage", exact=True).click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("attention heads can go?")
    return page


def _note(page, url):
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", None):
        page.strangers.append(url)


def count(page, number):
    expect(page.locator(".deck .count")).to_have_text(f"{number} of {STEPS}")


def test_keys_walk_the_talk_and_every_screen_fits(stage):
    deck = stage.locator(".deck")
    for number in range(1, STEPS + 1):
        count(stage, number)
        for width, height in ((1280, 720), (1920, 1080)):
            stage.set_viewport_size({"width": width, "height": height})
            assert deck.evaluate(CUT_OFF) == []
            assert deck.evaluate(SMALLEST) >= height / 40
        assert stage.evaluate("document.documentElement.scrollHeight <= innerHeight")
        stage.keyboard.press("ArrowRight")
    count(stage, STEPS)  # the last stays the last
    for key, number in (("PageUp", 7), ("Home", 1), ("ArrowLeft", 1), ("PageDown", 2), ("End", 8), ("ArrowLeft", 7)):
        stage.keyboard.press(key)
        count(stage, number)
    assert stage.strangers == []


def test_notes_come_and_go_and_cover_nothing(stage):
    stage.keyboard.press("End")
    notes = stage.get_by_role("complementary", name="Speaker notes")
    expect(notes).to_have_count(0)
    stage.keyboard.press("n")
    expect(notes).to_contain_text("Close with the game")
    assert stage.locator(".deck").evaluate(CUT_OFF) == []
    stage.keyboard.press("n")
    expect(notes).to_have_count(0)


def test_a_reload_keeps_the_place_and_escape_leads_out(context_of, home):
    page = context_of()  # Streamlit asks for its health beside a page's own address first, which is a 404
    page.goto(f"{home}/stage?step=3")
    expect(page.locator(".deck .count")).to_have_text(f"3 of {STEPS}")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("step=4"))
    page.reload()
    expect(page.locator(".deck .count")).to_have_text(f"4 of {STEPS}")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Go on at step 4")).to_be_visible()
    expect(page.get_by_role("link", name="Stage", exact=True)).to_be_visible()
