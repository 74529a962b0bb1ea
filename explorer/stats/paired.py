"""Two masks on the same examples: the difference of their scores, and the examples that flipped.

Throughout, a is what is looked at (a pruned model) and b what it is held against (the full one).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.glue import metrics
from explorer.glue.metrics import checked_pair, is_constant
from explorer.glue.tasks import MetricName
from explorer.stats.bootstrap import (
    NO_VALUE,
    FloatArray,
    Interval,
    check_options,
    matthews_of_counts,
    method_words,
    no_interval,
    pearson_of_rows,
    resample_cells,
    resample_examples,
)
from explorer.stats.intervals import require_binary, why_no_correlation

SAME_PREDICTIONS = "Same predictions."
SAME_RIGHT = "Different predictions, right on the same examples."
ONE_CLASS = "One of the two predicts a single class: its Matthews correlation is 0 by convention."


@dataclass(frozen=True)
class PairedDifference:
    """Score of a minus score of b on the same n examples, with its interval over examples."""

    difference: float
    low: float
    high: float
    value_a: float
    value_b: float
    n: int
    metric: MetricName
    method: str
    p: float | None
    """McNemar's exact test of who is right more often (whatever the metric); None for regression."""
    only_a_right: int | None
    only_b_right: int | None
    """McNemar's discordant counts; None for regression."""
    within_noise: bool
    """Whether nothing tells a from b: the interval holds 0, or for accuracy p >= 1 - confidence, since McNemar's exact
    test is of the same hypothesis and the bootstrap errs towards a difference where few flip. Without an interval, p
    alone, and noise without p."""
    note: str = ""
    """'Same predictions.' and the like."""
    undefined: str = ""
    """A sentence where the difference or its interval is not defined; empty otherwise."""


@dataclass(frozen=True, eq=False)
class Flips:
    """Indices of examples, ascending, int64, on which a differs from b."""

    fixed: NDArray[np.int64]
    """a is right where b was wrong."""
    broken: NDArray[np.int64]
    """a is wrong where b was right."""
    changed: NDArray[np.int64]
    """a predicts another class than b: fixed, broken, and wrong in another way."""


def flips(predictions_a: ArrayLike, predictions_b: ArrayLike, labels: ArrayLike) -> Flips:
    """The examples on which class predictions a (n,) and b (n,) differ; raises BadRequest for regression."""
    a, true = checked_pair("accuracy", predictions_a, labels)
    b, _ = checked_pair("accuracy", predictions_b, labels)
    return Flips(
        np.flatnonzero((a == true) & (b != true)),
        np.flatnonzero((a != true) & (b == true)),
        np.flatnonzero(a != b),
    )


def compare(
    metric: MetricName,
    predictions_a: ArrayLike,
    predictions_b: ArrayLike,
    labels: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> PairedDifference:
    """The metric of a (n,) minus that of b (n,), with the percentile interval of the paired bootstrap.

    Classification adds McNemar's exact test (1947). Same predictions: difference 0, interval (0, 0), p 1.
    A constant side leaves Pearson's difference nan; two constant sides leave Matthews' without interval.
    Raises BadRequest as metrics.metric does, and on classes other than 0 and 1 for Matthews.
    """
    check_options(confidence, resamples)
    a, true = checked_pair(metric, predictions_a, labels)
    b, _ = checked_pair(metric, predictions_b, labels)
    value_a, value_b = metrics.metric(metric, a, true), metrics.metric(metric, b, true)
    same = bool((a == b).all())
    difference = 0.0 if same else value_a - value_b

    p: float | None = None
    only_a: int | None = None
    only_b: int | None = None
    note = SAME_PREDICTIONS if same else ""
    interval = Interval(0.0, 0.0)
    if metric == "pearson":
        if not same:
            interval = _either_way(_of_pearson, a, b, true, confidence, resamples, seed)
    else:
        only_a, only_b, p = _mcnemar(a, b, true)
        if metric == "accuracy" and only_a == only_b == 0:
            note = note or SAME_RIGHT
        elif not same:
            of_classes = _of_accuracy if metric == "accuracy" else _of_matthews
            interval = _either_way(of_classes, a, b, true, confidence, resamples, seed)
            if metric == "matthews" and is_constant(a) != is_constant(b):
                note = ONE_CLASS

    if interval.undefined:
        noise = difference == 0 or np.isnan(difference) or p is None or p >= 1 - confidence
    else:
        noise = interval.low <= 0 <= interval.high or (metric == "accuracy" and p is not None and p >= 1 - confidence)
    return PairedDifference(
        difference,
        interval.low,
        interval.high,
        value_a,
        value_b,
        len(true),
        metric,
        f"paired {method_words(confidence, resamples)}",
        p,
        only_a,
        only_b,
        bool(noise),
        note,
        interval.undefined,
    )


def _mcnemar(a: NDArray[Any], b: NDArray[Any], true: NDArray[Any]) -> tuple[int, int, float]:
    from statsmodels.stats.contingency_tables import mcnemar

    right_a, right_b = a == true, b == true
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    both, neither = int((right_a & right_b).sum()), int((~right_a & ~right_b).sum())
    p = mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue
    return only_a, only_b, float(p)


def _either_way(interval_of: Callable[..., Interval], a: NDArray[Any], b: NDArray[Any], *rest: Any) -> Interval:
    """The interval of a - b, drawn so that b - a gives its exact mirror image."""
    if a.tobytes() <= b.tobytes():
        return interval_of(a, b, *rest)
    mirrored = interval_of(b, a, *rest)
    return Interval(-mirrored.high, -mirrored.low, mirrored.undefined)


def _of_accuracy(
    a: NDArray[Any], b: NDArray[Any], true: NDArray[Any], confidence: float, resamples: int, seed: int
) -> Interval:
    gain = (a == true).astype(np.int64) - (b == true)  # (n,) of -1, 0, 1
    counts = np.bincount(gain + 1, minlength=3)

    def difference(cells: FloatArray) -> FloatArray:  # (resamples, 3) -> (resamples,)
        return (cells[:, 2] - cells[:, 0]) / len(true)

    return resample_cells(counts, difference, confidence=confidence, resamples=resamples, seed=seed)


def _of_matthews(
    a: NDArray[Any], b: NDArray[Any], true: NDArray[Any], confidence: float, resamples: int, seed: int
) -> Interval:
    require_binary(true, "label")
    require_binary(np.concatenate([a, b]), "prediction")
    why_a, why_b = why_no_correlation("matthews", a, true), why_no_correlation("matthews", b, true)
    if why_a and why_b:
        return no_interval(f"{why_a} So it is for both.")
    counts = np.bincount(4 * true + 2 * a + b, minlength=8)

    def difference(cells: FloatArray) -> FloatArray:  # (resamples, 8) -> (resamples,)
        table = cells.reshape(-1, 2, 2, 2)  # resample, label, a, b
        of_a, of_b = table.sum(axis=3), table.sum(axis=2)  # each: resample, label, prediction
        value_a, value_b = (matthews_of_counts(m[:, 0, 0], m[:, 0, 1], m[:, 1, 0], m[:, 1, 1]) for m in (of_a, of_b))
        return value_a - value_b

    return resample_cells(counts, difference, confidence=confidence, resamples=resamples, seed=seed)


def _of_pearson(
    a: NDArray[Any], b: NDArray[Any], true: NDArray[Any], confidence: float, resamples: int, seed: int
) -> Interval:
    why = why_no_correlation("pearson", a, true) or why_no_correlation("pearson", b, true)
    if why:
        return no_interval(why)

    def difference(rows_a: FloatArray, rows_b: FloatArray, rows_true: FloatArray, axis: int = -1) -> FloatArray:
        of_a, of_b = pearson_of_rows(rows_a, rows_true, axis), pearson_of_rows(rows_b, rows_true, axis)
        return np.where((of_a == NO_VALUE) | (of_b == NO_VALUE), NO_VALUE, of_a - of_b)

    return resample_examples((a, b, true), difference, confidence=confidence, resamples=resamples, seed=seed)
