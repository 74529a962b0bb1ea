"""Limits for a finite set of which a random part was seen: exact for a count, combined for a function of several."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest


def count_limits(seen: int, sample: int, total: int, error: float) -> tuple[int, int]:
    """Exact limits for how many of `total` have a property that `seen` of a random sample of them have.

    Inverts the hypergeometric distribution with error / 2 at each end (Konijn 1973; Wright 1991, Exact Confidence
    Bounds when Sampling from Small Finite Universes): the truth lies outside with probability `error` at most, for
    every truth. The whole set as sample leaves no doubt; no sample leaves 0 to total. Raises BadRequest on numbers that
    do not fit together.
    """
    if not 0 <= seen <= sample <= total:
        raise BadRequest(f"{seen} of a sample of {sample} out of {total} is not possible.")
    least, most = seen, total - sample + seen
    low = _first(least, most, lambda count: 1 - _at_most(seen - 1, sample, count, total) > error / 2)
    high = _first(low, most + 1, lambda count: _at_most(seen, sample, count, total) <= error / 2) - 1
    return low, max(low, high)


def combined_limits(
    value: Callable[[Float64Array], Float64Array], estimates: Float64Array, lows: Float64Array, highs: Float64Array
) -> tuple[float, float]:
    """Limits for value(counts) from the limits of independent counts (S,), by adding squared distances.

    The "method of variance estimates recovery" (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702; for two
    proportions Newcombe 1998): each count goes to its less favourable limit alone, and the root of the sum of squares
    of what that takes from the value is taken from it. Limits far to one side, as of few events, stay so; the result
    never passes what all counts at their limits would give a linear value. value: (..., S) -> (...).
    """
    here = float(value(estimates))
    changes = _changes(value, estimates, lows, highs)
    down, up = np.minimum(0, changes.min(0)), np.maximum(0, changes.max(0))
    return here - math.sqrt(float((down**2).sum())), here + math.sqrt(float((up**2).sum()))


def least_favourable(
    value: Callable[[Float64Array], Float64Array], estimates: Float64Array, lows: Float64Array, highs: Float64Array
) -> Float64Array:
    """The counts (S,) within their limits at which the value comes nearest to 0: where `combined_limits` has its end.

    Every count moves towards its less favourable limit by its share of the sum of squares.
    """
    changes = _changes(value, estimates, lows, highs) * (-1 if value(estimates) > 0 else 1)
    worst = np.where(changes[0] > changes[1], lows, highs)
    moves = np.maximum(0, changes.max(0))
    length = math.sqrt(float((moves**2).sum()))
    return estimates + (worst - estimates) * (moves / length if length else 0.0)


def _changes(
    value: Callable[[Float64Array], Float64Array], estimates: Float64Array, lows: Float64Array, highs: Float64Array
) -> Float64Array:
    """(2, S): what the value gains where one count is at its low, or at its high."""
    n = len(estimates)
    moved = np.tile(estimates, (2, n, 1))
    moved[0, range(n), range(n)], moved[1, range(n), range(n)] = lows, highs
    return value(moved) - value(estimates)


def _first(start: int, end: int, holds: Callable[[int], bool]) -> int:
    """The first of start, ..., end for which a condition holds that stays true once it is; end where none does."""
    while start < end:
        middle = (start + end) // 2
        start, end = (start, middle) if holds(middle) else (middle + 1, end)
    return start


def _at_most(seen: int, sample: int, count: int, total: int) -> float:
    """P(at most `seen` of `sample` drawn without replacement from `total`, `count` of which have the property)."""
    least, most = max(0, sample - (total - count)), min(sample, count)
    if seen >= most:
        return 1.0
    mean = sample * count / total
    # terms further below than twelve standard deviations do not show in double precision
    start = max(least, min(seen, int(mean)) - 50 - int(12 * math.sqrt(mean * (1 - count / total))))
    if seen < start:
        return 0.0
    log = _log_factorials(total)
    k = np.arange(start, seen + 1)
    terms = -log[k] - log[count - k] - log[sample - k] - log[total - count - sample + k]
    constant = log[count] + log[total - count] + log[sample] + log[total - sample] - log[total]
    return float(np.exp(terms + constant).sum())


@functools.lru_cache(maxsize=32)
def _log_factorials(n: int) -> Float64Array:
    from scipy.special import gammaln

    logs: Float64Array = gammaln(np.arange(n + 1) + 1.0)
    return logs
