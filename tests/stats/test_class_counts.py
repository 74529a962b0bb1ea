"""Scores from counts against scikit-learn and scipy on the examples themselves, and their intervals."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, matthews_corrcoef

from explorer.glue.metrics import metric
from explorer.stats.class_counts import cells_of, score_of_counts, spearman_of_counts
from explorer.stats.intervals import score_with_interval
from explorer.stats.paired import compare
from explorer.stats.partial import known, running
from explorer.stats.weighted import weighted_scores

RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, 4, 80)
SAID = np.where(RNG.random(80) < 0.6, TRUE, RNG.integers(0, 4, 80))
OTHER = np.where(RNG.random(80) < 0.3, TRUE, SAID)


def by_sklearn(name, said, true):
    if name == "matthews":
        return matthews_corrcoef(true, said)
    return f1_score(true, said, average="binary" if name == "f1" else "macro", zero_division=0.0)


@pytest.mark.parametrize("name", ["f1", "macro_f1", "matthews"])
def test_counts_give_what_scikit_learn_gives_of_resamples(name):
    true, said = (TRUE % 2, SAID % 2) if name == "f1" else (TRUE, SAID)
    cell, counts, (labels, predictions) = cells_of(true, said)
    np.testing.assert_array_equal(np.bincount(cell), counts)
    for _ in range(5):
        drawn = RNG.integers(0, 80, 80)
        again = np.bincount(cell[drawn], minlength=len(counts)).astype(float)
        found = score_of_counts(name, again[None], labels, predictions)
        assert found[0] == pytest.approx(by_sklearn(name, said[drawn], true[drawn]))
        weights = np.bincount(drawn, minlength=80).astype(float)[None]
        assert weighted_scores(name, said[None], true, weights)[0, 0] == pytest.approx(found[0])
    assert metric(name, said, true) == pytest.approx(by_sklearn(name, said, true))


def test_spearman_of_a_resample_ranks_it_anew():
    x, y = RNG.normal(size=40).round(1), RNG.normal(size=40).round(1)
    for _ in range(5):
        drawn = RNG.integers(0, 40, 40)
        found = spearman_of_counts(np.bincount(drawn, minlength=40).astype(float)[None], x, y)
        assert found[0] == pytest.approx(stats.spearmanr(x[drawn], y[drawn]).statistic)
    assert np.isnan(spearman_of_counts(np.ones((1, 40)), np.zeros(40), y)[0])


@pytest.mark.parametrize("name", ["macro_f1", "matthews", "spearman", "f1"])
def test_every_metric_has_an_interval_a_difference_and_an_estimate_of_a_part(name):
    true, said, other = (values % 2 if name == "f1" else values for values in (TRUE, SAID, OTHER))
    score = score_with_interval(name, said, true, resamples=300)
    assert score.low < score.value < score.high
    there, back = (compare(name, a, b, true, resamples=300) for a, b in ((said, other), (other, said)))
    assert (there.difference, there.low) == pytest.approx((-back.difference, -back.high))
    assert there.low < there.difference < there.high
    assert there.p_swapped is None or name == "f1" or name == "matthews"
    of = known(name, said, true)
    part = running(of, np.arange(40), other[:40])
    assert np.isnan(part.score.low)
    assert "before all examples" in part.score.undefined
    whole = running(of, np.arange(80), other)
    assert whole.score.value == pytest.approx(metric(name, other, true))
