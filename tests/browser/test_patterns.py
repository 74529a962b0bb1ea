"""The atlas in a real browser: pointer, keyboard, filter, and markup that somebody types."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.conftest import SIZES, choose
from tests.waiting import until

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

APP = Path(__file__).with_name("patterns_app.py")
_SIDES = "cells => cells.map((cell) => cell.getBoundingClientRect()).flatMap(({ width, height }) => [width, height])"


def test_a_click_opens_the_map_and_typed_markup_stays_text(page, serve):
    page.goto(serve(APP))
    cell = page.get_by_role("button", name=re.compile("^Layer 2, head 3: vertical"))
    cell.click()
    expect(cell).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Layer 2, head 3: vertical", exact=True).first).to_be_visible()
    page.wait_for_url(re.compile("layer=2.*head=3"))
    expect(page.locator(".js-plotly-plot").get_by_text("dog").first).to_be_visible()
    cell.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Layer 3, head 3: heterogeneous", exact=True).first).to_be_visible()
    page.get_by_role("button", name="vertical: 6 heads").click()
    expect(page.locator(".cell.dim")).to_have_count(6)
    expect(page.get_by_text("6 of 12 heads match.")).to_be_visible()
    choose(page, "Sentence", "Type your own")
    page.get_by_label("First sentence").fill("<script>window.bad=1</script> <b>dog</b>")
    page.get_by_role("button", name="Show its maps").click()
    expect(page.locator(".js-plotly-plot").get_by_text("[UNK]").first).to_be_visible()
    expect(page.locator(".js-plotly-plot").get_by_text("dog").first).to_be_visible()
    assert page.evaluate("window.bad") is None
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator(".cell").first).to_be_visible()
        until(lambda width=width: page.evaluate("document.documentElement.scrollWidth") <= width)
        until(lambda: min(page.locator(".cell").evaluate_all(_SIDES)) >= 24)
