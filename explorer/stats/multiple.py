"""Several tests at once."""

from __future__ import annotations

from collections.abc import Sequence


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
