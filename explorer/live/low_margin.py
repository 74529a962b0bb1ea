"""bf16 for speed, fp32 for every example that bf16 cannot decide: the predictions are those of fp32 throughout.

A bf16 pass errs in the gap between two logits by some amount e, and by more under some masks than under others.
An example whose gap is wider than e cannot flip. So e is measured under the very mask, on the closest calls, which
are computed again in fp32; every example with a gap below `_SAFETY` times the largest error seen is computed again
too, until there is none left. What was measured in one shard counts in the next. Regression has no boundary: it is
computed in fp32 only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from explorer.arrays import Float32Array
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Engine, Prefix
from explorer.bert.precision import fast_dtype
from explorer.bert.shards import Shard, sub_shard
from explorer.mask import Mask

_SAFETY = 4.0
"""On the largest error among the examples that were computed twice."""
_FIRST_TOLERANCE = 0.02
"""Logits; below the largest error of most masks, so that the measured one decides."""
_AT_LEAST, _ENOUGH = 4, 16
"""Examples that are computed twice whatever their gap: so many of each shard, until there are enough of all shards."""


@dataclass(frozen=True)
class Trust:
    """How far off bf16 was under one mask, as far as it was measured."""

    measured: int = 0
    """Examples that were computed twice."""
    error: float = 0.0
    """The largest among them."""

    @property
    def tolerance(self) -> float:
        """Below this gap, an example is a close call."""
        return max(_FIRST_TOLERANCE, _SAFETY * self.error)

    def with_more(self, measured: int, error: float) -> Trust:
        """After so many more."""
        return Trust(self.measured + measured, max(self.error, error))


NO_TRUST = Trust()


@dataclass(frozen=True)
class Scored:
    """Logits (masks, n, n_outputs) of one shard, and how many of them were computed again in fp32."""

    logits: Float32Array
    rechecked: int
    trust: tuple[Trust, ...]
    """Of each mask, this shard included: for its next one."""


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

    def logits(
        self, shard: Shard, masks: tuple[Mask, ...], prefix: Prefix | None = None, trust: Sequence[Trust] | None = None
    ) -> Scored:
        """prefix: of the exact engine. trust: of each mask, from the shards before. Raises BadMask on a mask for
        another model."""
        logits = self.fast.logits_of_many(shard, masks, prefix)
        trusts = tuple(trust or (NO_TRUST,) * len(masks))
        if self.fast is self.exact:
            return Scored(logits, 0, trusts)
        after = tuple(
            self._recheck(shard, mask, prefix, of, known) for mask, of, known in zip(masks, logits, trusts, strict=True)
        )
        again = sum(new.measured - old.measured for new, old in zip(after, trusts, strict=True))
        return Scored(logits, again, after)

    def _recheck(self, shard: Shard, mask: Mask, prefix: Prefix | None, logits: Float32Array, trust: Trust) -> Trust:
        """Replaces the close calls among the logits (n, n_outputs) of a mask."""
        gaps = gap(logits)
        asked = gaps < trust.tolerance
        asked[np.argsort(gaps)[: max(0, min(_AT_LEAST, _ENOUGH - trust.measured))]] = True
        known = np.zeros(len(gaps), np.bool_)
        while asked.any():
            known |= asked
            (examples,) = np.nonzero(asked)
            part, part_prefix = sub_shard(shard, examples), prefix and prefix.of_rows(shard.rows_of(examples))
            exact = self.exact.logits(part, mask, part_prefix)
            trust = trust.with_more(len(examples), largest_gap_error(logits[examples], exact))
            logits[examples] = exact
            asked = ~known & (gaps < trust.tolerance)
        return trust


def gap(logits: Float32Array) -> Float32Array:
    """(n, k >= 2) to (n,): how far the second class is behind the first."""
    two = np.partition(logits, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def largest_gap_error(logits: Float32Array, exact: Float32Array) -> float:
    """The most that any difference of two classes' logits is off, over examples: (n, k) each."""
    error = logits - exact
    return float((error.max(axis=1) - error.min(axis=1)).max())
