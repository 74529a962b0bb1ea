"""Pairs of parts on screen: the League page's sentence, grid and table, and the overlay that follows a head's card."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.figures.interactions import interaction_overlay
from explorer.figures.print.head_grid import grid_figure
from explorer.mask import Mask
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.study.mask_bank import mask_bank_of
from explorer.study.pairs import bank_partners, pairs_words, run_pairs
from explorer.ui.widgets.part import component_of, part_of
from tests.bundles import MODEL, H, L, small_bundle
from tests.leagues import with_bank, with_pairs
from tests.ui.opened import address, opened, words

RUN, OTHER = Run(MODEL, "MRPC", 1337), Run(MODEL, "MRPC", 42)
PARTS = L * (H + 1)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    made = small_bundle(tmp_path_factory.mktemp("bundle"))
    with_pairs(made, RUN)
    with_bank(made, OTHER)
    return made


def test_pairs_are_read_with_what_is_beyond_noise(bundle):
    assert not [problem for problem in validate(bundle) if "pairs" in str(problem)]
    found = run_pairs(bundle.read(Key(RUN, "pairs")), "accuracy", (L, H))
    assert (found.synergies, found.redundancies) == (1, 1)
    of = found.with_part(1)
    assert np.flatnonzero(of.beyond_noise).tolist() == [0]
    assert np.isnan(of.value[1])
    assert of.value[0] == 0.25
    assert "**layer 1, head 1** and **layer 1, head 2** help each other (accuracy +0.250" in pairs_words(found, (L, H))
    by_margin = run_pairs(bundle.read(Key(RUN, "pairs")), "accuracy", (L, H), by_margin=True)
    assert "**None** of 105 pairs interacts beyond noise" in pairs_words(by_margin, (L, H))
    assert list(found.table((L, H), 1)["kind"]) == ["synergy", "redundancy"]


def test_a_grid_shows_only_what_is_told_from_none_and_says_the_rest(bundle):
    found = run_pairs(bundle.read(Key(RUN, "pairs")), "accuracy", (L, H))
    shown = interaction_overlay(found.with_part(1), (L, H))
    assert shown.overlay.heads[0, 0] == 1
    assert np.isnan(shown.overlay.heads[0, 1:]).all()
    assert "+0.250 [+0.200, +0.300] (synergy" in shown.head_words[0, 0]
    assert "not told from none" in shown.mlp_words[0]
    other = interaction_overlay(found.with_part(PARTS - 1), (L, H))
    assert other.overlay.mlps[-2] == 0, "redundancy is below the middle"
    rings = grid_figure(Mask.full(L, H), 5, ring=other.overlay)
    assert [trace.name for trace in rings.data if trace.showlegend and "redundancy" in trace.name]


def test_components_and_parts_are_named_alike():
    ends = [str(head + 1) for head in range(H)]
    codes = [f"{layer + 1}.{end}" for layer in range(L) for end in ends] + [f"{layer + 1}.mlp" for layer in range(L)]
    parts = [part_of(code, (L, H)) for code in codes]
    assert [part.code for part in parts] == codes
    assert [component_of(part, (L, H)) for part in parts] == list(range(PARTS))


def test_the_page_follows_the_head_that_is_looked_at(monkeypatch, bundle):
    test = opened(monkeypatch, "league", bundle.root, task="MRPC", seed="1337", measure="score")
    said = words(test)
    assert "Of 105 pairs, **2** interact beyond noise" in said
    assert "**With layer 1, head 1**" in said, "the surest pair, where no head is looked at"
    assert "Choose a row to open the pair in the lab." not in said, "there is no lab in this test"
    assert {"league.pairs", "league.pairs.grid"} <= set(test.session_state["exhibits.kept"].exhibits)
    test.session_state["view.linked_head"] = "3.mlp"
    test.run()
    assert "**With layer 3, MLP**" in words(test)
    assert test.session_state["exhibits.kept"].drawn_with == "3.mlp"
    assert address(test, "measure") is None
    margin = opened(monkeypatch, "league", bundle.root, task="MRPC", seed="1337", measure="margin")
    assert "**None** of 105 pairs interacts beyond noise" in words(margin)
    assert address(margin, "measure") == "margin"


def test_without_pairs_the_bank_answers_on_average(monkeypatch, bundle):
    test = opened(monkeypatch, "league", bundle.root, task="MRPC", seed="42")
    assert "On average over random masks" in words(test)
    assert "python -m precompute pairs --task MRPC --seed 42" in words(test)
    labels = bundle.read(Key(OTHER, "finetune")).arrays["labels"]
    bank = mask_bank_of(bundle.read(Key(OTHER, "bank")), labels, (L, H))
    of = bank_partners(bank, 3, "accuracy")
    assert np.isnan(of.q[3])
    assert ((of.low <= of.value) | np.isnan(of.value)).all()


def test_too_few_masks_are_refused_in_words(bundle):
    labels = bundle.read(Key(OTHER, "finetune")).arrays["labels"]
    bank = mask_bank_of(bundle.read(Key(OTHER, "bank")), labels, (L, H))
    small = type(bank)(bank.task, bank.kept[:20], bank.rates[:20], bank.margins[:20], labels)
    with pytest.raises(BadRequest, match="Draw more masks"):
        bank_partners(small, 3, "accuracy")
