"""From logits to confidence: the temperature, and the threshold below which a map gets no name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from explorer.arrays import Float64Array, Int64Array
from explorer.patterns.classifier.trained import Calibration

NAMED_RIGHT = 0.9
"""Share of the named maps that must be right; the threshold is the lowest that gives it."""
THRESHOLDS = tuple(np.round(np.arange(0.4, 0.91, 0.05), 2).tolist())


@dataclass(frozen=True)
class Named:
    """Effect of a threshold: how many maps it leaves with a name, and how many of those are right."""

    threshold: float
    share: float
    """Share of maps that get a class name; the others are 'uncertain'."""
    right: float
    """Share of the named maps that are right; nan where none is named."""
    n: int


def calibrated(logits: Float64Array, true: Int64Array) -> Calibration:
    """Fits the temperature by likelihood (Guo et al. 2017), and the lowest threshold at which 9 of 10 named maps are
    right.

    logits: (m, 5) of maps that the network did not see. Where no threshold does it, the highest is taken.
    """
    best = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[np.arange(len(true)), true].mean(), bounds=(0.3, 5), method="bounded"
    )
    probabilities = softmax(logits / best.x, axis=1)
    enough = [t for t in THRESHOLDS if named(probabilities, true, t).right >= NAMED_RIGHT]
    return Calibration(round(float(best.x), 3), float(min(enough, default=max(THRESHOLDS))))


def named(probabilities: Float64Array, true: Int64Array, threshold: float) -> Named:
    """Counts how many maps a threshold leaves with a name, and how many of those are right."""
    sure = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == true
    return Named(
        threshold, float(sure.mean()), float(right[sure].mean()) if sure.any() else float("nan"), int(sure.sum())
    )
