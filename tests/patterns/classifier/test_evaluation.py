"""Accuracy, macro-F1 and kappa against arithmetic and scikit-learn; splits that keep heads apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from explorer.errors import BadRequest
from explorer.patterns.classifier.evaluation import kappas, scores
from explorer.patterns.classifier.labels import folds

TRUE = np.array([0, 0, 0, 2, 2, 3, 3, 3, 3, 4])
SAID = np.array([0, 0, 3, 2, 2, 3, 3, 3, 4, 4])
HEADS = [(0, 0), (0, 0), (0, 1), (0, 1), (1, 0), (1, 0), (1, 1), (1, 1), (2, 0), (2, 0)]


def test_scores_by_hand():
    got = scores(TRUE, SAID, HEADS)
    assert (got.n, got.n_heads) == (10, 5)
    assert got.accuracy == pytest.approx(0.8)
    assert got.macro_f1 == pytest.approx(f1_score(TRUE, SAID, average="macro"))
    assert got.confusion[0] == (2, 0, 0, 1, 0)
    assert got.confusion[1] == (0, 0, 0, 0, 0)
    assert got.classes[3].recall == pytest.approx(3 / 4)
    assert [one.n for one in got.classes] == [3, 0, 2, 4, 1]
    assert np.isnan(got.classes[1].f1)


def test_a_class_that_is_only_said_counts_against_the_others_alone():
    got = scores(np.array([0, 0, 3, 3]), np.array([0, 1, 3, 3]), HEADS[:4])
    assert got.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_the_interval_is_over_heads():
    """Two heads of five maps each, one all right and one all wrong: a resample is 0, 0.5 or 1."""
    true, said = np.zeros(10, np.int64), np.repeat([0, 3], 5)
    got = scores(true, said, [(0, k) for k in np.repeat([0, 1], 5)])
    assert got.accuracy == 0.5
    assert (got.accuracy_interval.low, got.accuracy_interval.high) == (0, 1)


def test_a_perfect_classifier_has_no_interval_but_a_sentence():
    got = scores(TRUE, TRUE, HEADS)
    assert (got.accuracy, got.macro_f1) == (1, 1)
    assert "same value" in got.accuracy_interval.undefined


def test_predictions_that_do_not_fit_are_told():
    with pytest.raises(BadRequest, match="do not go together"):
        scores(TRUE, SAID[:3], HEADS)


def test_kappa_overall_and_by_class():
    overall, *by_class = kappas(TRUE, SAID, HEADS)
    assert overall.kappa == pytest.approx(cohen_kappa_score(TRUE, SAID))
    assert (overall.agree, overall.n) == (8, 10)
    assert overall.interval.low < overall.kappa < overall.interval.high
    vertical = by_class[3]
    assert vertical.kappa == pytest.approx(cohen_kappa_score(TRUE == 3, SAID == 3))
    assert (vertical.agree, vertical.n) == (3, 5)
    assert np.isnan(by_class[1].kappa)


def test_no_head_is_in_two_folds():
    rng = np.random.default_rng(0)
    heads = [(int(k) // 4, int(k) % 4) for k in rng.integers(16, size=120)]
    parts = folds(rng.integers(3, size=120).tolist(), heads, 4, seed=1)
    assert sorted(np.concatenate(parts)) == list(range(120))
    of_part = [{heads[k] for k in part} for part in parts]
    assert sum(len(part) for part in of_part) == len(set().union(*of_part))
