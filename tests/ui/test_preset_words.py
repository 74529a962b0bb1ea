"""The words of preset masks, on a model of 2 layers x 3 heads."""

from __future__ import annotations

import numpy as np

from explorer.mask import Mask
from explorer.ui.widgets.presets import named_presets, size_words

SHAPE = (2, 3)
A = Mask(np.array([[1, 1, 0], [0, 1, 0]]), np.array([1, 0]))
B = Mask(np.array([[1, 0, 0], [0, 1, 1]]), np.array([1, 1]))
C = Mask(np.array([[1, 0, 0], [1, 0, 0]]), np.array([0, 1]))
TICKETS = {1: A, 2: B, 3: C}


def test_every_named_preset_is_of_the_size_that_its_words_say():
    presets = named_presets(SHAPE, TICKETS, 1)
    assert list(presets) == [
        *("full", "good", "bad", "random", "complement", "super", "super-bad", "super-random", "off"),
    ]
    masks = {name: preset.mask for name, preset in presets.items()}
    assert masks["full"] == Mask.full(*SHAPE)
    assert masks["good"] == A
    assert masks["super"] == Mask(np.array([[1, 0, 0], [0, 0, 0]]), np.array([0, 0]))
    assert not masks["off"].heads.any()
    np.testing.assert_array_equal(masks["complement"].heads, ~A.heads)
    np.testing.assert_array_equal(masks["complement"].mlps, ~A.mlps)
    for name in ("bad", "random"):
        assert (masks[name].heads_kept, masks[name].mlps_kept) == (3, 1)
        assert presets[name].words.startswith("3 heads and 1 MLP, as many as in the good ticket,")
    assert not (masks["bad"].heads & A.heads).any(), "there are as many pruned heads as survivors"
    for name in ("super-bad", "super-random"):
        assert (masks[name].heads_kept, masks[name].mlps_kept) == (1, 0)


def test_what_the_bundle_lacks_says_why():
    presets = named_presets(SHAPE, {2: B}, 1)
    assert all(presets[name].mask is None for name in ("good", "bad", "random", "complement", "super"))
    assert presets["good"].words == "Seed 1 is not pruned in this bundle, so it has no ticket."
    assert presets["super"].words == "Two pruned seeds are needed to compare; this bundle holds 1."
    assert presets["full"].mask is not None
    assert presets["off"].mask is not None


def test_a_size_is_said_in_words():
    assert size_words(Mask(np.zeros(SHAPE, bool), np.zeros(2, bool))) == "0 heads and 0 MLPs"
    assert size_words(Mask(np.eye(2, 3, dtype=bool), np.array([True, False]))) == "2 heads and 1 MLP"
