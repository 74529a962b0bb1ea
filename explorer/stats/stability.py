"""How far several choices of components agree: the measure of Nogueira et al. 2018 (JMLR 18, 174), with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import BoolArray
from explorer.errors import BadRequest
from explorer.stats.agreement import kappa_of_totals


@dataclass(frozen=True)
class Stability:
    """Stability of M choices: 1 is the same every time, 0 is what chance gives."""

    value: float
    low: float
    high: float
    """95% interval over the choices; nan where there is none."""
    choices: int
    undefined: str = ""
    """A sentence where it is nan; empty otherwise."""

    @property
    def has_interval(self) -> bool:
        """Whether an interval can be given: three choices or more, made independently."""
        return not np.isnan(self.low)


def stability(chosen: BoolArray, *, independent: bool = True) -> Stability:
    """Measures the stability of M choices among d components, (M, d) True = chosen.

    Definition 4 of the paper: 1 - mean of the components' sample variances over their value where all components are
    alike. That is Fleiss' kappa, as which it is computed. The interval is the jackknife's over choices with Student's
    t (Tukey 1958): the paper's own (Theorem 7) is normal in M and covers about 75% for five choices. independent:
    whether the choices are drawn independently, as seeds are; resamples of one sample and steps of one path are not
    and have no interval.
    Undefined where every choice is everything or nothing. Raises BadRequest below two choices.
    """
    many, _ = chosen.shape
    if many < 2:
        raise BadRequest("Stability needs two choices or more.")
    value, nan = _value(chosen), float("nan")
    if np.isnan(value):
        word = "everything" if chosen.any() else "nothing"
        return Stability(nan, nan, nan, many, f"Every choice is {word}: agreement is 0/0.")
    low, high = _jackknife(chosen, value) if independent and many > 2 else (nan, nan)
    return Stability(value, low, high, many)


def _jackknife(chosen: BoolArray, value: float) -> tuple[float, float]:
    """The interval over choices, from the values without each of them; nan where one of these is undefined, and where
    all choices are alike."""
    from scipy.special import stdtrit

    many = len(chosen)
    without = [_value(np.delete(chosen, one, axis=0)) for one in range(many)]
    half = float(stdtrit(many - 1, 0.975) * (many - 1) * np.std(without, ddof=1) / np.sqrt(many))
    if not half > 0:  # choices that are all alike do not tell how far others would differ
        return float("nan"), float("nan")
    return max(-1.0, value - half), min(1.0, value + half)


def _value(chosen: BoolArray) -> float:
    if chosen.all() or not chosen.any():
        return float("nan")
    return float(kappa_of_totals(chosen.sum(axis=0, dtype=np.float64), len(chosen)))


def chance_range(chosen: BoolArray, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Returns the central 95% of the stability where each choice keeps as many components as it does, at random.

    chosen: (M, d), of which only the sizes count. Raises BadRequest where the stability is undefined.
    """
    many, d = chosen.shape
    sizes = chosen.sum(axis=1)
    if many < 2 or sizes.sum() in (0, many * d):
        raise BadRequest("Chance has no stability where every choice is everything or nothing.")
    rng, totals = np.random.default_rng(seed), np.empty((draws, d))
    for row in totals:
        row[:] = (rng.random((many, d)).argsort(axis=1) < sizes[:, None]).sum(axis=0)
    low, high = np.quantile(kappa_of_totals(totals, many), (0.025, 0.975))
    return float(low), float(high)
