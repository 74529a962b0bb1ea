"""Limits for a count in a finite set: exact coverage by enumeration, and how they combine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from explorer.errors import BadRequest
from explorer.stats.finite_population import combined_limits, count_limits, least_favourable


@pytest.mark.parametrize(("sample", "total"), [(1, 7), (5, 23), (20, 60), (59, 60)])
@pytest.mark.parametrize("error", [0.05, 0.004])
def test_every_truth_is_held_as_often_as_promised(sample, total, error):
    """By enumeration, not by simulation: the sum of the probabilities of all samples whose limits hold the truth."""
    limits = [count_limits(seen, sample, total, error) for seen in range(sample + 1)]
    for truth in range(total + 1):
        held = sum(
            hypergeom.pmf(k, total, truth, sample) for k, (low, high) in enumerate(limits) if low <= truth <= high
        )
        assert held >= 1 - error - 1e-9


@given(total=st.integers(1, 10_000), data=st.data())
@settings(deadline=None, max_examples=80)
def test_limits_are_the_last_counts_that_the_tails_allow(total, data):
    sample = data.draw(st.integers(0, total))
    seen = data.draw(st.integers(0, sample))
    low, high = count_limits(seen, sample, total, 0.05)
    assert seen <= low <= high <= total - sample + seen
    if high < total - sample + seen:
        assert hypergeom.cdf(seen, total, high + 1, sample) <= 0.025 + 1e-9
    assert hypergeom.cdf(seen, total, high, sample) >= 0.025 - 1e-9
    if low > seen:
        assert hypergeom.sf(seen - 1, total, low - 1, sample) <= 0.025 + 1e-9


def test_ends():
    assert count_limits(3, 9, 9, 0.05) == (3, 3)
    assert count_limits(0, 0, 9, 0.05) == (0, 9)
    with pytest.raises(BadRequest, match="not possible"):
        count_limits(4, 3, 9, 0.05)


def test_squares_add():
    def difference(counts):
        return counts[..., 0] - counts[..., 1]

    estimates, lows, highs = np.array([10.0, 4]), np.array([7.0, 1]), np.array([14.0, 8])
    assert combined_limits(difference, estimates, lows, highs) == (6 - 5, 6 + 5)  # 3 and 4 down, 4 and 3 up
    worst = least_favourable(difference, estimates, lows, highs)
    np.testing.assert_allclose(worst, [10 - 3 * 3 / 5, 4 + 4 * 4 / 5])
    assert difference(worst) == pytest.approx(1)
    np.testing.assert_array_equal(least_favourable(difference, estimates, estimates, estimates), estimates)
