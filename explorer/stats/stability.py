"""How far several choices of components agree, with an interval: Nogueira et al. 2018 (JMLR 18, 174)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import BoolArray
from explorer.errors import BadRequest
from explorer.stats.intervals import NORMAL_95


@dataclass(frozen=True)
class Stability:
    """Stability of M choices: 1 is the same every time, 0 is what chance gives."""

    value: float
    low: float
    high: float
    """95% interval, normal in M; a rough one where M is small."""
    choices: int
    undefined: str = ""
    """A sentence where it is nan; empty otherwise."""


def stability(chosen: BoolArray) -> Stability:
    """Measures the stability of M choices among d components, (M, d) True = chosen.

    Definition 4 and Theorem 7 of the paper: 1 - mean of the components' sample variances over their value where all
    components are alike. It equals Fleiss' kappa, to which it adds the interval. Undefined where every choice is
    everything or nothing. Raises BadRequest below two choices.
    """
    many, d = chosen.shape
    if many < 2:
        raise BadRequest("Stability needs two choices or more.")
    x = chosen.astype(np.float64)
    share, sizes = x.mean(axis=0), x.sum(axis=1)
    mean = float(sizes.mean() / d)
    scale = mean * (1 - mean)
    if scale == 0:
        word = "everything" if mean else "nothing"
        return Stability(float("nan"), float("nan"), float("nan"), many, f"Every choice is {word}: agreement is 0/0.")
    value = 1 - many / (many - 1) * float((share * (1 - share)).mean()) / scale
    influence = (x @ share / d - sizes / d * mean + value / 2 * (2 * mean * sizes / d - sizes / d)) / scale
    half = NORMAL_95 * 2 / many * float(np.sqrt(((influence - influence.mean()) ** 2).sum()))
    return Stability(value, value - half, min(1.0, value + half), many)


def chance_range(chosen: BoolArray, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Returns the central 95% of the stability where each choice keeps as many components as it does, at random.

    chosen: (M, d), of which only the sizes count. Raises BadRequest where the stability is undefined.
    """
    many, d = chosen.shape
    sizes = chosen.sum(axis=1)
    mean = sizes.mean() / d
    if many < 2 or mean in (0, 1):
        raise BadRequest("Chance has no stability where every choice is everything or nothing.")
    rng, values = np.random.default_rng(seed), np.empty(draws)
    for number in range(draws):
        ranks = rng.random((many, d)).argsort(axis=1)
        share = (ranks < sizes[:, None]).mean(axis=0)
        values[number] = 1 - many / (many - 1) * (share * (1 - share)).mean() / (mean * (1 - mean))
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
