"""How much one condition keeps of another, or lags behind it: seed by seed, or between two published means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.stats.intervals import seed_spread
from explorer.stats.paired import PairedDifference

NAN = math.nan


@dataclass(frozen=True)
class Evidence:
    """A condition's scores over fine-tuning seeds, or only their mean and spread where those were published."""

    mean: float = NAN
    """nan where the bundle does not hold it."""
    sd: float = NAN
    """Sample sd over seeds."""
    n_seeds: int = 0
    low: float = NAN
    high: float = NAN
    """95% interval of the mean: over seeds, or of one seed over examples."""
    by_seed: Mapping[int, float] = field(default_factory=dict)
    """Empty for published scores."""
    missing: str = ""
    """The command that makes what is missing."""


@dataclass(frozen=True)
class Effect:
    """A number with its 95% interval (nan where there is none) and what both are over."""

    value: float = NAN
    low: float = NAN
    high: float = NAN
    over: str = ""
    """'5 seeds', '408 examples of one seed', 'the published means of 5 seeds'."""


def kept_share(part: Evidence, whole: Evidence, paired: Mapping[int, PairedDifference] | None = None) -> Effect:
    """Score of the part over that of the whole; the interval is over seeds.

    With one seed it is that of the paired difference (part minus whole) over examples, the whole's score held fixed.
    Where all seeds give one share, both ends are that. Two published means have none.
    """
    shares = {
        seed: part.by_seed[seed] / full for seed, full in whole.by_seed.items() if seed in part.by_seed and full > 0
    }
    if not shares:
        if not whole.mean > 0 or math.isnan(part.mean):
            return Effect()
        return Effect(part.mean / whole.mean, over=f"the published means of {part.n_seeds} seeds")
    if one := _only(shares, paired):
        full, share = one.value_b, next(iter(shares.values()))
        return Effect(share, 1 + one.low / full, 1 + one.high / full, f"{one.n:,} examples of one seed")
    return _over_seeds(shares)


def gap(a: Evidence, b: Evidence, paired: Mapping[int, PairedDifference] | None = None) -> Effect:
    """Score of a minus score of b; the interval is over seeds, each with itself.

    With one seed it is that of the paired difference over examples; of two published means it is Welch's (1947), which
    does not know that they share their seeds. Where all seeds give one difference, both ends are that.
    """
    gaps = {seed: a.by_seed[seed] - b.by_seed[seed] for seed in a.by_seed if seed in b.by_seed}
    if not gaps:
        low, high = welch_interval(a, b)
        return Effect(a.mean - b.mean, low, high, f"the published means of {a.n_seeds} seeds")
    if one := _only(gaps, paired):
        return Effect(one.difference, one.low, one.high, f"{one.n:,} examples of one seed")
    return _over_seeds(gaps)


def _over_seeds(by_seed: Mapping[int, float]) -> Effect:
    spread = seed_spread(list(by_seed.values()))
    ends = (spread.mean, spread.mean) if spread.sd == 0 else (spread.low, spread.high)
    return Effect(spread.mean, *ends, seeds_words(len(by_seed)))


def welch_interval(a: Evidence, b: Evidence, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a's mean minus b's from their sample sds over seeds; nan where an sd is not known, or both are 0."""
    from scipy import stats

    if min(a.n_seeds, b.n_seeds) < 2 or not a.sd + b.sd > 0:
        return NAN, NAN
    parts = [(x.sd**2 / x.n_seeds, x.n_seeds - 1) for x in (a, b)]
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / n for part, n in parts)
    low, high = stats.t.interval(confidence, freedom, loc=a.mean - b.mean, scale=math.sqrt(variance))
    return float(low), float(high)


def seeds_words(n: int) -> str:
    """'1 seed', '5 seeds'."""
    return f"{n} seed" if n == 1 else f"{n} seeds"


def _only(values: Mapping[int, float], paired: Mapping[int, PairedDifference] | None) -> PairedDifference | None:
    """The paired difference of the one seed there is."""
    return (paired or {}).get(next(iter(values))) if len(values) == 1 else None
