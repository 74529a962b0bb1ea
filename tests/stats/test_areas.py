"""Areas under curves of scores: by hand, against the metrics themselves, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from explorer.glue.metrics import metric
from explorer.stats.areas import area_under, central, cross_scores, draw_weights, weighted_scores


@given(st.integers(0, 10_000), st.sampled_from(["accuracy", "matthews", "pearson"]))
@settings(deadline=None, max_examples=40)
def test_a_weight_is_how_often_an_example_comes_up(seed, name):
    rng = np.random.default_rng(seed)
    n = 12
    labels = rng.integers(0, 2, n).astype(float) if name != "pearson" else rng.uniform(0, 5, n)
    said = rng.integers(0, 2, (3, n)) if name != "pearson" else rng.uniform(0, 5, (3, n))
    weights = rng.multinomial(n, np.full(n, 1 / n), size=2).astype(float)
    found = weighted_scores(name, said, labels, weights)
    for row, weight in zip(found, weights, strict=True):
        drawn = np.repeat(np.arange(n), weight.astype(int))
        for value, one in zip(row, said, strict=True):
            wanted = metric(name, one[drawn], labels[drawn])
            assert value == pytest.approx(0.0 if np.isnan(wanted) else wanted, abs=1e-6)


def test_the_area_is_the_mean_over_sizes_by_trapezoids():
    assert area_under(np.array([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert area_under(np.array([[1.0, 1.0, 0.0], [0.2, 0.2, 0.2]])) == pytest.approx([0.75, 0.2])
    assert area_under(np.array([1.0, 0.4, 0.0]), np.array([0, 3, 4])) == pytest.approx(
        area_under(np.array([1.0, 0.8, 0.6, 0.4, 0.0]))
    )


def test_halves_are_scored_apart_and_count_alike():
    labels = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    said = np.array([[1, 1, 1, 1, 0, 0]])
    halves = (np.array([0, 1]), np.array([2, 3, 4, 5]))
    weights = draw_weights(halves, 50)
    found = cross_scores("accuracy", said, labels, halves, weights)
    assert found[0, 0] == pytest.approx((1 + 0.5) / 2)
    assert (weights[:, halves[0]].sum(axis=1) == 2).all()
    assert (weights[:, halves[1]].sum(axis=1) == 4).all()
    assert (weights[0] == 1).all()


def test_the_interval_of_an_area_covers():
    rng, hits, truth = np.random.default_rng(3), 0, np.array([0.9, 0.8, 0.5])
    for _ in range(200):
        hard = rng.uniform(size=80)  # the same examples are hard at every size
        said = (hard < truth[:, None]).astype(int)
        halves = (np.arange(40), np.arange(40, 80))
        drawn = area_under(
            cross_scores("accuracy", said, np.ones(80), halves, draw_weights(halves, 200, seed=int(rng.integers(1e6))))
        )
        low, high = central(drawn[1:])
        hits += low <= area_under(truth) <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_matthews_of_three_classes_is_scikit_learns():
    found = weighted_scores("matthews", np.array([[0, 1, 2]]), np.array([0, 1, 1]), np.ones((1, 3)))
    assert found[0, 0] == pytest.approx(matthews_corrcoef([0, 1, 1], [0, 1, 2]))
