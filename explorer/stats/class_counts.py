"""F1 and Matthews correlation of any number of classes from how often each (label, prediction) comes up, many at once.

Only pairs that came up are counted: with K classes there are at most n of them, not K x K.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import Float64Array
from explorer.glue.tasks import MetricName


def score_of_counts(
    metric: MetricName, counts: Float64Array, labels: NDArray[Any], predictions: NDArray[Any]
) -> Float64Array:
    """Computes F1, macro F1 or Matthews correlation: (R, C) to (R,), as scikit-learn does of the examples themselves.

    counts: how often each of C cells came up, R times over. labels, predictions: (C,), the classes of each cell. F1 of
    a class that nothing is of is 0, and macro F1 leaves it out; Matthews is 0 where a side is constant.
    """
    classes = np.union1d(labels, predictions)
    is_label = (labels[:, None] == classes).astype(np.float64)  # (C, K)
    is_said = (predictions[:, None] == classes).astype(np.float64)
    true, said, both = counts @ is_label, counts @ is_said, counts @ (is_label * is_said)  # (R, K)
    if metric == "matthews":
        n = counts.sum(axis=-1)
        right, chance = both.sum(axis=-1), (true * said).sum(axis=-1)
        scale = np.sqrt((n**2 - (said**2).sum(axis=-1)) * (n**2 - (true**2).sum(axis=-1)))
        return np.divide(right * n - chance, scale, out=np.zeros_like(scale), where=scale > 0)
    of_class = np.divide(2 * both, true + said, out=np.zeros_like(both), where=true + said > 0)
    if metric == "f1":
        return of_class[..., classes == 1].sum(axis=-1)
    return np.asarray(of_class.sum(axis=-1) / np.maximum((true + said > 0).sum(axis=-1), 1))


def cells_of(*sides: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Counts the examples that are alike in all sides, (n,) each: cell of each example (n,), counts (C,), and the
    classes of each cell, (sides, C)."""
    found, cell, counts = np.unique(np.stack(sides, axis=1), axis=0, return_inverse=True, return_counts=True)
    return cell.reshape(-1), counts.astype(np.int64), found.T


def spearman_of_counts(counts: Float64Array, predictions: Float64Array, labels: Float64Array) -> Float64Array:
    """Computes Spearman's correlation of resamples: (R, n) counts of examples to (R,), nan where a side is constant.

    Each resample is ranked anew, equal values at the mean of their ranks. predictions, labels: (n,).
    """
    a, b = (_midranks(counts, values) for values in (predictions, labels))
    n = counts.sum(axis=-1, keepdims=True)
    a, b = (ranks - (counts * ranks).sum(axis=-1, keepdims=True) / n for ranks in (a, b))
    ab, aa, bb = ((counts * x * y).sum(axis=-1) for x, y in ((a, b), (a, a), (b, b)))
    defined = (aa > 1e-9) & (bb > 1e-9)
    return np.divide(ab, np.sqrt(aa * bb), out=np.full(np.shape(ab), np.nan), where=defined)


def _midranks(counts: Float64Array, values: Float64Array) -> Float64Array:
    """(R, n): the mean rank of each example's value among the examples as often as each was drawn."""
    distinct, at = np.unique(values, return_inverse=True)
    order = np.argsort(at, kind="stable")
    starts = np.searchsorted(at[order], np.arange(len(distinct)))
    many = np.add.reduceat(counts[..., order], starts, axis=-1)  # (R, distinct)
    return np.asarray((np.cumsum(many, axis=-1) - (many - 1) / 2)[..., at])
