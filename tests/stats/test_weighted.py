"""Scores of weighted examples: a weight is how often an example counts; draws keep the halves apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from explorer.glue.metrics import metric
from explorer.stats.weighted import draw_weights, weighted_scores


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


def test_draws_keep_the_size_of_each_half_and_begin_with_the_sample_itself():
    halves = (np.array([0, 1]), np.array([2, 3, 4, 5]))
    weights = draw_weights(halves, 50)
    assert (weights[:, halves[0]].sum(axis=1) == 2).all()
    assert (weights[:, halves[1]].sum(axis=1) == 4).all()
    assert (weights[0] == 1).all()


def test_matthews_of_three_classes_is_scikit_learns():
    found = weighted_scores("matthews", np.array([[0, 1, 2]]), np.array([0, 1, 1]), np.ones((1, 3)))
    assert found[0, 0] == pytest.approx(matthews_corrcoef([0, 1, 1], [0, 1, 2]))
