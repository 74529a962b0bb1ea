"""Verdicts on hand-made scores: five seeds, fifty examples, a majority baseline of one half."""

import math
from dataclasses import replace

import numpy as np
import pytest

from explorer.mask import Mask
from explorer.stats.agreement import agreement
from explorer.stats.effects import Evidence
from explorer.stats.intervals import seed_spread
from explorer.stats.paired import compare
from explorer.study.claims import claim_good, claim_rest_is_worse, claim_unstable, claim_worst_retrained
from explorer.study.majority_baseline import MajorityBaseline

MAJORITY = MajorityBaseline(0.5, "always 'yes'", "majority class")
NONE = Evidence(missing="python -m precompute retrain")
SAME = compare("accuracy", [0, 1, 1], [0, 1, 1], [0, 1, 0])
LOWER = compare("accuracy", [0] * 10 + [1] * 40, [1] * 50, [1] * 50)
HIGHER = compare("accuracy", [1] * 50, [0] * 10 + [1] * 40, [1] * 50)


def scores(*values):
    spread = seed_spread(values)
    return Evidence(spread.mean, spread.sd, spread.n, spread.low, spread.high, dict(enumerate(values)))


FULL = scores(0.90, 0.91, 0.89, 0.90, 0.90)
GOOD = scores(0.85, 0.86, 0.84, 0.85, 0.86)


def test_ninety_percent_by_rule_is_only_partly_a_finding():
    claim = claim_good(FULL, GOOD, dict.fromkeys(range(5), LOWER), MAJORITY)
    assert claim.verdict == "partly"
    assert "90% by rule" in claim.because
    assert "in 5 of 5 seeds" in claim.because
    assert claim.effect.value == pytest.approx(np.mean([0.85 / 0.90, 0.86 / 0.91, 0.84 / 0.89, 0.85 / 0.9, 0.86 / 0.9]))


def test_a_ticket_within_noise_in_most_seeds_supports_the_first_claim():
    paired = {0: LOWER, 1: SAME, 2: SAME, 3: SAME, 4: SAME}
    assert claim_good(FULL, GOOD, paired, MAJORITY).verdict == "supported"
    noisy = claim_good(FULL, scores(0.7, 0.95, 0.9, 0.8, 0.9), paired, MAJORITY)
    assert noisy.verdict == "partly", "no difference found is not the same as none"
    assert "may be as low as 8" in noisy.because


@pytest.mark.parametrize(
    ("paired", "says"),
    [
        ({0: LOWER, 1: SAME}, "it is measurably below the full model in 1 of 2 seeds."),
        ({0: SAME, 1: SAME}, "it is measurably below the full model in none of 2 seeds."),
        ({0: SAME}, "it is not measurably below the full model."),
        ({0: LOWER}, "it is measurably below the full model."),
    ],
)
def test_how_many_seeds_a_difference_is_clear_in_is_said_and_one_seed_is_no_count(paired, says):
    assert says in claim_good(FULL, GOOD, paired, MAJORITY).because


def test_what_is_left_of_the_gain_over_the_majority_baseline_is_said():
    half = scores(0.70, 0.70, 0.71, 0.69, 0.70)
    assert "it keeps 50%" in claim_good(FULL, half, dict.fromkeys(range(5), LOWER), MAJORITY).because
    nothing = replace(MAJORITY, score=0.0)
    assert "gains" not in claim_good(FULL, half, dict.fromkeys(range(5), LOWER), nothing).because


def test_a_ticket_at_the_majority_baseline_supports_nothing():
    at_baseline = scores(0.50, 0.51, 0.52, 0.49, 0.50)
    claim = claim_good(FULL, at_baseline, {}, MAJORITY)
    assert claim.verdict == "not supported"
    assert "not measurably above the majority class (0.500)" in claim.because


def test_a_degenerate_task_is_left_open():
    weak = scores(0.40, 0.41, 0.42)
    for claim in (
        claim_good(weak, GOOD, {}, MAJORITY),
        claim_rest_is_worse(weak, GOOD, GOOD, GOOD, {}, {}, MAJORITY),
        claim_worst_retrained(weak, GOOD, GOOD, {}, MAJORITY),
    ):
        assert claim.verdict == "open"
        assert claim.because.startswith("Degenerate")
        assert math.isnan(claim.effect.value)


def test_what_is_missing_names_its_command():
    claim = claim_worst_retrained(FULL, GOOD, NONE, {}, MAJORITY)
    assert (claim.verdict, claim.missing) == ("open", "python -m precompute retrain")


def test_both_others_below_support_the_second_claim_and_one_does_partly():
    low, close = scores(0.60, 0.62, 0.61, 0.6, 0.63), scores(0.95, 0.75, 0.86, 0.84, 0.85)
    higher = dict.fromkeys(range(5), HIGHER)
    claim = claim_rest_is_worse(FULL, GOOD, low, low, higher, higher, MAJORITY)
    assert claim.verdict == "supported"
    assert claim.effect.value == pytest.approx(low.mean - GOOD.mean)
    assert claim.effect.low < claim.effect.value < claim.effect.high < 0
    assert claim_rest_is_worse(FULL, GOOD, close, low, higher, higher, MAJORITY).verdict == "partly"
    assert claim_rest_is_worse(FULL, GOOD, FULL, FULL, {}, {}, MAJORITY).verdict == "not supported"


def test_a_bad_ticket_retrained_is_judged_by_ninety_percent_and_the_majority_baseline():
    assert claim_worst_retrained(FULL, GOOD, GOOD, {}, MAJORITY).verdict == "supported"
    assert claim_worst_retrained(FULL, GOOD, scores(0.70, 0.71, 0.72), {}, MAJORITY).verdict == "partly"
    assert claim_worst_retrained(FULL, GOOD, scores(0.40, 0.60, 0.55), {}, MAJORITY).verdict == "not supported"


def test_good_shares_within_noise_of_the_majority_baseline_stay_open():
    small_full, noisy = scores(0.56, 0.57, 0.58, 0.57, 0.56), scores(0.55, 0.47, 0.58, 0.52, 0.50)
    assert claim_good(small_full, noisy, {}, MAJORITY).verdict == "open"
    assert claim_worst_retrained(small_full, noisy, noisy, {}, MAJORITY).verdict == "open"


def test_what_was_pruned_is_compared_over_the_same_seeds():
    again = Evidence(0.55, math.nan, 1, 0.41, 0.68, {3: 0.55})
    bad = scores(0.40, 0.41, 0.42, 0.33)
    assert "from 0.330 as pruned" in claim_worst_retrained(scores(0.9, 0.9), bad, again, {}, MAJORITY).because


def test_one_seed_is_held_against_the_majority_baseline_by_its_examples():
    again = Evidence(0.55, math.nan, 1, 0.41, 0.68, {0: 0.55})
    claim = claim_worst_retrained(scores(0.9), scores(0.5), again, {0: LOWER}, MAJORITY)
    assert claim.verdict == "not supported"


def heads(*rows):
    return {seed: Mask(np.array(row, bool).reshape(4, 5), np.ones(4)) for seed, row in enumerate(rows)}


def test_seeds_that_agree_do_not_support_instability():
    row = [1] * 10 + [0] * 10
    claim = claim_unstable(agreement(heads(row, row, row), permutations=100)[0], 10, 10)
    assert (claim.verdict, claim.effect.value) == ("not supported", 1.0)
    assert "only 0 of 20 heads" in claim.because


def test_seeds_that_agree_as_by_chance_support_instability():
    a, b = [1] * 10 + [0] * 10, [1] * 5 + [0] * 10 + [1] * 5
    claim = claim_unstable(agreement(heads(a, b), permutations=100)[0], 5, 5)
    assert claim.verdict == "supported"
    assert claim.effect.low <= claim.effect.value <= claim.effect.high


def test_instability_needs_two_seeds_and_something_pruned():
    assert claim_unstable(None, 0, 0, "prune").missing == "prune"
    everything = agreement(heads([1] * 20, [1] * 20), permutations=10)[0]
    assert claim_unstable(everything, 20, 0).because.startswith("Degenerate")
    whole_or_none = agreement(heads([1] * 20, [0] * 20), permutations=10)[0]
    assert "all or nothing" in claim_unstable(whole_or_none, 0, 0).because


def test_a_verdict_says_when_it_rests_on_one_seed_or_two():
    one = claim_good(scores(0.9), scores(0.89), {0: SAME}, MAJORITY)
    assert (one.n_seeds, one.basis) == (1, "one seed only")
    assert one.because.endswith("One seed only: it says nothing of other seeds.")
    lower = scores(0.60, 0.61)
    two = claim_rest_is_worse(FULL, GOOD, lower, lower, {}, {}, MAJORITY)
    assert (two.n_seeds, two.basis) == (2, "two seeds only")
    assert two.because.endswith("Two seeds only.")
    five = claim_worst_retrained(FULL, GOOD, GOOD, {}, MAJORITY)
    assert (five.n_seeds, five.basis) == (5, "5 seeds")
    assert "only" not in five.because
    a, b = [1] * 10 + [0] * 10, [1] * 5 + [0] * 10 + [1] * 5
    assert claim_unstable(agreement(heads(a, b), permutations=100)[0], 5, 5).basis == "two seeds only"
    assert claim_unstable(None, 0, 0).basis == ""


def test_what_is_left_of_the_gain_is_taken_on_the_seeds_that_both_have():
    """Full 0.9 and ticket 0.7 on the one seed of both: half of the gain over 0.5; the other seed has no part."""
    full, again = scores(0.9, 0.6), scores(0.7)
    assert "it keeps 50%" in claim_worst_retrained(full, GOOD, again, {0: LOWER}, MAJORITY).because
