"""Two masks on the same examples: the difference of their scores, and the examples that flipped.

Throughout, a is what is looked at (a pruned model) and b what it is held against (the full one). Long because the
interval of each metric and its test stand together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.arrays import Float64Array
from explorer.glue import metrics
from explorer.glue.metrics import OF_VALUES, checked_pair, is_constant
from explorer.glue.tasks import MetricName
from explorer.stats.bootstrap import (
    NO_VALUE,
    Interval,
    check_options,
    matthews_of_counts,
    method_words,
    no_interval,
    pearson_of_rows,
    resample_cells,
    resample_examples,
)
from explorer.stats.class_counts import cells_of, score_of_counts, spearman_of_counts
from explorer.stats.intervals import is_binary, why_no_correlation

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
    """Whether nothing tells a from b: the interval holds 0, or the exact test of the same hypothesis (McNemar's for
    accuracy, p_swapped for Matthews of two classes) gives 1 - confidence or more, since the bootstrap errs towards a
    difference where few flip. Without an interval, the test alone; noise without a test."""
    note: str = ""
    """'Same predictions.' and the like."""
    undefined: str = ""
    """A sentence where the difference or its interval is not defined; empty otherwise."""
    p_swapped: float | None = None
    """Exact test of the Matthews difference of two classes itself (`swap_test`); None for other metrics."""


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
    A constant side leaves the difference of Pearson and Spearman nan; two constant sides leave Matthews' without
    interval. Raises BadRequest as metrics.metric does.
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
    swaps = metric == "matthews" and is_binary(a, b, true)
    if metric in OF_VALUES:
        if not same:
            of_values = _of_pearson if metric == "pearson" else _of_spearman
            interval = _either_way(of_values, a, b, true, confidence, resamples, seed)
    else:
        only_a, only_b, p = mcnemar(a, b, true)
        if metric == "accuracy" and only_a == only_b == 0:
            note = note or SAME_RIGHT
        elif not same:
            of_classes = _of_matthews if swaps else partial(_of_counts, metric)
            if metric == "accuracy":
                of_classes = _of_accuracy
            interval = _either_way(of_classes, a, b, true, confidence, resamples, seed)
            if metric == "matthews" and is_constant(a) != is_constant(b):
                note = ONE_CLASS
    p_swapped = swap_test(_matthews_cells(a, b, true)) if swaps else None

    test = p if metric == "accuracy" else p_swapped
    if interval.undefined:
        noise = difference == 0 or np.isnan(difference) or test is None or test >= 1 - confidence
    else:
        noise = interval.low <= 0 <= interval.high or (test is not None and test >= 1 - confidence)
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
        p_swapped,
    )


def mcnemar(a: NDArray[Any], b: NDArray[Any], true: NDArray[Any]) -> tuple[int, int, float]:
    """Counts examples that only a (n,) and that only b (n,) gets right, and gives McNemar's exact p."""
    right_a, right_b = a == true, b == true
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    return only_a, only_b, _mcnemar_p(only_a, only_b)


def swap_test(counts: NDArray[np.int64]) -> float:
    """Exact p of the difference of two Matthews correlations, from the counts (8,) of 4 * label + 2 * a + b.

    Where a and b are alike, either could have given either prediction: each example on which they differ is swapped
    with probability 1/2, all ways at once (paired randomisation test: Noreen 1989; Yeh 2000, arXiv:cs/0008005). For
    accuracy the same test is McNemar's; accuracy can stay while Matthews moves, so that his is no test of it.
    """
    from scipy import stats

    table = counts.reshape(2, 2, 2)  # label, a, b
    of_a = [table[label, 1, 0] + np.zeros(1) for label in (0, 1)]
    differing = [int(table[label, 1, 0] + table[label, 0, 1]) for label in (0, 1)]
    ways = [np.arange(n + 1) for n in differing]
    weights = np.multiply.outer(*(stats.binom.pmf(k, n, 0.5) for k, n in zip(ways, differing, strict=True)))

    def difference(ones_0: Float64Array, ones_1: Float64Array) -> Float64Array:
        """Where a alone says 1 on so many examples of label 0, and of label 1."""
        values = []
        for fp, tp in ((ones_0, ones_1), (differing[0] - ones_0, differing[1] - ones_1)):
            fp, tp = fp + table[0, 1, 1], tp + table[1, 1, 1]
            values.append(matthews_of_counts(table[0].sum() - fp, fp, table[1].sum() - tp, tp))
        return values[0] - values[1]

    seen = abs(float(difference(*of_a)[0]))
    drawn = np.abs(difference(*np.broadcast_arrays(ways[0][:, None] * 1.0, ways[1][None] * 1.0)))
    return float(min(1.0, weights[drawn >= seen - 1e-12].sum()))


def real_by_flips(metric: MetricName, flipped: NDArray[np.int64], sizes: NDArray[np.int64]) -> bool:
    """The verdict of `compare`, "not within noise", where only the flips in each stratum are known.

    flipped, sizes: (2,) for accuracy, where b is wrong and where it is right; (4,) for Matthews, by 2 * label + b.
    """
    if metric == "accuracy":
        return _mcnemar_p(*(int(n) for n in flipped)) < 0.05
    counts = np.zeros((2, 2, 2), np.int64)  # label, a, b
    for stratum, (some, of) in enumerate(zip(flipped, sizes, strict=True)):
        label, b = divmod(stratum, 2)
        counts[label, 1 - b, b], counts[label, b, b] = some, of - some
    if swap_test(counts.ravel()) >= 0.05:
        return False
    interval = resample_cells(counts.ravel(), _matthews_difference, confidence=0.95, resamples=400, seed=0)
    return bool(interval.undefined) or not interval.low <= 0 <= interval.high


def _mcnemar_p(only_a: int, only_b: int) -> float:
    from statsmodels.stats.contingency_tables import mcnemar as exact_test

    return float(exact_test([[0, only_a], [only_b, 0]], exact=True).pvalue)


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

    def difference(cells: Float64Array) -> Float64Array:  # (resamples, 3) -> (resamples,)
        return (cells[:, 2] - cells[:, 0]) / len(true)

    return resample_cells(counts, difference, confidence=confidence, resamples=resamples, seed=seed)


def _of_matthews(
    a: NDArray[Any], b: NDArray[Any], true: NDArray[Any], confidence: float, resamples: int, seed: int
) -> Interval:
    why_a, why_b = why_no_correlation("matthews", a, true), why_no_correlation("matthews", b, true)
    if why_a and why_b:
        return no_interval(f"{why_a} So it is for both.")
    counts = _matthews_cells(a, b, true)
    return resample_cells(counts, _matthews_difference, confidence=confidence, resamples=resamples, seed=seed)


def _of_counts(
    metric: MetricName,
    a: NDArray[Any],
    b: NDArray[Any],
    true: NDArray[Any],
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """F1, and Matthews of any number of classes."""
    why_a, why_b = why_no_correlation(metric, a, true), why_no_correlation(metric, b, true)
    if why_a and why_b:
        return no_interval(f"{why_a} So it is for both.")
    _, counts, (labels, of_a, of_b) = cells_of(true, a, b)

    def difference(cells: Float64Array) -> Float64Array:
        return score_of_counts(metric, cells, labels, of_a) - score_of_counts(metric, cells, labels, of_b)

    return resample_cells(counts, difference, confidence=confidence, resamples=resamples, seed=seed)


def _of_spearman(
    a: NDArray[Any], b: NDArray[Any], true: NDArray[Any], confidence: float, resamples: int, seed: int
) -> Interval:
    why = why_no_correlation("spearman", a, true) or why_no_correlation("spearman", b, true)
    if why:
        return no_interval(why)

    def difference(counts: Float64Array) -> Float64Array:
        values = spearman_of_counts(counts, a, true) - spearman_of_counts(counts, b, true)
        return np.where(np.isnan(values), NO_VALUE, values)

    ones = np.ones(len(true), np.int64)
    return resample_cells(ones, difference, confidence=confidence, resamples=resamples, seed=seed)


def _matthews_cells(a: NDArray[Any], b: NDArray[Any], true: NDArray[Any]) -> NDArray[np.int64]:
    """Counts (8,) of 4 * label + 2 * a + b."""
    return np.bincount(4 * true + 2 * a + b, minlength=8)


def _matthews_difference(cells: Float64Array) -> Float64Array:
    """(resamples, 8) counts to (resamples,) differences."""
    table = cells.reshape(-1, 2, 2, 2)  # resample, label, a, b
    of_a, of_b = table.sum(axis=3), table.sum(axis=2)  # each: resample, label, prediction
    value_a, value_b = (matthews_of_counts(m[:, 0, 0], m[:, 0, 1], m[:, 1, 0], m[:, 1, 1]) for m in (of_a, of_b))
    return value_a - value_b


def _of_pearson(
    a: NDArray[Any], b: NDArray[Any], true: NDArray[Any], confidence: float, resamples: int, seed: int
) -> Interval:
    why = why_no_correlation("pearson", a, true) or why_no_correlation("pearson", b, true)
    if why:
        return no_interval(why)

    def difference(rows_a: Float64Array, rows_b: Float64Array, rows_true: Float64Array, axis: int = -1) -> Float64Array:
        of_a, of_b = pearson_of_rows(rows_a, rows_true, axis), pearson_of_rows(rows_b, rows_true, axis)
        return np.where((of_a == NO_VALUE) | (of_b == NO_VALUE), NO_VALUE, of_a - of_b)

    return resample_examples((a, b, true), difference, confidence=confidence, resamples=resamples, seed=seed)
