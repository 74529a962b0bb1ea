"""How far several choices of components agree, with an interval: Nogueira et al. 2018 (JMLR 18, 174)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import BoolArray
from explorer.errors import BadRequest

_Z = 1.959963984540054


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
    half = _Z * 2 / many * float(np.sqrt(((influence - influence.mean()) ** 2).sum()))
    return Stability(value, value - half, min(1.0, value + half), many)
