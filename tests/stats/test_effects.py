import math

import pytest
from scipy import stats

from explorer.stats.effects import Evidence, gap, kept_share, welch_interval
from explorer.stats.intervals import seed_spread
from explorer.stats.paired import compare

FULL = Evidence(0.8, 0.0, 2, by_seed={1: 0.8, 2: 0.8})


def test_shares_are_taken_seed_by_seed():
    effect = kept_share(Evidence(0.7, 0.1, 2, by_seed={1: 0.72, 2: 0.64, 9: 0.1}), FULL)
    spread = seed_spread([0.9, 0.8])
    assert effect.value == pytest.approx(0.85)
    assert (effect.low, effect.high) == pytest.approx((spread.low, spread.high))
    assert effect.over == "2 seeds"


def test_one_seed_takes_its_interval_from_the_examples():
    labels = [0, 1] * 20
    part, whole = [0, 1] * 15 + [1, 0] * 5, [0, 1] * 20
    paired = compare("accuracy", part, whole, labels)
    effect = kept_share(Evidence(0.75, by_seed={7: 0.75}), Evidence(1.0, by_seed={7: 1.0}), {7: paired})
    assert (effect.value, effect.low, effect.high) == (0.75, 1 + paired.low, 1 + paired.high)
    assert effect.over == "40 examples of one seed"
    lag = gap(Evidence(0.75, by_seed={7: 0.75}), Evidence(1.0, by_seed={7: 1.0}), {7: paired})
    assert (lag.value, lag.low, lag.high) == (paired.difference, paired.low, paired.high)


def test_published_means_have_a_share_without_interval_and_a_welch_gap():
    a, b = Evidence(0.8, 0.02, 5), Evidence(0.6, 0.1, 5)
    assert kept_share(b, a).value == pytest.approx(0.75)
    assert math.isnan(kept_share(b, a).low)
    effect = gap(a, b)
    test = stats.ttest_ind_from_stats(0.8, 0.02, 5, 0.6, 0.1, 5, equal_var=False)
    assert effect.value == pytest.approx(0.2)
    assert (effect.low > 0) == (test.pvalue < 0.05)
    assert effect.over == "the published means of 5 seeds"


def test_welch_agrees_with_scipy_on_samples():
    x, y = [1.0, 2.0, 4.0, 4.5], [0.5, 0.7, 0.9]
    plain = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    a, b = (Evidence(s.mean, s.sd, s.n) for s in (seed_spread(x), seed_spread(y)))
    assert welch_interval(a, b) == pytest.approx((plain.low, plain.high))


def test_a_spread_that_is_not_known_gives_no_interval():
    assert all(map(math.isnan, welch_interval(Evidence(0.8, 0.1, 5), Evidence(0.6, math.nan, 5))))
    assert all(map(math.isnan, welch_interval(Evidence(0.8, 0.0, 5), Evidence(0.6, 0.0, 5))))


def test_seeds_that_all_differ_alike_are_as_clear_as_it_gets():
    effect = gap(FULL, Evidence(0.7, 0.0, 2, by_seed={1: 0.75, 2: 0.75}))
    assert (effect.value, effect.low, effect.high) == pytest.approx((0.05, 0.05, 0.05))


def test_a_full_model_that_scores_nothing_keeps_no_share():
    assert math.isnan(kept_share(Evidence(0.1), Evidence(-0.2)).value)
    assert math.isnan(kept_share(Evidence(0.1, by_seed={1: 0.1}), Evidence(-0.2, by_seed={1: -0.2})).value)


@pytest.mark.parametrize("seeds", [2, 5])
def test_seeds_that_give_one_share_have_that_as_both_ends(seeds):
    same = Evidence(0.8, 0.0, seeds, by_seed=dict.fromkeys(range(seeds), 0.8))
    effect = kept_share(same, same)
    assert (effect.value, effect.low, effect.high) == (1.0, 1.0, 1.0)


def test_what_is_not_there_keeps_no_share_of_published_means():
    assert kept_share(Evidence(), Evidence(0.9, 0.1, 5)).over == ""
