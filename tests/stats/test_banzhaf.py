"""Banzhaf values: additive games exactly, the definition over all masks, and intervals that cover."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.stats.banzhaf import least_squares, sample_reuse, surprise, surprise_error

VALUES = np.array([0.3, -0.1, 0.0, 0.05])
ALL = np.array(list(product([False, True], repeat=4)))


def game(kept):
    """Not additive: the first two need each other, the last two replace each other."""
    a, b, c, d = kept.T.astype(float)
    return 0.4 * a * b + 0.3 * np.maximum(c, d) + 0.1 * a


def test_over_all_masks_it_is_the_definition():
    value = [np.mean([_gain(mask, i) for mask in ALL]) for i in range(4)]
    np.testing.assert_allclose(value, [0.3, 0.2, 0.15, 0.15])
    np.testing.assert_allclose(sample_reuse(ALL, game(ALL)).value, value)
    np.testing.assert_allclose(least_squares(ALL, game(ALL)).value, value)


def _gain(mask, i):
    on, off = mask.copy(), mask.copy()
    on[i], off[i] = True, False
    return float(game(on[None])[0] - game(off[None])[0])


def test_additive_games_give_exact_values():
    np.testing.assert_allclose(sample_reuse(ALL, 0.2 + ALL @ VALUES).value, VALUES, atol=1e-12)
    kept = np.random.default_rng(0).random((30, 4)) < 0.7
    found = least_squares(kept, 0.2 + kept @ VALUES)
    np.testing.assert_allclose(found.value, VALUES, atol=1e-12)
    np.testing.assert_allclose(found.low, found.high, atol=1e-9)
    np.testing.assert_allclose(surprise(kept, 0.2 + kept @ VALUES), 0, atol=1e-9)
    rates = np.repeat([0.5, 0.9], 15)
    np.testing.assert_allclose(least_squares(kept, 0.2 + rates + kept @ VALUES, rates).value, VALUES, atol=1e-12)


def test_surprise_is_what_the_other_masks_do_not_foretell():
    rng = np.random.default_rng(1)
    kept = rng.random((40, 4)) < 0.6
    found = surprise(kept, game(kept))
    others = np.arange(40) != 7
    design = np.concatenate([kept, np.ones((40, 1))], axis=1).astype(float)
    fit, *_ = np.linalg.lstsq(design[others], game(kept)[others], rcond=None)
    assert found[7] == pytest.approx(game(kept)[7] - design[7] @ fit)
    several = rng.random((40, 3))
    at_once = surprise(kept, several)
    np.testing.assert_allclose(at_once, np.stack([surprise(kept, one) for one in several.T], axis=1))


def test_how_far_a_prediction_is_off_is_told():
    """Of one mask, over draws of the masks that it is foretold from."""
    rng, errors, told = np.random.default_rng(4), [], []
    stays = np.array([[True, False, True, False]])
    best = least_squares(ALL, game(ALL))
    level = (game(ALL) - ALL @ best.value).mean()
    for _ in range(200):
        kept = np.concatenate([stays, rng.random((60, 4)) < 0.5])
        predicted = game(kept)[0] - surprise(kept, game(kept))[0]
        errors.append(predicted - float(stays[0] @ best.value + level))
        told.append(surprise_error(kept, game(kept))[0])
    assert np.mean(told) == pytest.approx(np.std(errors), rel=0.25)


@pytest.mark.parametrize("estimate", [sample_reuse, least_squares])
def test_intervals_cover_at_one_keep_rate(estimate):
    rng, inside, widths = np.random.default_rng(5), [], []
    value = np.array([0.3, 0.2, 0.15, 0.15])
    for _ in range(300):
        kept = rng.random((120, 4)) < 0.5
        utility = game(kept) + rng.normal(0, 0.05, 120)
        found, other = estimate(kept, utility), sample_reuse(kept, utility)
        inside.append((found.low <= value) & (value <= found.high))
        widths.append((found.high - found.low).mean() / (other.high - other.low).mean())
    assert 0.92 <= np.mean(inside) <= 0.98
    if estimate is least_squares:
        assert np.mean(widths) < 0.8, "narrower than by sample reuse"


def test_too_few_masks_are_refused():
    kept = np.random.default_rng(2).random((4, 4)) < 0.5
    with pytest.raises(BadRequest, match="fewer than two masks"):
        sample_reuse(np.ones((5, 4), np.bool_), np.arange(5.0))
    with pytest.raises(BadRequest, match="do not tell 4 components apart"):
        least_squares(kept, game(kept))
