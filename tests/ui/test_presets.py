"""The preset row: each button puts its mask into the address, and what cannot be is greyed out."""

from __future__ import annotations

import shutil

from explorer.mask import Mask
from explorer.store.schema import Run
from tests.ui.opened import address
from tests.ui.test_pages import CACHE, lab, texts

FULL = Mask.full(6, 12)
RUN = Run("minilm-l6", "MRPC", 42)
"""Its checkpoint does not ship: nothing is scored, so nothing is waited for."""


def clicked(test, name):
    test.button(key=f"lab.preset.{name}").click().run()
    assert not test.exception
    return Mask.from_code(address(test, "mask") or FULL.code, 6, 12)


def test_one_layer_off_what_seeds_keep_and_all_off():
    test = lab(task="MRPC", seed="42")
    assert clicked(test, "layer.2") == FULL.with_layer(2, False)
    kept = [clicked(test, f"seeds.{k}").heads_kept for k in range(1, 6)]
    assert kept == sorted(kept, reverse=True)
    assert clicked(test, "Super") == clicked(test, "seeds.5")
    assert clicked(test, "All off").heads_kept == 0
    assert clicked(test, "Full") == FULL


def test_random_draws_again_and_the_most_important_follow_the_slider():
    test = lab(task="MRPC", seed="42")
    drawn = [clicked(test, "Random") for _ in range(3)]
    assert len(set(drawn)) == 3
    assert len({(mask.heads_kept, mask.mlps_kept) for mask in drawn}) == 1
    test.slider(key=f"lab.preset.top.heads.{RUN.path}").set_value(10).run()
    mask = Mask.from_code(address(test, "mask") or "", 6, 12)
    assert (mask.heads_kept, mask.mlps_kept) == (10, 6)
    assert mask.heads[2, 9], "the head that costs most is the most important, too"


def test_a_run_that_was_not_pruned_has_no_tickets_and_says_so(monkeypatch, tmp_path):
    shutil.copytree(CACHE.root / RUN.path / "finetune", tmp_path / RUN.path / "finetune")
    monkeypatch.setenv("EXPLORER_BUNDLE", str(tmp_path))
    test = lab()
    good = test.button(key="lab.preset.Good ticket")
    assert good.disabled
    assert good.help == "Seed 42 is not pruned in this bundle, so it has no ticket."
    assert "needs two pruned seeds" in texts(test)
    assert "python -m precompute importance" in texts(test)
    assert clicked(test, "layer.0") == FULL.with_layer(0, False)
