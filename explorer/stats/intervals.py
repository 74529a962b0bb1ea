"""A score with its interval over examples, and the spread of scores over fine-tuning seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.arrays import Float64Array
from explorer.errors import BadRequest
from explorer.glue import metrics
from explorer.glue.metrics import FROM_ZERO, checked_pair, is_constant
from explorer.glue.tasks import METRIC_WORDS, MetricName
from explorer.stats.bootstrap import (
    NO_VALUE,
    Interval,
    check_options,
    matthews_of_codes,
    method_words,
    no_interval,
    pearson_of_rows,
    resample_cells,
    resample_examples,
)
from explorer.stats.class_counts import cells_of, score_of_counts, spearman_of_counts

NORMAL_95 = 1.959963984540054
"""Half the width of a 95% interval of a normal estimate, in standard errors."""


@dataclass(frozen=True)
class Score:
    """A metric on n examples with its interval. Whatever is nan, undefined says why."""

    value: float
    low: float
    high: float
    n: int
    metric: MetricName
    method: str
    """Method in words for the screen: 'Wilson 95%', 'bootstrap 95%, 2000 resamples'."""
    undefined: str = ""
    """A sentence where the value or the interval is not defined; empty otherwise."""


@dataclass(frozen=True)
class SeedSpread:
    """Scores over n fine-tuning seeds: mean, sample standard deviation (n - 1) and t-interval of the mean."""

    mean: float
    sd: float
    """nan with one seed."""
    low: float
    high: float
    n: int
    method: str
    """Method in words for the screen: 't 95%'."""
    undefined: str = ""
    """A sentence where the sd or the interval is not defined; empty otherwise."""


def score_with_interval(
    metric: MetricName,
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Score:
    """The metric of predictions (n,) against labels (n,), with its interval over examples.

    Accuracy: Wilson (1927). All others: percentile bootstrap. No interval where every resample gives the same value,
    nor where predictions or labels are constant and a correlation is asked for. Raises BadRequest as metrics.metric
    does.
    """
    from statsmodels.stats.proportion import proportion_confint

    check_options(confidence, resamples)
    predicted, true = checked_pair(metric, predictions, labels)
    value = metrics.metric(metric, predicted, true)
    n = len(true)
    if metric == "accuracy":
        right = int((predicted == true).sum())
        low, high = proportion_confint(right, n, alpha=1 - confidence, method="wilson")
        # at 0 and at 1 the bound equals the value but for rounding
        interval = Interval(min(float(low), value), max(float(high), value))
        method = f"Wilson {100 * confidence:g}%"
        return Score(value, interval.low, interval.high, n, metric, method)

    method = method_words(confidence, resamples)
    why = why_no_correlation(metric, predicted, true)
    if why:
        interval = no_interval(why)
    elif metric == "spearman":
        interval = resample_cells(
            np.ones(n, np.int64),
            lambda drawn: _or_no_value(spearman_of_counts(drawn, predicted, true)),
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )
    elif metric in ("f1", "macro_f1") or (metric == "matthews" and not is_binary(predicted, true)):
        _, counts, (labels_of, said_of) = cells_of(true, predicted)
        interval = resample_cells(
            counts,
            lambda drawn: score_of_counts(metric, drawn, labels_of, said_of),
            confidence=confidence,
            resamples=resamples,
            seed=seed,
        )
    elif metric == "matthews":
        codes = (2 * true + predicted).astype(np.int8)
        interval = resample_examples((codes,), matthews_of_codes, confidence=confidence, resamples=resamples, seed=seed)
    else:
        interval = resample_examples(
            (predicted, true), pearson_of_rows, confidence=confidence, resamples=resamples, seed=seed
        )
    return Score(value, interval.low, interval.high, n, metric, method, interval.undefined)


def _or_no_value(values: Float64Array) -> Float64Array:
    return np.where(np.isnan(values), NO_VALUE, values)


def why_no_correlation(metric: MetricName, predicted: NDArray[np.generic], true: NDArray[np.generic]) -> str:
    """A sentence where a constant side leaves a correlation undefined; empty otherwise, and for accuracy and F1."""
    if metric in FROM_ZERO:
        return ""
    sides = [what for what, values in (("predictions", predicted), ("labels", true)) if is_constant(values)]
    if not sides:
        return ""
    rest = "is 0 by convention and has no interval" if metric == "matthews" else "is not defined"
    return f"The {' and the '.join(sides)} are all the same: {METRIC_WORDS[metric]} {rest}."


def is_binary(*sides: NDArray[np.generic]) -> bool:
    """Whether all classes (n,) of all sides are 0 or 1."""
    return all(bool(np.isin(classes, (0, 1)).all()) for classes in sides)


def seed_spread(values: Sequence[float], *, confidence: float = 0.95) -> SeedSpread:
    """Mean, sample sd and Student's t-interval of the mean over one value per seed.

    One seed: no sd and no interval. Equal values: sd 0 and no interval. Raises BadRequest with no values
    or one that is not finite.
    """
    check_options(confidence, 1)
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0:
        raise BadRequest("There are no seeds to average.", "Give one value per seed.")
    if not np.isfinite(scores).all():
        raise BadRequest("The value of a seed is not a finite number.", "Leave that seed out and say so.")
    n, mean = len(scores), float(scores.mean())
    method, nan = f"t {100 * confidence:g}%", float("nan")
    if n == 1:
        return SeedSpread(mean, nan, nan, nan, 1, method, "One seed has no spread: two are needed.")
    sd = 0.0 if np.ptp(scores) == 0 else float(scores.std(ddof=1))  # equal values have a rounding error of an sd
    return spread_of_summary(mean, sd, n, confidence=confidence)


def spread_of_summary(mean: float, sd: float, n: int, *, confidence: float = 0.95) -> SeedSpread:
    """Spread over seeds from the mean and sample sd of n >= 2 of them, as published scores have it.

    Raises BadRequest below two seeds, for a negative sd and where either is not finite.
    """
    from scipy import stats

    check_options(confidence, 1)
    if n < 2 or not sd >= 0 or not np.isfinite((mean, sd)).all():
        raise BadRequest(f"Mean {mean} and sample sd {sd} of {n} seeds give no interval.", "Two seeds are needed.")
    method = f"t {100 * confidence:g}%"
    if sd == 0:
        why = f"All {n} seeds give the same value: there is no spread to build an interval on."
        return SeedSpread(mean, 0.0, float("nan"), float("nan"), n, method, why)
    low, high = stats.t.interval(confidence, n - 1, loc=mean, scale=sd / np.sqrt(n))
    return SeedSpread(mean, sd, float(low), float(high), n, method)


def sample_sd(population_sd: float, n: int) -> float:
    """The sample sd (n - 1) of n seeds from their population sd (n), which is what the paper published.

    Raises BadRequest below two seeds or for a negative sd.
    """
    if n < 2:
        raise BadRequest(f"A sample standard deviation of {n} seeds is not defined.", "Two are needed.")
    if not population_sd >= 0:
        raise BadRequest(f"{population_sd} is not a standard deviation.", "It is 0 or more.")
    return float(population_sd * np.sqrt(n / (n - 1)))
