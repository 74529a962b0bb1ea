"""The rule baseline: GUIDELINE.md's steps as thresholds on the hand-made features, fixed before any label was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.arrays import FloatArray, Int64Array
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.features import Features, features_of

MASS_OF_COLUMNS = 0.2
"""Share of the map's attention mass from which columns count: a fifth."""
HALF, TWO_THIRDS = 0.5, 2 / 3
SHORT = np.log(12)
SPOTS = 0.45
"""Share of visible cells elsewhere from which columns or diagonal are not what the map is about."""
BLOCK_CONTRAST, BLOCK_VARIANCE = 0.45, 0.2


def class_by_rules(features: Features) -> str:
    """Names one of CLASSES by the guideline's five steps."""
    most = TWO_THIRDS if features.log_length < SHORT else HALF
    columns = features.columns_counted > 0 and features.mass_of_columns >= MASS_OF_COLUMNS
    wide = features.best_band >= most and features.mass_near_diagonal > 0.15 and features.fall_off > 0.1
    diagonal = features.best_diagonal >= most or wide
    if columns and diagonal:
        return "vertical+diagonal"
    if (columns or diagonal) and features.visible_elsewhere < SPOTS:
        return "vertical" if columns else "diagonal"
    if features.block_contrast >= BLOCK_CONTRAST and features.block_variance >= BLOCK_VARIANCE:
        return "block"
    return "heterogeneous"


def classify_by_rules(maps: Sequence[FloatArray]) -> Int64Array:
    """Returns indices into CLASSES, (m,); raises BadRequest as features_of does."""
    return np.array([CLASSES.index(class_by_rules(features_of(weights))) for weights in maps], np.int64)
