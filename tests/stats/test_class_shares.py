"""Class shares of groups of heads, by hand and against scipy; p-values that hold their level; degenerate groups."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from explorer.errors import BadRequest
from explorer.stats.class_shares import pattern_shares

TWO = ("heterogeneous", "diagonal")
FIVE = ("heterogeneous", "block", "diagonal", "vertical", "vertical+diagonal")


def drawn(seed, shape=(6, 12), seeds=None, n_classes=5):
    """Class distributions and survivors that know nothing of each other."""
    rng = np.random.default_rng(seed)
    front = () if seeds is None else (seeds,)
    return rng.dirichlet(np.ones(n_classes), (*front, *shape)), rng.random((*front, *shape)) < 0.4


def test_by_hand_and_exact():
    """Four heads, two in the group: of the six pairs, the observed one and its complement are the most extreme."""
    heads = np.array([[[1.0, 0.0], [0.8, 0.2]], [[0.2, 0.8], [0.0, 1.0]]])
    group = np.array([[True, True], [False, False]])
    test = pattern_shares(heads, group, TWO, permutations=20_000)
    np.testing.assert_allclose(test.shares, [0.9, 0.1])
    np.testing.assert_allclose(test.all_shares, [0.5, 0.5])
    np.testing.assert_allclose(test.expected, [0.5, 0.5])
    assert test.difference == pytest.approx(0.4)
    assert test.distance == pytest.approx(2 * 0.4**2 / 0.5)
    assert (test.n_group, test.n_all, test.undefined) == (2, 4, "")
    first = heads[..., 0].ravel()
    exact = np.mean([abs(first[list(pair)].mean() - 0.5) >= 0.4 - 1e-9 for pair in combinations(range(4), 2)])
    assert exact == 2 / 6
    assert test.difference_p == pytest.approx(exact, abs=0.02)
    assert test.distance_p == pytest.approx(exact, abs=0.02)


def test_the_difference_agrees_with_scipy():
    heads, group = drawn(3)
    group |= heads[..., 0] > 0.5
    values, inside = heads[..., 0].ravel(), group.ravel()

    def statistic(x, y, axis):
        return np.mean(x, axis=axis) - np.mean(y, axis=axis)

    scipy = stats.permutation_test(
        (values[inside], values[~inside]), statistic, n_resamples=9_999, vectorized=True, rng=0
    )
    test = pattern_shares(heads, group, FIVE)
    assert test.difference > 0
    assert test.difference_p == pytest.approx(scipy.pvalue, abs=0.01)


@pytest.mark.parametrize("within_layers", [False, True])
def test_p_values_hold_their_level(within_layers):
    """Where survival knows nothing of patterns, p < 0.2 comes about one time in five."""
    tests = [
        pattern_shares(*drawn(seed, seeds=2), FIVE, within_layers=within_layers, permutations=199)
        for seed in range(150)
    ]
    for ps in ([t.difference_p for t in tests], [t.distance_p for t in tests]):
        assert 0.11 < np.mean(np.array(ps) < 0.2) < 0.29


def test_seeds_are_shuffled_alike():
    """The same survivors and patterns in every seed are no more evidence than one seed: p must not shrink."""
    heads, group = drawn(5)
    group = group | (heads[..., 0] > 0.45)
    one = pattern_shares(heads, group, FIVE)
    five = pattern_shares(np.stack([heads] * 5), np.stack([group] * 5), FIVE)
    np.testing.assert_allclose(five.shares, one.shares)
    assert five.n_group == 5 * one.n_group
    assert five.difference_p == one.difference_p
    assert five.distance_p == one.distance_p
    several = pattern_shares(np.stack([heads] * 5), group, FIVE)  # super-survivors: one group for all seeds
    assert several.difference_p == one.difference_p


def test_within_layers_the_layer_explains_nothing():
    """Patterns and survival both go with the layer and with nothing else: told apart only by shuffling within."""
    rng = np.random.default_rng(0)
    heads = np.zeros((6, 12, 2))
    heads[..., 0] = np.linspace(0, 1, 6)[:, None]
    heads[..., 1] = 1 - heads[..., 0]
    group = rng.random((6, 12)) < np.linspace(0.1, 0.9, 6)[:, None]
    across = pattern_shares(heads, group, TWO)
    within = pattern_shares(heads, group, TWO, within_layers=True)
    assert across.difference > 0.1
    assert across.difference_p < 0.01
    assert within.difference == pytest.approx(0, abs=1e-12)
    assert within.difference_p == 1
    np.testing.assert_allclose(within.shares, across.shares)


def test_expected_is_the_mean_of_what_is_drawn():
    heads, group = drawn(8, seeds=3)
    group[0] = True  # seeds with different numbers of survivors
    for within_layers in (False, True):
        test = pattern_shares(heads, group, FIVE, within_layers=within_layers)
        rng = np.random.default_rng(1)
        order = np.arange(72).reshape(6, 12)
        means = []
        for _ in range(4_000):
            shuffled = rng.permuted(order, axis=1) if within_layers else rng.permutation(order.ravel())
            means.append(heads.reshape(3, 72, 5)[group.reshape(3, 72)[:, shuffled.ravel()]].mean(0))
        np.testing.assert_allclose(test.expected, np.mean(means, 0), atol=0.003)


def test_heads_without_a_class_are_left_out():
    heads, group = drawn(2)
    heads[0, :3] = np.nan
    test = pattern_shares(heads, group, FIVE)
    assert test.n_all == 72 - 3
    assert test.n_group == group.sum() - group[0, :3].sum()
    assert np.isfinite(test.shares).all()
    assert 0 < test.distance_p <= 1


@pytest.mark.parametrize(
    ("group", "says"),
    [
        (np.zeros((6, 12), bool), "No head is in this group"),
        (np.ones((6, 12), bool), "Every head is in this group"),
    ],
)
def test_degenerate_groups_are_said(group, says):
    test = pattern_shares(drawn(0)[0], group, FIVE)
    assert test.undefined.startswith(says)
    assert np.isnan([test.difference_p, test.distance_p]).all()
    assert np.isnan(test.shares).all() == (not group.any())


def test_whole_layers_and_nothing_known():
    heads, group = drawn(0)
    group[:3], group[3:] = True, False
    assert pattern_shares(heads, group, FIVE).undefined == ""
    assert "In every layer" in pattern_shares(heads, group, FIVE, within_layers=True).undefined
    assert "No head has a class" in pattern_shares(heads * np.nan, group, FIVE).undefined


def test_what_does_not_fit_is_refused():
    heads, group = drawn(0)
    with pytest.raises(BadRequest, match="do not go with groups"):
        pattern_shares(heads, group[:, :11], FIVE)
    with pytest.raises(BadRequest, match="do not go with groups"):
        pattern_shares(heads, group, TWO)
    with pytest.raises(BadRequest, match=r"no pattern 'spiral'\. Patterns: heterogeneous"):
        pattern_shares(heads, group, FIVE, tested="spiral")
