"""Scores of many sets of predictions on the same weighted draws of examples, so that their differences are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import AnyArray, Float64Array
from explorer.glue.tasks import MetricName
from explorer.stats.bootstrap import matthews_of_counts
from explorer.stats.class_counts import score_of_counts, spearman_of_counts
from explorer.stats.intervals import is_binary

RESAMPLES = 1000


def draw_weights(halves: Sequence[NDArray[np.integer]], resamples: int = RESAMPLES, seed: int = 0) -> Float64Array:
    """Draws how often each example comes up in resamples with replacement within each half: (resamples + 1, n).

    halves: the indices of each, disjoint, that cover 0 to n - 1. The first row is all ones: the sample as it is.
    """
    rng, n = np.random.default_rng(seed), sum(map(len, halves))
    weights = np.ones((resamples + 1, n))
    for half in halves:
        weights[1:, half] = rng.multinomial(len(half), np.full(len(half), 1 / len(half)), size=resamples)
    return weights


def weighted_scores(metric: MetricName, predictions: AnyArray, labels: AnyArray, weights: Float64Array) -> Float64Array:
    """Computes the metric of S sets of predictions under R sets of weights of the examples: (R, S).

    predictions: (S, n). labels: (n,). weights: (R, n), how often each example counts. A correlation that is not
    defined, because one side is constant, counts as 0.
    """
    predictions, labels = np.asarray(predictions), np.asarray(labels)
    total = weights.sum(axis=1, keepdims=True)
    if metric == "accuracy":
        return np.asarray(weights @ (predictions == labels).T.astype(np.float64) / total)
    if metric == "spearman":
        ranked = [spearman_of_counts(weights, said, labels) for said in predictions.astype(np.float64)]
        return np.nan_to_num(np.stack(ranked, axis=1))
    if metric != "pearson" and not (metric == "matthews" and is_binary(labels, predictions)):
        return np.stack([score_of_counts(metric, weights, labels, said) for said in predictions], axis=1)
    if metric == "matthews":
        said, true = predictions.T.astype(np.float64), labels.astype(np.float64)
        tp = weights @ (said * true[:, None])
        positive, actual = weights @ said, (weights @ true)[:, None]
        return matthews_of_counts(total - positive - actual + tp, positive - tp, actual - tp, tp)
    x = predictions.T.astype(np.float64)
    x = x - x.mean(axis=0)  # keeps the sums of squares exact
    y = labels.astype(np.float64) - labels.mean()
    mean_x, mean_y = weights @ x / total, (weights @ y)[:, None] / total
    xy = weights @ (x * y[:, None]) / total - mean_x * mean_y
    xx = weights @ x**2 / total - mean_x**2
    yy = (weights @ y**2)[:, None] / total - mean_y**2
    defined = (xx > 1e-10) & (yy > 1e-10)  # below: values that differ by the rounding of float32
    return np.divide(xy, np.sqrt(np.abs(xx * yy)), out=np.zeros_like(xy), where=defined)


def central(drawn: Float64Array, confidence: float = 0.95) -> tuple[float, float]:
    """Returns the percentile interval of resampled values (R,)."""
    low, high = np.quantile(drawn, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)


@dataclass(frozen=True)
class Difference:
    """One number minus another on the same resamples of the same examples."""

    value: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.low <= 0 <= self.high


def difference(of: Float64Array, other: Float64Array) -> Difference:
    """Subtracts what was measured on the sample, the first, and on its resamples, the rest: each (1 + R,)."""
    drawn = of - other
    return Difference(float(drawn[0]), *central(drawn[1:]))
