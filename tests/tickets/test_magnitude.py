"""Magnitude pruning as arithmetic on small arrays, and on the names of a real, tiny BERT."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.bert.checkpoints import weights_of
from explorer.errors import BadMask, BadRequest
from explorer.tickets.magnitude import (
    WeightMask,
    apply,
    bad_weights,
    prune_weights,
    random_weights,
    surviving_share,
    weight_ticket,
    without_lowest,
)

LAYER = "bert.encoder.layer.0"
QUERY, OUTPUT = f"{LAYER}.attention.self.query.weight", f"{LAYER}.output.dense.weight"


def small(values):
    array = np.array(values, np.float32)
    return {QUERY: array[: len(array) // 2], OUTPUT: array[len(array) // 2 :]}


def kept_values(weights, mask):
    return sorted(float(v) for name in mask.names for v in weights[name][mask.kept(name)])


@pytest.fixture(scope="module")
def weights(classifier):
    return weights_of(classifier.model)


def test_prunable_are_the_papers_weights(classifier, weights):
    names = set(WeightMask.full(weights).names)
    layer = {name.removeprefix(f"{LAYER}.") for name in names if name.startswith(f"{LAYER}.")}
    dense = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
    expected = {f"{part}.{kind}" for part in (*dense, "intermediate.dense") for kind in ("weight", "bias")}
    assert layer == expected | {"output.dense.weight"}
    assert len(names) == classifier.n_layers * len(layer)
    assert WeightMask.full(weights).n_kept == WeightMask.full(weights).n_weights


def test_a_step_removes_a_tenth_of_what_is_left_over_the_whole_model():
    weights = small([0.5, -0.1, 3, 4, -5, 6, 7, 8, 9, 10, 0.2, -20, 21, 22, 23, 24, 25, 26, 27, 28])
    steps = list(prune_weights(lambda mask: 1.0, weights, max_steps=2))
    assert [step.mask.n_kept for step in steps] == [20, 18, 16]
    first = np.float32([-0.1, 0.2])
    assert not set(first.tolist()) & set(kept_values(weights, steps[1].mask))
    assert set(kept_values(weights, steps[1].mask)) - set(kept_values(weights, steps[2].mask)) == {0.5, 3.0}


def test_it_stops_at_the_first_step_below_90_percent_and_after_ten():
    weights = small(list(range(1, 101)))
    steps = list(prune_weights(lambda mask: mask.n_kept / 100, weights, share=0.75))
    assert [step.mask.n_kept for step in steps] == [100, 90, 81, 73]
    assert [step.held for step in steps] == [True, True, True, False]
    assert weight_ticket(steps) == steps[2].mask
    assert len(list(prune_weights(lambda mask: 1.0, weights))) == 11


def test_a_run_goes_on_from_what_is_done_without_scoring_it_again():
    weights = small(list(range(1, 101)))
    whole = list(prune_weights(lambda mask: mask.n_kept / 100, weights, share=0.5))
    for cut in range(len(whole) + 1):
        scored = []

        def score(mask, scored=scored):
            scored.append(mask)
            return mask.n_kept / 100

        rest = list(prune_weights(score, weights, share=0.5, done=whole[:cut]))
        assert [*whole[:cut], *rest] == whole
        assert len(scored) == len(rest)


def test_bad_removes_as_many_of_the_largest_and_random_as_many_at_random():
    weights = small([float(i) for i in range(1, 41)])
    good = weight_ticket(list(prune_weights(lambda mask: 1.0, weights, max_steps=3)))
    removed = good.n_weights - good.n_kept
    bad = bad_weights(weights, good)
    assert kept_values(weights, bad) == [float(i) for i in range(1, 41 - removed)]
    assert kept_values(weights, good) == [float(i) for i in range(1 + removed, 41)]
    assert random_weights(good, 0).n_kept == good.n_kept
    assert random_weights(good, 0) == random_weights(good, 0) != random_weights(good, 1)


@given(
    st.lists(st.sampled_from([0.0, 1.0, -1.0, 2.0, -3.0]), min_size=2, max_size=40),
    st.integers(0, 40),
    st.integers(0, 40),
)
@settings(max_examples=150)
def test_exactly_that_many_go_ties_or_not_and_none_smaller_stays(values, first, then):
    weights = small(values)
    full = WeightMask.full(weights)
    keys = {name: np.abs(array) for name, array in weights.items()}
    mask = full
    for many in (first, then):
        many = min(many, mask.n_kept)
        fewer = without_lowest(mask, keys, many)
        assert fewer.n_kept == mask.n_kept - many
        gone = [k for n in mask.names for k in keys[n][mask.kept(n) & ~fewer.kept(n)]]
        left = [k for n in mask.names for k in keys[n][fewer.kept(n)]]
        assert not gone or not left or max(gone) <= min(left)
        mask = fewer


@given(st.lists(st.booleans(), min_size=1, max_size=33))
def test_a_weight_mask_packs_and_reads_back(bits):
    kept = {"a": np.array(bits), "b": np.array([bits, bits])}
    mask = WeightMask.from_kept(kept)
    assert all(np.array_equal(mask.kept(name), kept[name]) for name in kept)
    assert mask.n_kept == 3 * sum(bits)
    again = WeightMask({name: bits.copy() for name, bits in mask.bits.items()}, dict(mask.shapes))
    assert again == mask
    assert hash(again) == hash(mask)


def test_apply_zeroes_the_pruned_and_nothing_else(weights):
    before = {name: array.copy() for name, array in weights.items()}
    good = weight_ticket(list(prune_weights(lambda mask: 1.0, weights, max_steps=4)))
    new = apply(weights, good)
    assert all(np.array_equal(weights[name], before[name]) for name in weights)
    for name, array in new.items():
        kept = good.kept(name) if name in good.names else np.ones(array.shape, bool)
        assert np.array_equal(array[kept], weights[name][kept])
        assert not array[~kept].any()
        assert array.dtype == np.float32


def test_survival_of_a_head_is_its_rows_and_columns(weights, classifier):
    full = WeightMask.full(weights)
    heads, mlps = surviving_share(full, classifier.n_heads)
    assert heads.shape == (classifier.n_layers, classifier.n_heads)
    assert (heads == 1).all()
    assert (mlps == 1).all()
    kept = {name: full.kept(name) for name in full.names}
    size = classifier.model.config.hidden_size
    width = size // classifier.n_heads
    span = slice(width, 2 * width)  # head 1
    stem = "bert.encoder.layer.1"
    kept[f"{stem}.attention.self.key.weight"][span] = False
    kept[f"{stem}.attention.self.key.bias"][span] = False
    kept[f"{stem}.attention.output.dense.weight"][:, span] = False
    kept[f"{stem}.attention.output.dense.bias"][:] = False  # of no head
    kept[f"{stem}.intermediate.dense.bias"][:] = False
    heads, mlps = surviving_share(WeightMask.from_kept(kept), classifier.n_heads)
    expected = np.ones_like(heads)
    expected[1, 1] = 1 - (size + 1 + size) / (4 * size + 3)
    assert heads == pytest.approx(expected)
    inner = classifier.model.config.intermediate_size
    assert mlps[1] == pytest.approx(1 - inner / (2 * inner * size + inner))
    assert (np.delete(mlps, 1) == 1).all()


def test_random_pruning_spreads_over_heads(weights, classifier):
    full = WeightMask.full(weights)
    half = without_lowest(full, {n: np.abs(weights[n]) for n in full.names}, full.n_weights // 2)
    heads, mlps = surviving_share(random_weights(half, 1), classifier.n_heads)
    assert heads.mean() == pytest.approx(0.5, abs=0.05)
    assert mlps.mean() == pytest.approx(0.5, abs=0.05)


def test_refusals(weights):
    full = WeightMask.full(small([1, 2, 3, 4]))
    with pytest.raises(BadRequest, match="cannot be removed"):
        without_lowest(full, small([1, 2, 3, 4]), 5)
    with pytest.raises(BadRequest, match="no BERT encoder"):
        WeightMask.full({"classifier.weight": np.ones((2, 2), np.float32)})
    with pytest.raises(BadRequest, match="not finite"):
        list(prune_weights(lambda mask: 1.0, small([1, np.nan, 3, 4])))
    with pytest.raises(BadMask, match="does not fit"):
        apply(weights, full)
    with pytest.raises(BadMask, match="heads"):
        surviving_share(WeightMask.full(weights), 3)
    with pytest.raises(BadMask, match="bits"):
        WeightMask({"a": np.zeros(1, np.uint8)}, {"a": (9,)})
    with pytest.raises(BadMask, match="bits"):
        WeightMask({"a": np.array([1], np.uint8)}, {"a": (7,)})  # a stray bit beyond the end
    with pytest.raises(BadRequest, match="no step"):
        weight_ticket([])
    with pytest.raises(BadRequest, match="negative"):
        random_weights(full, -1)


def test_what_torch_prunes_is_what_is_pruned_here():
    torch.manual_seed(0)
    first, second = torch.nn.Linear(8, 8), torch.nn.Linear(8, 8)
    weights = {QUERY: first.weight.detach().numpy().copy(), OUTPUT: second.weight.detach().numpy().copy()}
    from torch.nn.utils import prune

    for _ in range(3):
        prune.global_unstructured([(first, "weight"), (second, "weight")], prune.L1Unstructured, amount=0.1)
    steps = list(prune_weights(lambda mask: 1.0, weights, max_steps=3))
    assert np.array_equal(steps[-1].mask.kept(QUERY), first.weight_mask.numpy() == 1)
    assert np.array_equal(steps[-1].mask.kept(OUTPUT), second.weight_mask.numpy() == 1)
