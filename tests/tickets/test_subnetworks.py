"""Sizes are an invariant; what each kind is drawn from; what cannot be had is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import BadMask, BadRequest
from explorer.mask import Mask
from explorer.tickets.subnetworks import (
    SUBNETWORK_KINDS,
    Subnetwork,
    bad,
    good,
    random,
    super_bad,
    super_good,
    super_random,
    times_kept,
)


@st.composite
def mask_of(draw, n_layers, n_heads):
    bits = draw(st.lists(st.booleans(), min_size=n_layers * (n_heads + 1), max_size=n_layers * (n_heads + 1)))
    array = np.array(bits)
    return Mask(array[: n_layers * n_heads].reshape(n_layers, n_heads), array[n_layers * n_heads :])


SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 5))
ONE = SHAPES.flatmap(lambda shape: mask_of(*shape))
SEVERAL = SHAPES.flatmap(lambda shape: st.lists(mask_of(*shape), min_size=1, max_size=5))
SEED = st.integers(0, 2**32)


def size(mask):
    return mask.heads_kept, mask.mlps_kept


def by_bits(heads, mlps):
    return Mask(np.array(heads).reshape(len(mlps), -1), np.array(mlps))


@given(ONE, SEED)
def test_bad_and_random_are_exactly_as_large_as_good(mask, seed):
    assert good(mask).mask == mask
    assert size(bad(mask, seed).mask) == size(random(mask, seed).mask) == size(mask)


@given(SEVERAL, SEED)
def test_super_bad_and_super_random_are_exactly_as_large_as_super_good(masks, seed):
    sizes = size(super_good(masks).mask)
    assert size(super_bad(masks, seed).mask) == size(super_random(masks, seed).mask) == sizes


@given(ONE, SEED)
def test_bad_takes_survivors_only_when_the_pruned_are_used_up(mask, seed):
    result = bad(mask, seed).mask
    for survived, chosen in ((mask.heads, result.heads), (mask.mlps, result.mlps)):
        if (chosen & survived).any():
            assert chosen[~survived].all()


@given(SEVERAL, SEED)
def test_super_good_survives_everywhere_and_super_bad_has_the_fewest_survivals(masks, seed):
    best, worst = super_good(masks).mask, super_bad(masks, seed).mask
    for mask in masks:
        assert not (best.heads & ~mask.heads).any()
        assert not (best.mlps & ~mask.mlps).any()
    for totals, chosen in zip(times_kept(masks), (worst.heads, worst.mlps), strict=True):
        if chosen.any() and not chosen.all():
            assert totals[chosen].max() <= totals[~chosen].min()


@given(SEVERAL, SEED)
def test_super_random_leaves_the_between_only_when_it_is_used_up(masks, seed):
    result = super_random(masks, seed).mask
    for totals, chosen in zip(times_kept(masks), (result.heads, result.mlps), strict=True):
        between = (totals > 0) & (totals < len(masks))
        if (chosen & ~between).any():
            assert chosen[between].all()


@given(SEVERAL, SEED)
def test_the_same_seed_draws_the_same(masks, seed):
    assert bad(masks[0], seed) == bad(masks[0], seed)
    assert random(masks[0], seed) == random(masks[0], seed)
    assert super_bad(masks, seed) == super_bad(masks, seed)
    assert super_random(masks, seed) == super_random(masks, seed)


def test_random_reaches_every_component_alike():
    mask = by_bits([1, 0, 0, 0, 0, 1], [1, 0])
    drawn = [random(mask, seed).mask for seed in range(2000)]
    share = np.mean([d.heads for d in drawn], axis=0)
    assert share == pytest.approx(np.full((2, 3), 2 / 6), abs=0.04)  # four standard errors
    assert np.mean([d.mlps for d in drawn], axis=0) == pytest.approx([0.5, 0.5], abs=0.045)


def test_seeds_and_kinds_draw_differently():
    mask = Mask(np.arange(144).reshape(12, 12) % 2 == 0, np.arange(12) % 2 == 0)
    assert random(mask, 0).mask != random(mask, 1).mask
    assert random(mask, 0).mask != bad(mask, 0).mask


def test_bad_says_how_many_survivors_fill_it_up():
    mask = by_bits([1, 1, 1, 1, 1, 0], [1, 0])
    assert bad(mask, 0).note == "Only 1 head was pruned; 4 of the 5 here are survivors."
    assert not bad(by_bits([1, 0, 1, 0], [0, 1]), 0).note


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (Mask.full(2, 3), ["No head is pruned", "No MLP is pruned"]),
        (by_bits([0] * 6, [0, 0]), ["No head survives", "No MLP survives"]),
        (by_bits([1] * 6, [0, 0]), ["No head is pruned", "No MLP survives"]),
    ],
)
def test_sizes_that_leave_no_choice_are_named(mask, words):
    for subnetwork in (good(mask), bad(mask, 3), random(mask, 3)):
        assert subnetwork.mask == mask
        assert all(word in subnetwork.note for word in words)


def test_nothing_that_survives_everywhere_is_named():
    masks = [by_bits([1, 0, 0, 0], [1, 0]), by_bits([0, 1, 0, 0], [0, 1])]
    for subnetwork in (super_good(masks), super_bad(masks, 0), super_random(masks, 0)):
        assert size(subnetwork.mask) == (0, 0)
        assert "No head survives" in subnetwork.note


def test_super_bad_and_super_random_say_where_they_had_to_go():
    # times_kept over three seeds: heads 3 3 3 1 2 0, MLPs 3 0
    masks = [by_bits([1, 1, 1, a, b, 0], [1, 0]) for a, b in ((1, 1), (0, 1), (0, 0))]
    worst = super_bad(masks, 0)
    assert worst.mask == by_bits([0, 0, 0, 1, 1, 1], [0, 1])
    assert worst.note == "Only 1 head is pruned in every seed; 2 of the 3 here survive in some."
    between = super_random(masks, 0)
    assert between.mask.heads.ravel()[3:5].all()
    assert "Seeds differ on only 2 heads of the 3 needed; 1 more is drawn" in between.note
    assert "Seeds differ on only 0 MLPs of the 1 needed" in between.note


def test_one_seed_is_named():
    mask = by_bits([1, 0, 0, 1], [1, 0])
    assert super_good([mask]) == Subnetwork(
        "super-good", mask, "There is one seed only: super-good is its good subnetwork."
    )


def test_refusals():
    with pytest.raises(BadRequest, match="no masks"):
        super_good([])
    with pytest.raises(BadMask, match="different shapes"):
        super_bad([Mask.full(2, 3), Mask.full(3, 3)], 0)
    with pytest.raises(BadRequest, match="negative"):
        random(Mask.full(2, 3), -1)
    assert len(set(SUBNETWORK_KINDS)) == 6
