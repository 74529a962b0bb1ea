"""Synthetic maps: rows that sum to 1, the same for the same seed, and in each class what names it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadRequest
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.generator import draw, generate, norm_weighted
from explorer.patterns.classifier.map_shapes import GeneratorOptions


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def drawn():
    made = generate(200, rng(5), GeneratorOptions(length=(14, 60)))
    return {name: [one for one in made if one.label == name] for name in CLASSES}


@settings(max_examples=40)
@given(st.sampled_from(CLASSES), st.integers(0, 2**31), st.integers(4, 128))
def test_every_map_is_attention(label, seed, length):
    sample = draw(label, rng(seed), GeneratorOptions(length=(length, length)))
    assert sample.weights.shape == (length, length)
    assert (sample.weights >= 0).all()
    np.testing.assert_allclose(sample.weights.sum(axis=1), 1, atol=1e-9)
    assert sample.layout.separators[-1] == length - 1


def test_lengths_stay_in_their_range():
    lengths = {one.layout.length for one in generate(100, rng(), GeneratorOptions(length=(8, 128)))}
    assert min(lengths) >= 8
    assert max(lengths) <= 128
    assert len(lengths) > 30


def test_a_seed_gives_the_same_maps_and_another_seed_others():
    first, again, other = (generate(5, rng(seed)) for seed in (3, 3, 4))
    assert all((a.weights == b.weights).all() for a, b in zip(first, again, strict=True))
    assert first[0].weights.shape != other[0].weights.shape or (first[0].weights != other[0].weights).any()


def test_classes_come_in_turn():
    assert [one.label for one in generate(7, rng())] == [*CLASSES, *CLASSES[:2]]


def mass_near_diagonal(one):
    i, j = np.indices(one.weights.shape)
    return float(one.weights[np.abs(i - j) <= 3].sum() / one.layout.length)


def mass_of_best_columns(one):
    return float(np.sort(one.weights.mean(axis=0))[-8:].sum())


def test_diagonal_maps_hold_their_mass_near_the_diagonal(drawn):
    typical = {name: np.median([mass_near_diagonal(one) for one in maps]) for name, maps in drawn.items()}
    assert typical["diagonal"] > 0.6
    assert typical["vertical"] < typical["vertical+diagonal"] < typical["diagonal"]


def test_vertical_maps_hold_their_mass_in_few_columns(drawn):
    typical = {name: np.median([mass_of_best_columns(one) for one in maps]) for name, maps in drawn.items()}
    assert typical["vertical"] > 0.6
    assert typical["vertical"] > typical["vertical+diagonal"] > typical["diagonal"]


def test_block_maps_are_pairs_that_look_within_their_sentence(drawn):
    for one in drawn["block"]:
        assert one.layout.is_pair
        within = sum(one.weights[part, part].sum() for part in one.layout.sentences) / one.layout.length
        by_chance = sum((part.stop - part.start) ** 2 for part in one.layout.sentences) / one.layout.length**2
        assert within > by_chance + 0.1


def test_norm_weighting_dims_the_special_columns():
    sample = draw("block", rng(1), GeneratorOptions(length=(20, 20)))
    weighted = norm_weighted(sample, rng(2))
    ratio = weighted.sum(axis=0) / sample.weights.sum(axis=0)
    special = [0, *sample.layout.separators]
    assert ratio[special].max() < np.median(np.delete(ratio, special))
    assert (ratio > 0).all()


@pytest.mark.parametrize(
    "options",
    [{"length": (3, 9)}, {"length": (20, 10)}, {"pair_share": 1.5}, {"gap_share": 0.6}, {"noise": -0.1}],
)
def test_impossible_options_are_told(options):
    with pytest.raises(BadRequest):
        GeneratorOptions(**options)


def test_an_unknown_class_is_told():
    with pytest.raises(BadRequest, match="no pattern 'round'"):
        draw("round", rng())
