"""bf16 for speed, fp32 for every example that bf16 is measured not to decide: nearly always fp32's own predictions.

The logit margin of an example is the difference of its two largest logits. A bf16 pass is off in it by some amount e,
and by more under some masks than under others; an example whose margin is wider than e cannot flip. So e is measured
under the very mask, on the examples of lowest margin, which are computed again in fp32; every example with a margin
below `_SAFETY` times the largest error seen is computed again too, until there is none left. What was measured in one
shard counts in the next. Regression has no boundary: it is computed in fp32 only.

This is an estimate, not a proof: an error of more than `_SAFETY` times the largest that was measured goes unnoticed.
`Evaluator.verify` computes what is left in fp32 too, after which the predictions are fp32's whatever bf16 did.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from explorer.arrays import BoolArray, Float32Array, Int64Array
from explorer.bert.activations import ActivationCache
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Engine, Instead
from explorer.bert.precision import fast_dtype
from explorer.bert.shards import Shard, sub_shard
from explorer.mask import Mask

_SAFETY = 4.0
"""Factor on the largest error among the examples that were computed twice."""
_FIRST_TOLERANCE = 0.02
"""Logits; below the largest error of most masks, so that the measured one decides."""
_AT_LEAST, _ENOUGH = 4, 16
"""Examples of each shard that are computed twice whatever their margin, until there are enough of all shards."""


@dataclass(frozen=True)
class ErrorBound:
    """How far off bf16 was under one mask, as far as it was measured."""

    measured: int = 0
    """Examples that were computed twice."""
    error: float = 0.0
    """Largest error of a logit margin among them."""

    @property
    def tolerance(self) -> float:
        """Logit margin below which bf16 does not decide an example."""
        return max(_FIRST_TOLERANCE, _SAFETY * self.error)

    def with_more(self, measured: int, error: float) -> ErrorBound:
        """Returns the bound after `measured` more examples, of which `error` is the largest error."""
        return ErrorBound(self.measured + measured, max(self.error, error))


UNMEASURED = ErrorBound()


@dataclass(frozen=True)
class Scored:
    """Logits (masks, n, n_outputs) of one shard, and how many examples were computed again in fp32."""

    logits: Float32Array
    exact: BoolArray
    """(masks, n): which of them are fp32's."""
    rechecked: int
    bounds: tuple[ErrorBound, ...]
    """Error bound of each mask after this shard, to go on with in the next."""


class Scorer:
    """One classifier in the precision that is fast here, and in fp32. Read-only; safe to share among threads."""

    def __init__(self, classifier: Classifier, device: str = "cpu", *, dtype: torch.dtype | None = None) -> None:
        self.exact = Engine(classifier, device)
        wanted = fast_dtype(device) if dtype is None else dtype
        decides = classifier.n_outputs > 1
        self.fast = Engine(classifier, device, wanted) if decides and wanted != torch.float32 else self.exact

    def with_instead(self, instead: Instead) -> Scorer:
        """Makes a scorer of the same weights in which constants stand in for what is off. This one stays as it is.

        Raises BadRequest where they are of a model of another shape.
        """
        made = copy.copy(self)
        made.exact = self.exact.with_instead(instead)
        made.fast = made.exact if self.fast is self.exact else self.fast.with_instead(instead)
        return made

    @property
    def precision(self) -> str:
        """Name of the arithmetic: 'fp32', or 'bf16, close calls in fp32'. Stored scores are filed under it."""
        return "fp32" if self.fast is self.exact else "bf16, close calls in fp32"

    def logits(
        self,
        shard: Shard,
        masks: tuple[Mask, ...],
        cache: ActivationCache | None = None,
        bounds: Sequence[ErrorBound] | None = None,
    ) -> Scored:
        """Scores one shard under several masks, low-margin examples in fp32; says which logits are fp32's.

        cache: made by the exact engine. bounds: the error bound of each mask after the shards before; by default
        nothing was measured yet. Raises BadMask on a mask for another model.
        """
        logits = self.fast.logits_of_many(shard, masks, cache)
        before = tuple(bounds or (UNMEASURED,) * len(masks))
        if self.fast is self.exact:
            return Scored(logits, np.ones(logits.shape[:2], np.bool_), 0, before)
        exact = np.zeros(logits.shape[:2], np.bool_)
        after = tuple(
            self._recheck(shard, mask, cache, of, known, bound)
            for mask, of, known, bound in zip(masks, logits, exact, before, strict=True)
        )
        return Scored(logits, exact, int(exact.sum()), after)

    def in_fp32(
        self, shard: Shard, mask: Mask, cache: ActivationCache | None, logits: Float32Array, examples: Int64Array
    ) -> None:
        """Replaces, in place, the logits (n, n_outputs) of some of the shard's examples (0 to n - 1) by fp32's."""
        if len(examples) < len(logits):
            cache = cache and cache.of_rows(shard.rows_of(examples))
            shard = sub_shard(shard, examples)
        logits[examples] = self.exact.logits(shard, mask, cache)

    def _recheck(
        self,
        shard: Shard,
        mask: Mask,
        cache: ActivationCache | None,
        logits: Float32Array,
        known: BoolArray,
        bound: ErrorBound,
    ) -> ErrorBound:
        """Replaces, in place, the logits (n, n_outputs) of a mask's low-margin examples by those of fp32, and marks
        them in `known` (n,)."""
        margins = logit_margin(logits)
        asked = margins < bound.tolerance
        asked[np.argsort(margins)[: max(0, min(_AT_LEAST, _ENOUGH - bound.measured))]] = True
        while asked.any():
            known |= asked
            (examples,) = np.nonzero(asked)
            fast = logits[examples]
            self.in_fp32(shard, mask, cache, logits, examples)
            bound = bound.with_more(len(examples), largest_margin_error(fast, logits[examples]))
            asked = ~known & (margins < bound.tolerance)
        return bound


def logit_margin(logits: Float32Array) -> Float32Array:
    """Returns by how much the largest of k >= 2 logits leads the second: (n, k) to (n,)."""
    two = np.partition(logits, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def largest_margin_error(logits: Float32Array, exact: Float32Array) -> float:
    """Returns the most that any difference of two classes' logits is off, over examples; (n, k) each."""
    error = logits - exact
    return float((error.max(axis=1) - error.min(axis=1)).max())
