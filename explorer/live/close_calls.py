"""bf16 for speed, fp32 for every example that bf16 cannot decide: the predictions are those of fp32 throughout.

A bf16 pass errs in the gap between two logits by some amount e, and by more under some masks than under others.
An example whose gap is wider than e cannot flip. So e is measured under the very mask, on the closest calls, which
are computed again in fp32; every example with a gap below `_SAFETY` times the largest error seen is computed again
too, until there is none left. Regression has no boundary: it is computed in fp32 only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Engine, Prefix
from explorer.bert.precision import fast_dtype
from explorer.bert.shards import Shard, sub_shard
from explorer.mask import Mask

_SAFETY = 4.0
"""On the largest error among the examples that were computed twice."""
_FIRST_TOLERANCE = 0.02
"""Logits; below the largest error of most masks, so that the measured one decides."""
_AT_LEAST = 4
"""Examples of a shard that are computed twice whatever their gap, so that there is always a measured error."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scored:
    """Logits (masks, n, n_outputs) of one shard, and how many of them were computed again in fp32."""

    logits: Floats
    rechecked: int


class Scorer:
    """One classifier in the precision that is fast here, and in fp32. Read-only; safe to share among threads."""

    def __init__(self, classifier: Classifier, device: str = "cpu", *, dtype: torch.dtype | None = None) -> None:
        self.exact = Engine(classifier, device)
        wanted = fast_dtype(device) if dtype is None else dtype
        decides = classifier.n_outputs > 1
        self.fast = Engine(classifier, device, wanted) if decides and wanted != torch.float32 else self.exact

    @property
    def precision(self) -> str:
        """For provenance: 'fp32', or 'bf16, close calls in fp32'."""
        return "fp32" if self.fast is self.exact else "bf16, close calls in fp32"

    def logits(self, shard: Shard, masks: tuple[Mask, ...], prefix: Prefix | None = None) -> Scored:
        """Raises BadMask on a mask for another model. prefix: of the exact engine."""
        logits = self.fast.logits_of_many(shard, masks, prefix)
        if self.fast is self.exact:
            return Scored(logits, 0)
        rechecked = sum(self._recheck(shard, mask, prefix, of) for mask, of in zip(masks, logits, strict=True))
        return Scored(logits, rechecked)

    def _recheck(self, shard: Shard, mask: Mask, prefix: Prefix | None, logits: Floats) -> int:
        """Replaces the close calls among the logits (n, n_outputs) of a mask; returns how many."""
        gaps = gap(logits)
        tolerance, known = _FIRST_TOLERANCE, np.zeros(len(gaps), np.bool_)
        known[np.argsort(gaps)[:_AT_LEAST]] = True
        asked = known | (gaps < tolerance)
        while asked.any():
            known |= asked
            (examples,) = np.nonzero(asked)
            part, part_prefix = sub_shard(shard, examples), prefix and prefix.of_rows(shard.rows_of(examples))
            exact = self.exact.logits(part, mask, part_prefix)
            tolerance = max(tolerance, _SAFETY * largest_gap_error(logits[examples], exact))
            logits[examples] = exact
            asked = ~known & (gaps < tolerance)
        return int(known.sum())


def gap(logits: Floats) -> Floats:
    """(n, k >= 2) to (n,): how far the second class is behind the first."""
    two = np.partition(logits, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def largest_gap_error(logits: Floats, exact: Floats) -> float:
    """The most that any difference of two classes' logits is off, over examples: (n, k) each."""
    error = logits - exact
    return float((error.max(axis=1) - error.min(axis=1)).max())
