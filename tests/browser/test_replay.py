"""Replay in a real browser: a step by key, playing on, and a step opened in the lab with its mask."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.tickets.pruning_path import path_of
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

RUN = Run("minilm-l6", "MRPC", 42)
"""Not the first seed: a switch of page must not forget it. Its checkpoint does not ship, so the lab opens fast."""
STEPS = path_of(Bundle(ROOT / "cache").read(Key(RUN, "structured", "together")), (6, 12)).steps


@pytest.fixture
def replay(page, home):
    page.goto(f"{home}/?task=MRPC&seed={RUN.seed}")
    page.get_by_role("link", name="Replay", exact=True).click()
    expect(page.get_by_text("The full model, everything on.")).to_be_visible()
    return page


def states(page):
    page.locator("button.cell").first.wait_for()
    return page.eval_on_selector_all("button.cell", "all => all.map(c => c.getAttribute('aria-checked') === 'true')")


def flat(number):
    """Kept or not, in the order of the cells on screen: each layer's heads, then its MLP."""
    mask = STEPS[number].mask
    return [bool(kept) for layer in range(6) for kept in (*mask.heads[layer], mask.mlps[layer])]


def test_a_step_opens_in_the_lab_with_its_mask_and_replay_remembers_where_it_was(replay):
    replay.get_by_role("slider").press("ArrowRight")
    replay.get_by_role("slider").press("ArrowRight")
    replay.wait_for_url(re.compile("step=2"))
    expect(replay.get_by_test_id("stMetricLabel")).to_contain_text("Step 2 of")
    until(lambda: states(replay) == flat(2))
    expect(replay.locator(".cell.mark")).to_have_count(int(STEPS[2].heads_off.sum() + STEPS[2].mlps_off.sum()))
    replay.get_by_role("button", name="Open this step in the lab").click()
    replay.wait_for_url(re.compile(f"lab.*seed=42.*mask={STEPS[2].mask.code}"))
    until(lambda: states(replay) == flat(2))
    replay.get_by_role("link", name="Replay", exact=True).click()
    expect(replay.get_by_test_id("stMetricLabel")).to_contain_text("Step 2 of")


def test_playing_moves_on_by_itself_to_the_end_and_leaves_the_chart_standing(replay):
    last = len(STEPS) - 1
    replay.get_by_role("slider").press("End")
    replay.wait_for_url(re.compile(f"step={last}"))
    for back in (1, 2):
        replay.get_by_role("slider").press("ArrowLeft")
        replay.wait_for_url(re.compile(f"step={last - back}"))
    expect(replay.get_by_test_id("stMetricLabel")).to_contain_text(f"Step {last - 2} of")
    replay.locator(".vega-embed canvas, .vega-embed svg").first.wait_for()
    replay.evaluate("window.chart = document.querySelector('.vega-embed canvas, .vega-embed svg')")
    replay.get_by_role("button", name="Play").click()
    expect(replay.get_by_test_id("stMetricLabel")).to_contain_text(f"Step {last} of")
    expect(replay.get_by_role("button", name="Play")).to_be_visible()
    assert replay.evaluate("window.chart.isConnected")


def test_a_step_is_told_and_walked_at_every_size(sized, home):
    sized.goto(f"{home}/replay?task=MRPC&seed={RUN.seed}&step=2")
    expect(sized.get_by_test_id("stMetricLabel")).to_contain_text("Step 2 of")
    until(lambda: states(sized) == flat(2))
    width = sized.viewport_size["width"]
    for found in (sized.locator(".board"), sized.get_by_role("slider"), sized.get_by_role("button", name="Play")):
        box = found.first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    sized.get_by_role("slider").press("ArrowRight")
    until(lambda: states(sized) == flat(3))
    assert sized.evaluate("document.documentElement.scrollWidth") <= width
