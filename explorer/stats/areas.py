"""The area under a curve of scores against size; its intervals come from the draws of `stats.weighted`.

Examples are split into halves: each half is scored with what was measured on the other, and the two count alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import AnyArray, Float64Array, Int64Array
from explorer.glue.tasks import MetricName
from explorer.stats.weighted import weighted_scores


def cross_scores(
    metric: MetricName,
    predictions: AnyArray,
    labels: AnyArray,
    halves: Sequence[NDArray[np.integer]],
    weights: Float64Array,
) -> Float64Array:
    """Averages the metric over the halves, (R, S); arguments as `weighted_scores` and `draw_weights` have them."""
    each = [weighted_scores(metric, predictions[:, half], labels[half], weights[:, half]) for half in halves]
    return np.mean(each, axis=0)


def area_under(scores: Float64Array, sizes: Int64Array | None = None) -> Float64Array:
    """Averages scores over sizes by the trapezoid rule: (..., S) to (...). In the unit of the score.

    sizes: (S,), growing; without them, one apart.
    """
    steps = np.ones(scores.shape[-1] - 1) if sizes is None else np.diff(sizes)
    return np.asarray((scores[..., 1:] + scores[..., :-1]) @ steps / (2 * steps.sum()))
