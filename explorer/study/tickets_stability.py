"""How far the good tickets of a task's seeds agree, heads and MLPs together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explorer.mask import Mask
from explorer.stats.stability import Stability, stability
from explorer.tickets.criteria import kept_of


def stability_over_seeds(tickets: Mapping[int, Mask]) -> Stability:
    """Measures the stability of what seeds keep; raises BadRequest below two seeds."""
    return stability(np.array([kept_of(mask) for mask in tickets.values()], np.bool_).reshape(len(tickets), -1))
