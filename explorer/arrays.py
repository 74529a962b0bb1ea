"""Names for the array types of signatures, each by its dtype; shapes stand in the docstrings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
Uint8Array = NDArray[np.uint8]
Int64Array = NDArray[np.int64]
Float16Array = NDArray[np.float16]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
FloatArray = NDArray[np.floating[Any]]
"""Floats of any width."""
AnyArray = NDArray[Any]
"""Numbers or classes of any dtype."""
