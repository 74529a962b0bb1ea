"""A score from the part of a dev set scored so far, with an interval for what the whole will say."""

from __future__ import annotations

import math
from dataclasses import replace

from numpy.typing import ArrayLike

from explorer.errors import BadRequest
from explorer.glue.tasks import MetricName
from explorer.stats.intervals import Score, score_with_interval
from explorer.stats.paired import PairedDifference, compare


def partial_score(
    metric: MetricName, predictions: ArrayLike, labels: ArrayLike, total: int, *, resamples: int = 500
) -> Score:
    """The metric on a random sample (m,) of a dev set of `total` examples, with an interval for the whole set's.

    The interval over examples is drawn in by the finite-population correction sqrt((N - m) / (N - 1)) (Cochran 1977,
    Sampling Techniques, section 2.6): it narrows as m grows, and is the value itself once m = N.
    Raises BadRequest where the sample is larger than the set.
    """
    sample = score_with_interval(metric, predictions, labels, resamples=resamples)
    shrink = _correction(sample.n, total)
    if math.isnan(sample.low):
        return sample
    return replace(
        sample,
        low=sample.value - shrink * (sample.value - sample.low),
        high=sample.value + shrink * (sample.high - sample.value),
        method=f"{sample.method}, {sample.n:,} of {total:,} examples",
    )


def partial_difference(
    metric: MetricName,
    predictions_a: ArrayLike,
    predictions_b: ArrayLike,
    labels: ArrayLike,
    total: int,
    *,
    resamples: int = 500,
) -> PairedDifference:
    """Score of a minus score of b on the same random sample (m,), with an interval for the whole set's difference.

    The paired bootstrap's interval, drawn in as in `partial_score`. Raises BadRequest likewise.
    """
    sample = compare(metric, predictions_a, predictions_b, labels, resamples=resamples)
    shrink = _correction(sample.n, total)
    if math.isnan(sample.low):
        return sample
    low = sample.difference - shrink * (sample.difference - sample.low)
    high = sample.difference + shrink * (sample.high - sample.difference)
    method = f"{sample.method}, {sample.n:,} of {total:,} examples"
    return replace(sample, low=low, high=high, method=method, within_noise=low <= 0 <= high)


def _correction(n: int, total: int) -> float:
    if n > total:
        raise BadRequest(f"A sample of {n} examples is not part of a set of {total}.")
    return math.sqrt((total - n) / (total - 1)) if total > 1 else 0.0
