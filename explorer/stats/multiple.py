"""Several tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.arrays import AnyArray, Int64Array

RATE = 0.05
"""Share of false ones among parts, pairs and masks that are shown as beyond noise."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's p-values: among all of them, one below a threshold comes by chance with no more than that probability.

    Needs no independence (Holm 1979). In the order given; [] for none.
    """
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(list(p_values), method="holm")[1]]


def false_discovery(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's (1995) p-values: of those below a threshold, no larger share is false on average.

    Holds for tests that are independent or lean the same way. In the order given; [] for none.
    """
    if not len(p_values):
        return []
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(list(p_values), method="bh")]


def surest_first(value: AnyArray, q: AnyArray) -> Int64Array:
    """Orders values (m,) by their p-values (m,), the smallest first; of equal ones the value farthest from 0."""
    return np.lexsort((-np.abs(value), q)).astype(np.int64)
