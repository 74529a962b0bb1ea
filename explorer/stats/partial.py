"""A mask's score while only part of the examples is scored, held against the full model, whose score is known.

Two things are known beforehand: the labels, and the full model's predictions on every example. So only the flips, what
the mask changes in them, must be estimated, which narrows the interval as a control variate does (Cochran 1977,
Sampling Techniques, chapter 7); and score and difference have one and the same interval, the known score apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.arrays import Float64Array
from explorer.errors import BadRequest
from explorer.glue import metrics
from explorer.glue.metrics import checked_pair
from explorer.glue.tasks import METRIC_WORDS, MetricName
from explorer.stats.bootstrap import matthews_of_counts
from explorer.stats.finite_population import combined_limits, count_limits, least_favourable
from explorer.stats.intervals import Score, is_binary, why_no_correlation
from explorer.stats.paired import SAME_PREDICTIONS, PairedDifference, mcnemar, real_by_flips
from explorer.stats.spending import coverage_words

Classes = NDArray[np.int64]
_FEWEST = 8
"""Examples below which a correlation gets no interval."""
NAN = math.nan
_NEARLY_ONE = 1 - 1e-12
"""Correlations are held below it, since Fisher's z of 1 is infinite."""


@dataclass(frozen=True, eq=False)
class Known:
    """Full model's predictions and labels of a set, (N,) each: all that is known before a mask is scored."""

    metric: MetricName
    full: NDArray[np.generic]
    labels: NDArray[np.generic]

    @cached_property
    def value(self) -> float:
        """The full model's score on all N examples."""
        return metrics.metric(self.metric, self.full, self.labels)

    @cached_property
    def has_limits(self) -> bool:
        """Whether an interval can be told while only part is scored: of accuracy, Matthews of two classes, Pearson."""
        if self.metric == "matthews":
            return is_binary(self.full, self.labels)
        return self.metric in ("accuracy", "pearson")

    @cached_property
    def strata(self) -> Classes:
        """The stratum (N,) of each example, within which a flip does one thing to the score.

        Accuracy: 1 where the full model is right. Matthews: 2 * label + the full model's prediction.
        """
        if self.metric == "accuracy":
            return (self.full == self.labels).astype(np.int64)
        return 2 * self.labels.astype(np.int64) + self.full.astype(np.int64)

    @cached_property
    def sizes(self) -> Classes:
        """Number of examples of each stratum: (2,) for accuracy, (4,) for Matthews."""
        return np.bincount(self.strata, minlength=2 if self.metric == "accuracy" else 4)

    def difference(self, flips: NDArray[np.floating[Any]]) -> Float64Array:
        """Change of the score (...) by so many flips in each stratum (..., S)."""
        if self.metric == "accuracy":
            return (flips[..., 0] - flips[..., 1]) / len(self.labels)
        tn, fp, fn, tp = np.moveaxis(self.sizes + flips @ _MATTHEWS_MOVES, -1, 0)
        return matthews_of_counts(tn, fp, fn, tp) - self.value


_MATTHEWS_MOVES = np.array([[-1, 1, 0, 0], [1, -1, 0, 0], [0, 0, -1, 1], [0, 0, 1, -1]], np.float64)
"""A flip takes an example out of its cell (row) of the confusion matrix, into the other with its label."""


@dataclass(frozen=True)
class Running:
    """Score and difference of a mask on all examples, as part of them tells."""

    score: Score
    """The estimate for all N examples; n is how many were scored."""
    difference: PairedDifference
    """The score minus the full model's known one on all N examples. p and the discordant counts are of the part."""


def known(metric: MetricName, full: ArrayLike, labels: ArrayLike) -> Known:
    """The full model's predictions (N,) and labels (N,), checked; raises BadRequest as metrics.metric does."""
    predicted, true = checked_pair(metric, full, labels)
    return Known(metric, predicted, true)


def running(of: Known, scored: ArrayLike, predictions: ArrayLike, *, error: float = 0.05, words: str = "") -> Running:
    """Score and difference on all N examples, from a mask's predictions (m,) on a random part of them.

    scored: (m,) positions of the part. error: probability that the interval misses what all examples will say, to be
    spent over the looks (`spending.spent_at`). words: what the intervals promise; default: that of this look alone.
    Accuracy and Matthews: exact hypergeometric limits for the flips in each stratum, combined. Pearson: normal theory
    on Fisher's z, with the full model as control variate. A difference is beyond noise only if the final verdict would
    be so were the examples yet to come as unfavourable as the interval allows, and if the part's own test says so.
    Other metrics (F1, Spearman, Matthews of more classes) have an estimate and no interval before all is scored.
    Raises BadRequest where the part is no part of the set, and as metrics.metric does.
    """
    at = np.asarray(scored, np.int64)
    total = len(of.labels)
    if len(np.unique(at)) != len(at) or not ((at >= 0) & (at < total)).all():
        raise BadRequest(f"The {len(at)} scored examples are not part of a set of {total}.")
    predicted, labels = checked_pair(of.metric, predictions, of.labels[at])
    method = f"{words or coverage_words(1 - error)}, {len(at):,} of {total:,} examples"
    if not of.has_limits or (of.metric == "matthews" and not is_binary(predicted)):
        return _without_limits(of, at, predicted, labels, method)
    if of.metric == "pearson":
        return _of_correlation(of, at, predicted, labels, error, f"Fisher z with control variate, {method}")
    return _of_flips(of, at, predicted, labels, error, f"exact limits of flips, {method}")


def _of_flips(of: Known, at: Classes, predicted: Classes, labels: Classes, error: float, method: str) -> Running:
    full, strata, n_strata = of.full[at], of.strata[at], len(of.sizes)
    flipped = (predicted == labels) != (full == labels)
    samples, seen = (np.bincount(among, minlength=n_strata) for among in (strata, strata[flipped]))
    limits = [count_limits(int(x), int(m), int(n), error) for x, m, n in zip(seen, samples, of.sizes, strict=True)]
    # counts are whole and their combination is not: half a count of continuity, as far as what is left allows
    exact_lows, exact_highs = np.array(limits, np.float64).T
    least, most = seen, seen + of.sizes - samples
    lows, highs = np.maximum(exact_lows - 0.5, least), np.minimum(exact_highs + 0.5, most)
    rates = np.where(samples > 0, seen / np.maximum(samples, 1), flipped.mean())
    estimates: Float64Array = np.clip(of.sizes * rates, lows, highs).astype(np.float64)
    difference = float(of.difference(estimates))
    low, high = combined_limits(of.difference, estimates, lows, highs)
    bottom = 0.0 if of.metric == "accuracy" else -1.0
    low, high = (min(max(end, bottom - of.value), 1 - of.value) for end in (low, high))
    low, high = min(low, difference), max(high, difference)

    only_a, only_b, p = mcnemar(predicted, full, labels)
    noise = low <= 0 <= high
    if not noise:
        worst = least_favourable(of.difference, estimates, lows, highs)
        whole = np.clip(np.where(worst > estimates, np.ceil(worst), np.floor(worst)), least, most).astype(np.int64)
        noise = not (real_by_flips(of.metric, seen, samples) and real_by_flips(of.metric, whole, of.sizes))
    note = SAME_PREDICTIONS if (predicted == full).all() else ""
    paired = PairedDifference(
        difference,
        low,
        high,
        of.value + difference,
        of.value,
        len(at),
        of.metric,
        method,
        p,
        only_a,
        only_b,
        noise,
        note,
    )
    return _running(paired)


def _without_limits(of: Known, at: Classes, predicted: NDArray[Any], labels: NDArray[Any], method: str) -> Running:
    """The full model's score, moved by what the part says of the difference; its interval is there once all is."""
    full = of.full[at]
    same = bool((predicted == full).all())
    moved = 0.0
    if not same:
        moved = metrics.metric(of.metric, predicted, labels) - metrics.metric(of.metric, full, labels)
    value = of.value + moved
    if not math.isnan(value):
        value = min(1.0, max(value, 0.0 if of.metric in metrics.FROM_ZERO else -1.0))
    tests: tuple[float | None, int | None, int | None] = (None, None, None)
    if of.metric not in metrics.OF_VALUES:
        only_a, only_b, p = mcnemar(predicted, full, labels)
        tests = (p, only_a, only_b)
    why = f"{METRIC_WORDS[of.metric]} has no interval before all examples are scored."
    why, note = why[0].upper() + why[1:], SAME_PREDICTIONS if same else ""
    return _running(
        PairedDifference(
            value - of.value, NAN, NAN, value, of.value, len(at), of.metric, method, *tests, True, note, why
        )
    )


def _of_correlation(
    of: Known, at: Classes, predicted: Float64Array, labels: Float64Array, error: float, method: str
) -> Running:
    full, total, m = of.full[at].astype(np.float64), len(of.labels), len(at)
    same = bool((predicted == full).all())
    why = (
        why_no_correlation("pearson", of.full, of.labels)
        or why_no_correlation("pearson", predicted, labels)
        or why_no_correlation("pearson", full, labels)
        or (f"{m} examples are too few for an interval of a correlation." if m < _FEWEST else "")
        or ("Nothing has changed yet, so nothing tells how much will." if same and m < total else "")
    )
    if why:
        value = of.value if same else metrics.metric("pearson", predicted, labels) if m > 1 else NAN
        note = SAME_PREDICTIONS if same else ""
        return _running(
            PairedDifference(
                value - of.value, NAN, NAN, value, of.value, m, "pearson", method, None, None, None, True, note, why
            )
        )
    z, influence = _fisher(predicted, labels)
    z_full, influence_full = _fisher(full, labels)
    slope = float(influence @ influence_full / (influence_full @ influence_full))
    z_all = math.atanh(max(-_NEARLY_ONE, min(of.value, _NEARLY_ONE)))
    estimate = z + slope * (z_all - z_full)
    rest = influence - slope * influence_full
    left = (total - m) / (total - 1)
    error_of_z = math.sqrt(float(rest @ rest) / (m - 3) / m * left)
    # where few examples carry the spread it is itself hardly known: degrees of freedom by its kurtosis
    tails = m * float((rest**4).sum()) / max(float((rest**2).sum()) ** 2, 1e-300)
    reach = _t_quantile(1 - error / 2, max(1.0, min(m - 3, 2 * m / max(tails - 1, 1e-9)))) * error_of_z
    value, low, high = (math.tanh(at_z) for at_z in (estimate, estimate - reach, estimate + reach))
    # what the final interval over examples would add: the verdict is of the population, as the final one's is
    changes = influence * (1 - value**2) - influence_full * (1 - of.value**2)
    spread = 1.96 * math.sqrt(float(changes @ changes) / (m - 1) / total)
    noise = not (low - spread > of.value or high + spread < of.value)
    note = SAME_PREDICTIONS if same else ""
    ends = (low - of.value, high - of.value)
    return _running(
        PairedDifference(value - of.value, *ends, value, of.value, m, "pearson", method, None, None, None, noise, note)
    )


def _fisher(x: Float64Array, y: Float64Array) -> tuple[float, Float64Array]:
    """Fisher's z of the correlation of x and y, (m,) each, and each example's influence (m,) on it."""
    u, v = ((of - of.mean()) / of.std() for of in (x, y))
    r = max(-_NEARLY_ONE, min(float((u * v).mean()), _NEARLY_ONE))
    return math.atanh(r), (u * v - r * (u**2 + v**2) / 2) / (1 - r**2)


def _t_quantile(share: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def _running(paired: PairedDifference) -> Running:
    low, high = paired.value_b + paired.low, paired.value_b + paired.high
    score = Score(paired.value_a, low, high, paired.n, paired.metric, paired.method, paired.undefined)
    return Running(score, paired)
