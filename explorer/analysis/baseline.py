"""What a model that has learnt nothing scores: the line below which a score means nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadRequest
from explorer.glue.tasks import MetricName


def uninformed_score(metric: MetricName, labels: NDArray[np.float64]) -> float:
    """Accuracy of always naming the commonest of these labels (n,); 0 for correlations. Raises BadRequest on none."""
    if len(labels) == 0:
        raise BadRequest("There are no labels to find the commonest of.")
    if metric != "accuracy":
        return 0.0
    _, counts = np.unique(labels, return_counts=True)
    return float(counts.max() / len(labels))
