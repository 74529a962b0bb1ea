"""The majority class and the normal draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS
from explorer.tickets.baselines import baseline, majority_baseline, normal_baseline


def test_the_majority_of_train_is_answered_on_dev():
    result = baseline(TASKS["RTE"], np.array([1.0, 1, 0]), np.array([0.0, 0, 0, 1]))
    assert result.score == 0.25
    assert (result.sample_sd, result.draws) == (0.0, 0)
    assert result.words == "always 'not entailment', as in 66.7% of the training examples"


def test_published_majorities_follow_from_the_class_counts():
    dev = np.repeat([0.0, 1.0], [146, 131])  # RTE dev: 146 of 277 are entailment
    assert majority_baseline(TASKS["RTE"], np.array([0.0, 0, 1]), dev).score == pytest.approx(0.5271, abs=5e-5)
    assert majority_baseline(TASKS["CoLA"], np.array([1.0, 1, 0]), np.array([1.0, 0, 1])).score == 0.0


def test_a_tie_goes_to_the_first_class():
    assert majority_baseline(TASKS["SST-2"], np.array([1.0, 0.0]), np.array([0.0])).score == 1.0


def test_normal_draws_are_around_zero_with_the_spread_of_chance():
    rng = np.random.default_rng(1)
    train, dev = rng.uniform(0, 5, 400), rng.uniform(0, 5, 101)
    result = baseline(TASKS["STS-B"], train, dev, seed=3, draws=2000)
    assert abs(result.score) < 4 * 0.1 / np.sqrt(2000)
    assert result.sample_sd == pytest.approx(1 / np.sqrt(100), rel=0.1)
    assert result == baseline(TASKS["STS-B"], train, dev, seed=3, draws=2000)
    assert f"mean {train.mean():.2f}" in result.words


def test_each_draw_is_pearson_as_scipy_has_it():
    train, dev = np.array([0.0, 5, 2, 3]), np.array([1.0, 4, 2, 2.5, 0])
    rng = np.random.default_rng(7)
    expected = [stats.pearsonr(rng.normal(train.mean(), train.std(ddof=1), 5), dev).statistic for _ in range(4)]
    result = normal_baseline(TASKS["STS-B"], train, dev, seed=7, draws=4)
    assert result.score == pytest.approx(np.mean(expected))
    assert result.sample_sd == pytest.approx(np.std(expected, ddof=1))


def test_refusals():
    ones = np.ones(3)
    with pytest.raises(BadRequest, match="no majority"):
        majority_baseline(TASKS["STS-B"], ones, ones)
    with pytest.raises(BadRequest, match="majority class"):
        normal_baseline(TASKS["RTE"], ones, ones)
    with pytest.raises(BadRequest, match="all alike"):
        baseline(TASKS["STS-B"], ones, np.arange(3.0))
    with pytest.raises(BadRequest, match="not one of the 2 classes"):
        baseline(TASKS["RTE"], np.array([0.0, 2.0]), ones)
    with pytest.raises(BadRequest, match="empty"):
        baseline(TASKS["RTE"], np.zeros(0), ones)
    with pytest.raises(BadRequest, match="two draws"):
        normal_baseline(TASKS["STS-B"], np.arange(3.0), np.arange(3.0), draws=1)
