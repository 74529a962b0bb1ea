"""Interactions of pairs: additive games give exactly 0, the definition by hand, exact tests, intervals that cover."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from explorer.stats.banzhaf import interactions_with
from explorer.stats.interaction import (
    mean_interactions,
    normal_p,
    pairs_of,
    score_interactions,
    second_differences,
    sign_flip_p,
)
from explorer.stats.multiple import false_discovery

PARTS = 4
PAIRS = pairs_of(PARTS)
ALL = np.array(list(product([False, True], repeat=PARTS)))


def masks():
    """All on, each part off, each pair off."""
    kept = np.ones((1 + PARTS + len(PAIRS), PARTS), np.bool_)
    for row, off in enumerate([[], *([part] for part in range(PARTS)), *PAIRS.tolist()]):
        kept[row, off] = False
    return kept


def game(kept):
    """The first two are of no use without each other, the last two replace each other."""
    a, b, c, d = kept.T.astype(float)
    return 0.5 * a * b + 0.25 * np.maximum(c, d)


def test_the_order_of_pairs_is_that_of_triangles():
    assert PAIRS.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert len(pairs_of(78)) == 3003


def test_an_additive_game_has_no_interaction_at_all():
    worth = np.array([0.5, -0.25, 0.125, 1.0])  # sums of powers of two are exact
    assert (second_differences(0.5 + masks() @ worth, PAIRS) == 0).all()
    each = 0.5 + masks() @ (worth * np.array([[1.0], [2.0], [0.5]])).T
    found = mean_interactions(each, PAIRS)
    assert (found.value == 0).all()
    assert (found.low == found.high).all()
    assert (found.p == 1).all()


def test_synergy_is_above_and_redundancy_below_nothing():
    assert second_differences(game(masks()), PAIRS).tolist() == [0.5, 0, 0, 0, 0, -0.25]


def test_the_score_s_interaction_is_that_of_its_scores():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 50)
    said = np.where(rng.random((1 + PARTS + len(PAIRS), 50)) < 0.7, labels, 1 - labels)
    found = score_interactions("accuracy", said, labels, PAIRS)
    right = (said == labels).mean(axis=1)
    np.testing.assert_allclose(found.value, second_differences(right, PAIRS))
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    assert np.isfinite(score_interactions("matthews", said, labels, PAIRS).p).all()
    same = score_interactions("accuracy", np.repeat(labels[None], len(said), axis=0), labels, PAIRS)
    assert (same.value == 0).all()
    assert (same.p == 1).all()


def test_signs_that_flip_are_mcnemar_s_test_and_fours_by_hand():
    ones = np.array([[1] * 7 + [-1] * 2 + [0] * 4]).T
    assert sign_flip_p(ones)[0] == pytest.approx(binomtest(7, 9).pvalue)
    with_two = np.array([[2, 1, 1, 0]]).T  # of 8 sign patterns only all up and all down reach 4
    assert sign_flip_p(with_two)[0] == pytest.approx(2 / 8)
    assert sign_flip_p(np.zeros((5, 1), np.int64))[0] == 1


def test_over_all_masks_the_bank_s_interactions_are_the_coefficients_of_the_products():
    found = interactions_with(ALL, game(ALL), 0)
    assert np.isnan(found.value[0])
    np.testing.assert_allclose(found.value[1:], [0.5, 0, 0], atol=1e-12)
    np.testing.assert_allclose(interactions_with(ALL, game(ALL), 3).value[:3], [0, 0, -0.25], atol=1e-12)
    rng = np.random.default_rng(0)
    kept = rng.random((60, PARTS)) < 0.6
    additive = 0.2 + kept @ np.array([0.3, -0.1, 0.0, 0.05])
    np.testing.assert_allclose(interactions_with(kept, additive, 1).value[[0, 2, 3]], 0, atol=1e-12)


def test_the_bank_s_intervals_cover():
    rng, inside = np.random.default_rng(5), []
    for _ in range(200):
        kept = rng.random((150, PARTS)) < 0.5
        found = interactions_with(kept, game(kept) + rng.normal(0, 0.1, 150), 0)
        inside.append((found.low <= [0, 0.5, 0, 0])[1:] & (found.high >= [0, 0.5, 0, 0])[1:])
    assert 0.92 <= np.mean(inside) <= 0.98


def test_over_several_keep_rates_the_interactions_of_others_do_not_pass_for_a_part_s_own():
    """Part 0 does nothing; part 1 interacts a little with all others. Whether 0 and 1 interact: they do not."""
    rng, parts, inside = np.random.default_rng(7), 20, []
    for _ in range(60):
        rates = np.repeat([0.5, 0.65, 0.8, 0.9, 0.97], 60)
        kept = rng.random((300, parts)) < rates[:, None]
        utility = 0.05 * kept[:, 1] * kept[:, 2:].sum(axis=1) + rng.normal(0, 0.1, 300)
        found = interactions_with(kept, utility, 0, rates)
        inside.append(found.low[1] <= 0 <= found.high[1])
    assert np.mean(inside) >= 0.88


def test_false_discoveries_by_hand():
    # m = 4: the k-th smallest times 4 / k, none above the next
    assert false_discovery([0.01, 0.04, 0.03, 0.8]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.8])
    assert false_discovery([]) == []


def test_what_has_no_standard_error_is_never_beyond_noise():
    nan = np.nan
    p = normal_p(np.array([0.5, 0.0, nan, 2.0, 0.5]), np.array([nan, nan, 1.0, 0.0, np.inf]))
    assert p.tolist() == [1.0, 1.0, 1.0, 0.0, 1.0]
