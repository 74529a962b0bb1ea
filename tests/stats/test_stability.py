"""Stability of choices: by hand, by the paper's definition, and an interval that covers."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.stats.stability import chance_range, stability


def test_the_same_every_time_is_1_and_opposites_are_minus_1():
    same = stability(np.tile([True, False, True], (4, 1)))
    assert (same.value, same.has_interval) == (1, False), "choices that are all alike tell nothing of others"
    assert stability(np.array([[True, False], [False, True]])).value == pytest.approx(-1)


def by_definition_4(chosen):
    share = chosen.mean()
    return 1 - chosen.var(axis=0, ddof=1).mean() / (share * (1 - share))


@pytest.mark.parametrize("many", [2, 5, 200])
def test_it_is_the_papers_definition_4(many):
    chosen = np.random.default_rng(0).random((many, 30)) < np.linspace(0.1, 0.9, 30)
    assert stability(chosen).value == pytest.approx(by_definition_4(chosen), abs=1e-12)


def test_chance_is_that_definition_of_choices_of_the_same_sizes_drawn_at_random():
    chosen = np.random.default_rng(0).random((4, 12)) < np.array([[0.2], [0.5], [0.5], [0.9]])
    rng, sizes = np.random.default_rng(0), chosen.sum(axis=1)
    drawn = [by_definition_4(rng.random((4, 12)).argsort(axis=1) < sizes[:, None]) for _ in range(100)]
    assert chance_range(chosen, 100) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))), abs=1e-12)
    with pytest.raises(BadRequest, match="everything or nothing"):
        chance_range(np.ones((2, 4), np.bool_))


@pytest.mark.parametrize("many", [3, 5, 40])
def test_the_interval_covers_however_few_choices_there_are(many):
    rng, share = np.random.default_rng(1), np.linspace(0.05, 0.95, 60)
    truth = 1 - (share * (1 - share)).mean() / (share.mean() * (1 - share.mean()))
    found = [stability(rng.random((many, 60)) < share) for _ in range(300)]
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.02)
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.995


def test_it_covers_where_choices_are_of_different_sizes():
    rng, worth = np.random.default_rng(2), np.random.default_rng(3).normal(size=78)

    def choices(many):
        ranks = (worth + rng.normal(size=(many, 78))).argsort(axis=1).argsort(axis=1)
        return ranks >= 78 - rng.integers(20, 60, (many, 1))

    truth = stability(choices(20_000), independent=False).value
    found = [stability(choices(5)) for _ in range(300)]
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.995


def test_two_choices_and_such_as_are_not_independent_have_no_interval():
    chosen = np.random.default_rng(0).random((5, 30)) < 0.5
    assert stability(chosen).has_interval
    assert not stability(chosen[:2]).has_interval
    alone = stability(chosen, independent=False)
    assert (alone.has_interval, alone.value) == (False, stability(chosen).value)
    nearly = np.array([[True] * 4, [True] * 4, [True, True, True, False]])
    assert not stability(nearly).has_interval, "without the third, agreement is 0/0"


def test_what_is_undefined_says_so():
    assert stability(np.ones((3, 4), np.bool_)).undefined == "Every choice is everything: agreement is 0/0."
    assert stability(np.zeros((3, 4), np.bool_)).undefined == "Every choice is nothing: agreement is 0/0."
    with pytest.raises(BadRequest, match="two choices"):
        stability(np.ones((1, 4), np.bool_))
