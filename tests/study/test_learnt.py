"""A full model that does not beat its baseline: by its mean, and by the examples of most seeds."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from explorer.stats.intervals import Score
from explorer.study.learnt import beats_baseline, degenerate_words, line_to_keep
from explorer.study.majority_baseline import MajorityBaseline

LINE = MajorityBaseline(0.56, "always 'no'", "majority class")


def score(value, low):
    return SimpleNamespace(score=value, low=low)


@pytest.mark.parametrize(
    ("fulls", "learnt"),
    [
        ([score(0.80, 0.76)], True),
        ([score(0.56, 0.44)], False),
        ([score(0.58, 0.46)], False),  # above it, but so is a coin on 71 examples
        ([score(0.66, 0.60), score(0.64, 0.58), score(0.57, 0.50)], True),
        ([score(0.60, 0.50), score(0.62, 0.53), score(0.66, 0.57)], False),
        ([score(0.30, math.nan)], False),
        ([], True),  # nothing to judge by
    ],
)
def test_the_mean_and_most_seeds_have_to_lie_above(fulls, learnt):
    assert beats_baseline(fulls, LINE) is learnt


def test_published_means_are_judged_by_the_mean():
    assert not beats_baseline((), LINE, 0.52)
    assert beats_baseline((), LINE, 0.6)
    assert beats_baseline((), None, 0.1)


def test_the_words_name_task_and_line():
    assert "On WNLI the full model does not measurably beat the majority class (0.560)" in degenerate_words(
        "WNLI", LINE
    )
    assert "its baseline" in degenerate_words("STS-B", MajorityBaseline(0.0, "", "random draws"))


@pytest.mark.parametrize(("value", "low", "line"), [(1.0, math.nan, 0.9), (0.3, math.nan, None), (0.9, 0.5, None)])
def test_a_score_without_an_interval_is_held_against_the_baseline_itself(value, low, line):
    full = Score(value, low, low, 40, "matthews", "bootstrap 95%")
    assert line_to_keep(full, LINE) == (line if line is None else pytest.approx(line))
