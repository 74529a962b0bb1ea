"""What the grid can show: the words of each cell, two views at once, and what the bundle lacks."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from explorer.figures.grid_overlays import NO_CLASS, Classes, Overlay
from explorer.figures.overlays import dress, importance_overlay, pattern_overlay, survival_overlay
from explorer.mask import Mask
from explorer.stats.paired import compare
from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory
from explorer.store.schema import Key, Run
from explorer.study.stored_scores import known_run
from explorer.ui import cached
from explorer.ui.view import View
from explorer.ui.widgets import overlay_picker
from tests.ui.test_pages import CACHE, lab, texts

A = Mask(np.array([[1, 0], [1, 1]]), np.array([1, 0]))
B = Mask(np.array([[1, 0], [0, 1]]), np.array([0, 0]))


def test_survival_counts_seeds_and_names_them():
    view = survival_overlay({1337: A, 42: B})
    assert isinstance(view.overlay, Overlay)
    np.testing.assert_array_equal(view.overlay.heads, [[1, 0], [0.5, 1]])
    assert view.head_words[1, 0] == "Survives in 1 of 2 seeds: 1337. Mean 0.50, sd 0.71"
    assert view.head_words[0, 1] == "Survives in 0 of 2 seeds. Mean 0.00, sd 0.00"
    assert survival_overlay({7: A}).mlp_words[0] == "Kept with seed 7"


def test_importance_ranks_what_a_mask_keeps():
    heads, mlps = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([2.0, 1.0])
    every = importance_overlay(heads, mlps)
    assert every.head_words[1, 0] == "Importance 1.00, rank 1 of 4 heads", "the most important of its own layer"
    assert every.mlp_words[1] == "Importance 0.00, rank 2 of 2 MLPs"
    some = importance_overlay(heads, mlps, among=A)
    assert some.head_words[0, 1] == ""
    assert isinstance(some.overlay, Overlay)
    assert np.isnan(some.overlay.heads[0, 1])
    assert some.head_words[1, 1].endswith("rank 3 of 3 heads")
    assert some.mlp_words.tolist() == ["Importance 1.00, rank 1 of 1 MLP", ""]


def test_patterns_are_classes_and_mlps_have_none():
    view = pattern_overlay(np.array([["block", "vertical"], ["uncertain", "of a newer version"]]), (2, 2))
    assert isinstance(view.overlay, Classes)
    names = [category.name for category in view.overlay.categories]
    assert [names[i] for i in view.overlay.heads.ravel()[:3]] == ["block", "vertical", "uncertain"]
    assert view.overlay.heads[1, 1] == NO_CLASS
    assert (view.overlay.mlps == NO_CLASS).all()
    assert view.head_words[0, 0] == "Attention pattern: block"
    assert len({category.colour for category in view.overlay.categories}) == len(names), "no two alike in colour"
    assert len({category.sign for category in view.overlay.categories}) == len(names), "nor in sign"


def test_the_chosen_two_are_drawn_and_said_first():
    named = {
        "importance": importance_overlay(np.eye(2), np.arange(2.0)),
        "pattern": pattern_overlay(np.full((2, 2), "block"), (2, 2)),
        "survival": survival_overlay({1: A, 2: B}),
    }
    dressed = dress(named, "pattern", "survival", (2, 2))
    assert dressed.fill is named["pattern"].overlay
    assert dressed.ring is named["survival"].overlay
    lines = dressed.hover_heads[0][0].split("\n")
    assert [line.split()[0] for line in lines] == ["Attention", "Survives", "Importance"]
    assert dressed.hover_mlps[0].count("\n") == 1, "an MLP has no pattern"
    bare = dress(named, overlay_picker.NONE, "pattern", (2, 2))
    assert bare.fill is None
    assert bare.ring is None, "a class is no ring"


def test_the_loss_of_the_costliest_head_is_the_darkest():
    run = Run("minilm-l6", "MRPC", 1337)
    root = CACHE.root
    stamp = cached.stamp(root)
    view = View(Bundle(root), stamp, cached.manifests(root, stamp), run)
    found = overlay_picker.overlays_of(view, known_run(Bundle(root), run))
    loss = found.by_name["loss"].overlay
    assert isinstance(loss, Overlay)
    assert loss.heads.max() == 1
    assert np.unravel_index(loss.heads.argmax(), loss.heads.shape) == (2, 9)
    assert found.by_name["loss"].head_words[2, 9].startswith("Alone off: accuracy 0.571")


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A bundle of one run that nobody measured the ablations of."""
    run = Run("minilm-l6", "SST-2", 1337).path
    for stage in ("finetune", "structured.together", "importance.expected", "subnetworks"):
        shutil.copytree(CACHE.root / run / stage, tmp_path / run / stage)
    monkeypatch.setenv("EXPLORER_BUNDLE", str(tmp_path))


def test_a_run_without_ablations_is_coloured_by_what_there_is(bare):
    test = lab(task="SST-2", seed="1337")
    assert "Lost when alone off: not in this bundle" in texts(test)
    assert "loss" not in test.radio(key="lab.fill.widget").options
    assert test.radio(key="lab.fill.widget").value == "importance"


def choices(test):
    return test.radio(key="lab.fill.widget").value, test.radio(key="lab.ring.widget").value


def test_the_link_carries_both_choices():
    test = lab(task="MRPC", seed="42", fill="survival", ring="importance")
    assert choices(test) == ("survival", "importance")
    test.radio(key="lab.ring.widget").set_value("none").run()
    assert not test.exception
    assert test.query_params["fill"] in ("survival", ["survival"])
    assert "ring" not in test.query_params


@pytest.mark.parametrize("wrong", ["magic", "<b>"])
def test_a_link_to_a_view_that_is_not_there_shows_the_usual_one(bare, wrong):
    assert choices(lab(task="SST-2", seed="1337", fill=wrong, ring=wrong)) == ("importance", "none")


@pytest.mark.parametrize("task", ["RTE", "CoLA"])
def test_the_legend_of_losses_says_how_many_are_beyond_noise_where_right_and_wrong_are_the_score(task):
    run = Run("minilm-l6", task, 1337)
    known, ablations = known_run(CACHE, run), CACHE.read(Key(run, "ablations"))
    view = View(CACHE, 0.0, Inventory(CACHE.manifests()), run)
    shown = overlay_picker.overlays_of(view, known).by_name["loss"].overlay
    losing = 0
    for name, said in zip(ablations.table["component"], ablations.arrays["predictions"], strict=True):
        found = compare("accuracy", known.full.predictions, said, known.labels)
        losing += not name.startswith("layer") and found.p < 0.05
    assert ("beyond noise" in shown.title) is (task == "RTE")
    if task == "RTE":
        assert shown.title.endswith(f"alone is off (beyond noise: {losing} of 78)")
