"""The game at three sizes: bars race, the best mask is kept and comes back, and its card is offered."""

from __future__ import annotations

import re

import pytest
from PIL import Image

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

OFF = ("Layer 1, head 1", "Layer 2, head 2", "Layer 1, head 5")


def test_bars_race_and_the_best_comes_back_and_becomes_a_picture(sized, home):
    page = sized
    page.goto(f"{home}/game?task=SST-2")
    expect(page.get_by_role("heading", name="SST-2: ")).to_be_visible()
    expect(page.locator(".race .lane")).to_have_count(3)
    for name in OFF:
        page.locator(f'button.cell[aria-label^="{name}:"]').first.dispatch_event("click")
    you = page.locator(".race .lane.you")
    expect(you.locator(".track span")).to_have_text("3")
    expect(you.locator("p")).to_have_text(re.compile(r"best so far: [01]\.\d{3}; dashed: on the grid"))
    ends = page.locator(".race .lane").evaluate_all("lanes => lanes.map((lane) => lane.getBoundingClientRect().right)")
    assert max(ends) <= page.viewport_size["width"]
    page.get_by_role("button", name="Start over").dispatch_event("click")
    expect(page.locator('button.cell[aria-checked="false"]')).to_have_count(0)
    expect(you.locator(".track span")).to_have_text("3")  # the best stays
    page.get_by_role("button", name="Bring my best back").dispatch_event("click")
    expect(page.locator('button.cell[aria-checked="false"]')).to_have_count(3)
    page.wait_for_url(re.compile("mask="))
    with page.expect_download() as got:  # whether the page still runs or not
        page.get_by_role("button", name="Result card").dispatch_event("click")
    assert got.value.suggested_filename == "heads-off-3.png"
    with Image.open(got.value.path()) as picture:
        assert picture.size == (1200, 630)
