"""Percentile bootstrap over examples (Efron and Tibshirani 1993, chapter 13), of vectorised statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import Float64Array
from explorer.errors import BadRequest

NO_VALUE = 9.0
"""Marks a resample on which a correlation, or a difference of two, is undefined. It lies outside their
range, and is no nan because scipy answers nan with a warning, which is state of the whole process."""

_DRAWS_AT_ONCE = 50_000
"""Examples drawn in one batch: 400 kB of indices stay in the processor's cache."""


_CELLS_AT_ONCE = 2_000_000
"""Cells drawn in one batch: 16 MB."""


@dataclass(frozen=True)
class Interval:
    """Lower and upper bound, both nan where undefined says why there are none."""

    low: float
    high: float
    undefined: str = ""


def no_interval(why: str) -> Interval:
    """The interval that is not defined, with the sentence that says why."""
    return Interval(float("nan"), float("nan"), why)


def check_options(confidence: float, resamples: int) -> None:
    """Raises BadRequest unless 0 < confidence < 1 and there is at least one resample."""
    if not 0 < confidence < 1:
        raise BadRequest(f"A confidence of {confidence} is not between 0 and 1.", "0.95 is usual.")
    if resamples < 1:
        raise BadRequest(f"{resamples} resamples give no interval.", "2000 is usual.")


def method_words(confidence: float, resamples: int) -> str:
    """The method for the screen: 'bootstrap 95%, 2000 resamples'."""
    return f"bootstrap {100 * confidence:g}%, {resamples} resamples"


def resample_examples(
    samples: tuple[NDArray[Any], ...],
    statistic: Callable[..., Float64Array],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """The percentile interval of statistic over examples drawn with replacement, by scipy.stats.bootstrap.

    samples: arrays (n,), n >= 2, of which the same examples are drawn. statistic: takes one (batch, n) array
    for each and axis=-1, gives (batch,), NO_VALUE where a resample has none.
    """
    from scipy import stats

    batch = max(1, _DRAWS_AT_ONCE // len(samples[0]))
    drawn = stats.bootstrap(
        samples,
        statistic,
        n_resamples=resamples,
        batch=batch,
        vectorized=True,
        paired=len(samples) > 1,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return _described(drawn.bootstrap_distribution, confidence)


def resample_cells(
    counts: NDArray[np.int64],
    statistic: Callable[[Float64Array], Float64Array],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Percentile interval, as of `resample_examples`, of a statistic of how many examples fall into each cell.

    Drawing n examples with replacement and counting cells is one multinomial draw of the counts: the same
    distribution at a cost that does not grow with n (QQP: 1 ms for 1 s). counts: (cells,); statistic:
    (resamples, cells) -> (resamples,).
    """
    n, rng, values = int(counts.sum()), np.random.default_rng(seed), []
    batch = max(1, _CELLS_AT_ONCE // len(counts))  # the draws are the same in one batch and in many
    for begun in range(0, resamples, batch):
        drawn = rng.multinomial(n, counts / n, size=min(batch, resamples - begun))
        values.append(statistic(drawn.astype(np.float64)))
    return _described(np.concatenate(values), confidence)


def _described(distribution: Float64Array, confidence: float) -> Interval:
    n_undefined = int((distribution == NO_VALUE).sum())
    if n_undefined:
        return no_interval(
            f"{n_undefined} of {len(distribution)} resamples hold one value only and have no correlation: "
            "there are too few examples for an interval."
        )
    if np.ptp(distribution) <= 1e-12:
        return no_interval("Every resample gives the same value: the bootstrap has no interval.")
    low, high = np.quantile(distribution, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Interval(float(low), float(high))


def matthews_of_counts(tn: Float64Array, fp: Float64Array, fn: Float64Array, tp: Float64Array) -> Float64Array:
    """Matthews correlation of binary confusion counts, elementwise; 0 where a side is constant."""
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.divide(tp * tn - fp * fn, scale, out=np.zeros_like(scale), where=scale > 0)


def matthews_of_codes(codes: NDArray[np.int8], axis: int = -1) -> Float64Array:
    """Matthews correlation of examples coded 2 * label + prediction: (..., n) -> (...)."""
    tn, fp, fn, tp = (np.count_nonzero(codes == code, axis=axis).astype(np.float64) for code in range(4))
    return matthews_of_counts(tn, fp, fn, tp)


def pearson_of_rows(x: Float64Array, y: Float64Array, axis: int = -1) -> Float64Array:
    """Pearson correlation of each row: (..., n) and (..., n) -> (...); NO_VALUE where a row is constant."""
    del axis  # scipy passes -1 always; the sums below rely on it
    dx, dy = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    xx, yy, xy = (np.einsum("...i,...i->...", left, right) for left, right in ((dx, dx), (dy, dy), (dx, dy)))
    constant = (x == x[..., :1]).all(axis=-1) | (y == y[..., :1]).all(axis=-1) | (xx * yy == 0)
    rows = np.divide(xy, np.sqrt(xx * yy), out=np.full(np.shape(xy), NO_VALUE), where=~constant)
    return np.where(constant, NO_VALUE, np.clip(rows, -1, 1))
