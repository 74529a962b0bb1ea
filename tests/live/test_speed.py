"""Sizes are counted by hand on the tiny BERT; of speed, only what must hold on any machine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from explorer.bert.surgery import cut
from explorer.errors import BadMask
from explorer.live.speed import Speed, measured, parameters_of, parameters_under
from explorer.mask import Mask
from tests import tiny

D, WIDE = tiny.HIDDEN, 2 * tiny.HIDDEN
HEAD = 4 * D * D // tiny.N_HEADS + 3 * D // tiny.N_HEADS  # query, key, value, their biases; output's columns
MLP = 2 * D * WIDE + WIDE + D


def result_of(work):
    def through():
        results.append((yield from work))

    results: list[Speed] = []
    assert list(through()) == [(number, 6) for number in range(1, 6)]
    return results[0]


def test_what_heads_and_mlps_weigh(classifier):
    full = parameters_of(classifier.model)
    norms_and_output_biases = tiny.N_LAYERS * (4 * D + D)
    assert full.encoder == tiny.N_LAYERS * (tiny.N_HEADS * HEAD + MLP) + norms_and_output_biases
    mask = Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_head(0, 1, False).with_head(2, 0, False).with_mlp(1, False)
    pruned = parameters_of(cut(classifier, mask))
    assert full.encoder - pruned.encoder == 2 * HEAD + MLP
    assert (pruned.embeddings, pruned.head) == (full.embeddings, full.head)
    assert full.total == sum(parameter.numel() for parameter in classifier.model.parameters())


@given(mask=tiny.masks())
@settings(max_examples=15)
def test_sizes_without_surgery_are_those_of_surgery(classifier, mask):
    assert parameters_under(classifier, mask) == parameters_of(cut(classifier, mask))


def test_measures_both_on_the_same_examples(classifier):
    nothing = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS), np.bool_), np.zeros(tiny.N_LAYERS, np.bool_))
    speed = result_of(measured(classifier, tiny.random_encoded(30), nothing, examples=20))
    assert speed.examples == 20
    assert speed.full_seconds > 0 < speed.pruned_seconds
    assert speed.ratio_low <= speed.ratio <= speed.ratio_high
    assert speed.pruned.encoder == tiny.N_LAYERS * (4 * D + D)


def test_a_mask_for_another_model_is_refused(classifier):
    with pytest.raises(BadMask):
        next(measured(classifier, tiny.random_encoded(4), Mask.full(6, 12)))
