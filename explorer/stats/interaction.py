"""Whether two components help or replace each other: what both off cost together, beyond what each costs alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from explorer.arrays import AnyArray, Float64Array, Int64Array
from explorer.glue.tasks import MetricName
from explorer.stats.intervals import NORMAL_95
from explorer.stats.weighted import RESAMPLES, draw_weights, weighted_scores


@dataclass(frozen=True, eq=False)
class Interactions:
    """The interaction of P pairs of components, with 95% interval over examples and p-value, each (P,).

    Above 0 is synergy: both off cost less than the sum of each alone, since each is of little use without the other.
    Below 0 is redundancy: one stands in for the other, and both off cost more.
    """

    value: Float64Array
    low: Float64Array
    high: Float64Array
    p: Float64Array
    """Two-sided, of no interaction, for one pair alone."""


def pairs_of(components: int) -> Int64Array:
    """Lists every pair of components once, the smaller index first: (C * (C - 1) / 2, 2)."""
    return np.stack(np.triu_indices(components, 1), axis=1).astype(np.int64)


def second_differences(values: AnyArray, pairs: Int64Array) -> Float64Array:
    """Computes v(both off) - v(first off) - v(second off) + v(all on) of each pair: (..., P). 0 in an additive game.

    The interaction of a pair among all other components (Owen 1972; Grabisch and Roubens 1999, whose index averages it
    over what else is on). values: (..., 1 + C + P): of all on, each component off alone, and each of `pairs` off.
    """
    full, alone = values[..., :1], values[..., 1 : values.shape[-1] - len(pairs)]
    both = values[..., values.shape[-1] - len(pairs) :]
    return np.asarray(both - alone[..., pairs[:, 0]] - alone[..., pairs[:, 1]] + full, np.float64)


def score_interactions(
    metric: MetricName, predictions: AnyArray, labels: AnyArray, pairs: Int64Array, resamples: int = RESAMPLES
) -> Interactions:
    """Measures each pair's interaction in the score, with the percentile interval of the paired bootstrap.

    predictions: (1 + C + P, n), in the order of `second_differences`. p: for accuracy the exact test that flips the
    sign of each example's interaction (McNemar's, where that is at most one); for other metrics normal, with the
    bootstrap's standard error.
    """
    weights = draw_weights([np.arange(len(labels))], resamples)
    drawn = second_differences(weighted_scores(metric, predictions, labels, weights), pairs)
    low, high = np.quantile(drawn[1:], (0.025, 0.975), axis=0)
    if metric == "accuracy":
        right = (np.asarray(predictions) == np.asarray(labels)).T.astype(np.float64)  # (n, 1 + C + P)
        p = sign_flip_p(second_differences(right, pairs).round().astype(np.int64))
    else:
        p = normal_p(drawn[0], drawn[1:].std(axis=0, ddof=1))
    return Interactions(drawn[0], low, high, p)


def mean_interactions(values: AnyArray, pairs: Int64Array) -> Interactions:
    """Measures each pair's interaction in the mean over examples of a value, such as a logit margin.

    values: (1 + C + P, n), in the order of `second_differences`. Normal interval and p, paired over examples.
    """
    each = second_differences(np.asarray(values, np.float64).T, pairs)  # (n, P)
    mean, error = each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(len(each))
    return Interactions(mean, mean - NORMAL_95 * error, mean + NORMAL_95 * error, normal_p(mean, error))


def sign_flip_p(each: Int64Array) -> Float64Array:
    """Tests that whole numbers are as likely as their negatives, exactly: p of each column, (P,).

    each: (n, P), from -2 to 2. Chance of a sum as far from 0, were every example's sign drawn anew.
    """
    ones, twos = (np.abs(each) == 1).sum(axis=0), (np.abs(each) == 2).sum(axis=0)
    sums = np.abs(each.sum(axis=0))
    return np.array([_tail(int(a), int(b), int(s)) for a, b, s in zip(ones, twos, sums, strict=True)])


@cache
def _tail(ones: int, twos: int, total: int) -> float:
    """Chance that `ones` of +-1 and `twos` of +-2 sum to `total` or more on either side."""
    from scipy.stats import binom

    spread = np.zeros(2 * ones + 1)
    spread[::2] = binom.pmf(np.arange(ones + 1), ones, 0.5)
    of_twos = np.zeros(4 * twos + 1)
    of_twos[::4] = binom.pmf(np.arange(twos + 1), twos, 0.5)
    chance = np.convolve(spread, of_twos)
    support = np.abs(np.arange(len(chance)) - (ones + 2 * twos))
    return float(min(1.0, chance[support >= total].sum()))


def normal_p(value: Float64Array, error: Float64Array) -> Float64Array:
    """Computes two-sided p-values of values with these standard errors.

    A value of 0 without an error has 1, and so has one whose error is not known: of one example, say.
    """
    from scipy.stats import norm

    z = np.divide(np.abs(value), error, out=np.where(np.abs(value) > 1e-12, np.inf, 0.0), where=error > 0)
    z = np.where(np.isfinite(value) & np.isfinite(error), z, 0.0)
    return np.asarray(2 * norm.sf(z), np.float64)
