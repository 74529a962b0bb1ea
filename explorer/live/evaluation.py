"""What scoring a mask gives: a score after some shards, then the exact one. No torch: the app reads these too."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.arrays import BoolArray, Float32Array
from explorer.mask import Mask
from explorer.stats.intervals import Score
from explorer.stats.paired import PairedDifference


@dataclass(frozen=True)
class Partial:
    """Score of a mask after some of the shards."""

    done: int
    """Examples scored so far: a random sample of the split."""
    total: int
    score: Score
    """What the examples so far tell of the score on all of them, with an interval for it."""
    difference: PairedDifference
    """The score minus the full model's known one, with the same interval apart from that; p is of those so far."""
    covers: str = ""
    """What both intervals promise, for the screen: '95% over all looks'."""


@dataclass(frozen=True)
class Evaluation:
    """The exact score of a mask on all n examples."""

    mask: Mask
    score: float
    logits: Float32Array
    """(n, n_outputs) in the order of the split."""
    seconds: float
    """Seconds of computation; where several masks were scored at once, this mask's share."""
    rechecked: int = 0
    """Low-margin examples, which bf16 left undecided and fp32 decided."""
    exact: BoolArray | None = None
    """(n,): the examples whose logits are fp32's; None where that is not known."""
    corrected: int = 0
    """Predictions that a verification in fp32 changed."""

    @property
    def verified(self) -> bool:
        """Whether every logit was computed in fp32."""
        return self.exact is not None and bool(self.exact.all())
