"""The static site from its file: the slider moves grid and score, the keyboard reaches everything, no host is asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.tickets.pruning_path import rows_of
from precompute.bundle.site import run_site

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

CACHE = Path(__file__).resolve().parents[2] / "cache"
RUN = Run("minilm-l6", "MRPC", 1337)
SHAPE = (6, 12)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of one run of the cache: its pruning path and its tickets."""
    root = tmp_path_factory.mktemp("bundles") / "cache"
    for stage in ("finetune", "structured.together", "subnetworks"):
        shutil.copytree(CACHE / RUN.path / stage, root / RUN.path / stage)
    return run_site(Bundle(root), tmp_path_factory.mktemp("sites") / "site").folder


def test_the_slider_moves_the_grid_and_the_score_with_no_server(page, site):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="MRPC").first.click()
    rows = rows_of(Bundle(CACHE).read(Key(RUN, "structured", "together")).table, SHAPE)
    hero, player = page.locator("[data-hero]"), page.locator("[data-replay]")
    slider = hero.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    expect(hero.locator(".number")).to_have_text(f"{rows[0].score:.3f}")
    page.keyboard.press("ArrowRight")
    expect(hero.locator(".number")).to_have_text(f"{rows[1].score:.3f}")
    expect(hero.locator(".interval").first).to_contain_text(f"95% interval {rows[1].low:.3f} to {rows[1].high:.3f}")
    expect(hero.locator(".cell.head[aria-checked=false]")).to_have_count(72 - rows[1].mask.heads_kept)

    player.get_by_role("slider").focus()
    page.keyboard.press("End")
    last = rows[-1]
    expect(player.locator(".number")).to_have_text(f"{last.score:.3f}")
    off = [json.loads(kept) for kept in player.locator(".cell").evaluate_all("all => all.map(c => c.ariaChecked)")]
    shown = [[*row, mlp] for row, mlp in zip(last.mask.heads.tolist(), last.mask.mlps.tolist(), strict=True)]
    assert off == [bit for row in shown for bit in row]
    assert Mask.full(*SHAPE).code != last.mask.code
    assert asked
    assert all(url.startswith("file:") for url in asked)
