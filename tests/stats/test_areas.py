"""Areas under curves of scores: by hand, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.stats.areas import area_under, cross_scores
from explorer.stats.weighted import central, draw_weights


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
