"""Spearman's rho by hand and against scipy, its permutation p, and ranks that are not defined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from explorer.errors import BadRequest
from explorer.stats.ranks import ablation_losses, beyond_noise, importance_against_ablation, rank_agreement


def test_by_hand():
    same = rank_agreement([1, 2, 3, 4], [10, 20, 30, 90])
    assert same.rho == pytest.approx(1)
    assert same.p == pytest.approx(2 / 24), "of 24 orders, this one and its reverse are as extreme"
    assert same.method == "Spearman, permutation test with all 24 orders"
    turned = rank_agreement([1, 2, 3, 4], [4, 3, 2, 1])
    assert turned.rho == pytest.approx(-1)
    one_swap = rank_agreement([1, 2, 3], [1, 3, 2])
    assert one_swap.rho == pytest.approx(1 - 6 * 2 / (3 * 8))


@pytest.mark.parametrize("shape", [(6, 12), (6,), (12, 12)])
def test_against_scipy(shape):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 9, shape).astype(float)  # with ties
    y = x + rng.normal(0, 6, shape)
    ours, theirs = rank_agreement(x, y), stats.spearmanr(x.ravel(), y.ravel())
    assert ours.rho == pytest.approx(theirs.statistic)
    assert ours.n == x.size
    if x.size > 12:
        assert ours.p == pytest.approx(theirs.pvalue, abs=0.02)
        assert ours.method == "Spearman, permutation test with 9,999 draws"
        assert ours == rank_agreement(x, y), "seeded"
        assert ours.p >= 1 / 10_000


def test_noise_has_a_large_p():
    rng = np.random.default_rng(0)
    assert rank_agreement(rng.normal(size=50), rng.normal(size=50)).p > 0.05


def test_what_has_no_order():
    flat = rank_agreement([1, 1, 1], [1, 2, 3])
    assert math.isnan(flat.rho)
    assert math.isnan(flat.p)
    assert flat.undefined == "The first values are all the same: they have no order."
    assert rank_agreement([1, 1, 1], [2, 2, 2]).undefined.startswith("The first and the second values")
    assert rank_agreement([1, 2], [1, 2]).undefined == "2 components cannot be ranked: three are needed."


@pytest.mark.parametrize(
    ("x", "y", "resamples", "message"),
    [
        ([1, 2, 3], [1, 2], 99, "cannot be ranked against"),
        ([], [], 99, "cannot be ranked against"),
        ([1, 2, np.nan], [1, 2, 3], 99, "not a finite number"),
        ([1, 2, 3], [1, 2, 3], 0, "0 draws give no p-value"),
    ],
)
def test_refused(x, y, resamples, message):
    with pytest.raises(BadRequest, match=message):
        rank_agreement(x, y, resamples=resamples)


def test_importance_against_ablation():
    losses = {f"head {layer} {head}": layer * 4.0 + head for layer in range(3) for head in range(4)}
    losses |= {f"mlp {layer}": -float(layer) for layer in range(3)} | {"layer 0": 9.0}
    heads, mlps = ablation_losses(losses, 3, 4)
    np.testing.assert_array_equal(heads, np.arange(12.0).reshape(3, 4))
    on_heads, on_mlps = importance_against_ablation((heads**2, np.arange(3.0)), (heads, mlps))
    assert on_heads.rho == pytest.approx(1)
    assert on_mlps.rho == pytest.approx(-1)
    assert (on_heads.n, on_mlps.n) == (12, 3)
    with pytest.raises(BadRequest, match=r"The ablations have no head 0 4"):
        ablation_losses(losses, 3, 5)


def test_chance_is_where_95_percent_of_random_orders_lie():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=72), rng.normal(size=72)
    found = rank_agreement(x, y)
    assert found.chance_low == pytest.approx(-1.96 / math.sqrt(71), abs=0.02)
    assert found.chance_high == pytest.approx(1.96 / math.sqrt(71), abs=0.02)
    exact = rank_agreement([1, 2, 3], [1, 2, 3])
    assert (exact.chance_low, exact.chance_high) == pytest.approx((-1, 1), abs=0.1)
    assert math.isnan(rank_agreement([1, 1, 1], [1, 2, 3]).chance_low)


def test_losses_beyond_noise():
    labels = np.ones(40)
    full = np.ones(40)
    broken = [np.where(np.arange(40) < wrong, 0, 1) for wrong in (0, 5, 6, 20)]
    assert beyond_noise(np.array(broken), full, labels) == 2, "5 flips to none: p = 2 / 32; 6: p = 2 / 64"
