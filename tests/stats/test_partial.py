"""A running score: exact at the end, honest about few flips, and right over all looks as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadRequest
from explorer.stats.paired import SAME_PREDICTIONS, compare
from explorer.stats.partial import known, running
from explorer.stats.spending import spent_at

RNG_LABELS = np.random.default_rng(3).integers(2, size=408)
FULL = np.where(np.random.default_rng(4).random(408) < 0.8, RNG_LABELS, 1 - RNG_LABELS)


def flipped(of, at):
    mask = np.array(of.full)
    mask[at] = 1 - mask[at]
    return mask


@pytest.mark.parametrize("metric", ["accuracy", "matthews"])
def test_one_flip_among_the_first_twenty_is_not_real(metric):
    of = known(metric, FULL, RNG_LABELS)
    part = np.arange(20)
    for at in part:
        found = running(of, part, flipped(of, at)[part]).difference
        assert found.within_noise
        assert found.low < 0 < found.high


def test_four_flips_one_way_are_not_real_where_mcnemar_says_so_whatever_the_metric():
    labels, full = np.tile([0, 1], 500), np.tile([0, 1, 0, 1, 1], 200)
    right = np.flatnonzero(labels == full)[:4]
    mask = full.copy()
    mask[right] = 1 - mask[right]
    for metric in ("accuracy", "matthews"):
        final = compare(metric, mask, full, labels)
        assert final.p == 0.125
        assert final.within_noise
        assert running(known(metric, full, labels), np.arange(900), mask[:900]).difference.within_noise


@pytest.mark.parametrize("metric", ["accuracy", "matthews", "pearson"])
def test_every_example_leaves_no_doubt(metric):
    labels, full = RNG_LABELS * 1.0, FULL * 1.0
    mask = np.where(np.arange(408) % 9 == 0, 1 - full, full)
    found = running(
        known(metric, full, labels),
        np.random.default_rng(0).permutation(408),
        mask[np.random.default_rng(0).permutation(408)],
    )
    final = compare(metric, mask, full, labels)
    assert found.score.low == pytest.approx(found.score.high, abs=1e-9)
    assert found.score.value == pytest.approx(final.value_a, abs=1e-9)
    assert found.difference.difference == pytest.approx(final.difference, abs=1e-9)


def test_no_flip_so_far_is_no_proof_of_none():
    of = known("accuracy", FULL, RNG_LABELS)
    found = running(of, np.arange(50), FULL[:50]).difference
    assert found.note == SAME_PREDICTIONS
    assert found.difference == 0
    assert found.low < 0 < found.high
    assert found.within_noise


def test_score_and_difference_have_one_interval_and_say_what_it_promises():
    of = known("accuracy", FULL, RNG_LABELS)
    found = running(of, np.arange(60), flipped(of, [3, 9])[:60], words="95% over all looks")
    assert found.score.low - of.value == pytest.approx(found.difference.low)
    assert found.score.value - of.value == pytest.approx(found.difference.difference)
    assert found.score.n == 60
    assert "95% over all looks, 60 of 408 examples" in found.score.method
    assert found.difference.method == found.score.method


@st.composite
def samples(draw):
    n = draw(st.integers(2, 60))
    labels, full, mask = (np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))) for _ in range(3))
    return labels, full, mask, np.array(draw(st.permutations(range(n)))[: draw(st.integers(1, n))])


@given(case=samples(), metric=st.sampled_from(["accuracy", "matthews"]))
@settings(deadline=None, max_examples=150)
def test_the_interval_holds_the_estimate_and_stays_in_range_and_a_real_difference_leaves_0_out(case, metric):
    labels, full, mask, part = case
    found = running(known(metric, full, labels), part, mask[part])
    score, difference = found.score, found.difference
    assert score.low <= score.value <= score.high
    assert -1e-9 + (0 if metric == "accuracy" else -1) <= score.low
    assert score.high <= 1 + 1e-9
    if not difference.within_noise:
        assert difference.low > 0 or difference.high < 0
        if metric == "accuracy":
            assert difference.p < 0.05
    if len(part) == len(labels):
        assert score.low == pytest.approx(score.high, abs=1e-9)


@given(case=samples())
@settings(deadline=None, max_examples=100)
def test_flips_known_so_far_bound_the_difference(case):
    """No interval says more or less than the flips already seen, and the examples left, allow."""
    labels, full, mask, part = case
    found = running(known("accuracy", full, labels), part, mask[part]).difference
    left, n = len(labels) - len(part), len(labels)
    seen = (found.only_a_right - found.only_b_right) / n
    assert seen - left / n - 1e-9 <= found.low
    assert found.high <= seen + left / n + 1e-9


@pytest.mark.parametrize(
    ("metric", "flips", "least"),
    [("accuracy", 6, 0.95), ("accuracy", 150, 0.95), ("matthews", 6, 0.93), ("matthews", 60, 0.93)],
)
def test_all_looks_together_hold_the_final_score_and_call_no_noise_real(metric, flips, least):
    """Of 120 orders: .91 and less with the pointwise intervals that were here before, down to .3 for few flips."""
    of, looks, rng = known(metric, FULL, RNG_LABELS), (20, 58, 136, 213, 290, 368), np.random.default_rng(7)
    mask = flipped(of, rng.choice(408, flips, replace=False))
    final = compare(metric, mask, FULL, RNG_LABELS)
    errors, held, real = spent_at(looks), 0, 0
    for _ in range(120):
        order = rng.permutation(408)
        found = [running(of, order[:m], mask[order[:m]], error=e) for m, e in zip(looks, errors, strict=True)]
        held += all(f.score.low - 1e-12 <= final.value_a <= f.score.high + 1e-12 for f in found)
        real += any(not f.difference.within_noise for f in found)
    assert held / 120 >= least
    if final.within_noise:
        assert real / 120 <= 0.05
    else:
        assert real > 0


def test_all_looks_together_hold_a_correlation():
    rng, looks = np.random.default_rng(5), (34, 100, 232, 364, 496)
    labels = rng.uniform(0, 5, 600)
    full = labels + rng.normal(0, 1, 600)
    mask = full + rng.normal(0, 0.5, 600)
    of, final, errors = known("pearson", full, labels), np.corrcoef(mask, labels)[0, 1], spent_at(looks)
    held = 0
    for _ in range(120):
        order = rng.permutation(600)
        found = [running(of, order[:m], mask[order[:m]], error=e).score for m, e in zip(looks, errors, strict=True)]
        held += all(f.low <= final <= f.high for f in found)
    assert held / 120 >= 0.92  # .95 over many more orders; a standard error is .02


def test_a_correlation_says_why_it_has_no_interval_yet():
    of = known("pearson", [1.0, 2, 3, 4, 6, 5, 7, 8, 9, 9, 1], [1.0, 2, 4, 3, 5, 6, 7, 9, 8, 9, 2])
    same = running(of, range(9), of.full[:9])
    assert same.score.value == of.value
    assert "Nothing has changed yet" in same.score.undefined
    assert same.difference.within_noise
    assert "too few" in running(of, range(4), [1.0, 5, 2, 4]).score.undefined
    assert "all the same" in running(of, range(9), np.ones(9)).score.undefined


def test_a_part_that_is_none_is_refused():
    of = known("accuracy", [1, 1], [1, 0])
    for scored in ([0, 0], [2], [-1]):
        with pytest.raises(BadRequest, match="not part of a set of 2"):
            running(of, scored, np.ones(len(scored), int))
    assert not known("matthews", [2, 1], [1, 0]).has_limits
