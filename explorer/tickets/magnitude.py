"""Magnitude pruning: remove the smallest weights of the whole encoder, a tenth of what is left at each step.

Prasanna et al. 2020, section 3.3: global, unstructured, iterative. Prunable are the weights and biases of query,
key, value, attention output and intermediate, and the weight of the MLP's output, but not its bias.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.arrays import AnyArray, BoolArray, Float64Array, Uint8Array
from explorer.bert.packing import Weights
from explorer.errors import BadMask, BadRequest
from explorer.tickets.structured import THRESHOLD, threshold_of

STEP_SHARE = 0.1
"""Share of the weights left that each step removes."""
MAX_STEPS = 10
_PRUNABLE = re.compile(
    r"bert\.encoder\.layer\.(\d+)\.("
    r"(attention\.self\.(query|key|value)|attention\.output\.dense|intermediate\.dense)\.(weight|bias)"
    r"|output\.dense\.weight)"
)
Keys = Mapping[str, AnyArray]


@dataclass(frozen=True, eq=False)
class WeightMask:
    """Which weights are kept, by name, a bit each: 1 = kept, in numpy.packbits order. Compares by value."""

    bits: Mapping[str, Uint8Array]
    """Name -> (ceil(size / 8),) packed bits, as stored in a bundle. Read only."""
    shapes: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        if self.bits.keys() != self.shapes.keys() or not self.bits:
            raise BadMask("A weight mask needs bits and a shape for every weight.")
        for name, bits in self.bits.items():
            size = int(np.prod(self.shapes[name]))
            if bits.dtype != np.uint8 or bits.shape != (-(-size // 8),) or (size % 8 and bits[-1] & (0xFF >> size % 8)):
                raise BadMask(f"The mask of {name} does not have {size} bits.", "Is it for another model?")

    @classmethod
    def from_kept(cls, kept: Mapping[str, BoolArray]) -> WeightMask:
        """Packs a mask from name -> bool array in the weight's shape, True = kept."""
        return cls(
            {name: np.packbits(array) for name, array in kept.items()},
            {name: array.shape for name, array in kept.items()},
        )

    @classmethod
    def full(cls, weights: Weights) -> WeightMask:
        """All prunable weights of a BERT, kept; raises BadRequest where there are none."""
        kept = {name: np.ones(array.shape, np.bool_) for name, array in weights.items() if _PRUNABLE.fullmatch(name)}
        if not kept:
            raise BadRequest("These weights hold no BERT encoder to prune.")
        return cls.from_kept(kept)

    def kept(self, name: str) -> BoolArray:
        """The mask of one weight, in its shape: True = kept."""
        shape = self.shapes[name]
        return np.unpackbits(self.bits[name], count=int(np.prod(shape))).astype(np.bool_).reshape(shape)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the masked weights, sorted."""
        return tuple(sorted(self.bits))

    @property
    def n_weights(self) -> int:
        """Prunable weights, kept or not."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    @property
    def n_kept(self) -> int:
        """Weights that are kept."""
        return sum(int(np.bitwise_count(bits).sum()) for bits in self.bits.values())

    @property
    def sha256(self) -> str:
        """Hash of names, shapes and bits."""
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(f"{name}{self.shapes[name]}".encode() + self.bits[name].tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WeightMask):
            return NotImplemented
        return self.shapes == other.shapes and all(np.array_equal(self.bits[n], other.bits[n]) for n in self.bits)

    def __hash__(self) -> int:
        return hash(self.sha256)


@dataclass(frozen=True)
class WeightStep:
    """One step: what was tried and what it scored."""

    number: int
    """0 is the full model."""
    mask: WeightMask
    score: float
    held: bool
    """Whether the score stayed at or above the threshold."""


def prune_weights(
    score: Callable[[WeightMask], float],
    weights: Weights,
    *,
    done: Sequence[WeightStep] = (),
    share: float = THRESHOLD,
    step_share: float = STEP_SHARE,
    max_steps: int = MAX_STEPS,
) -> Iterator[WeightStep]:
    """The steps of a run, each as soon as it is known; those in `done` are not computed again.

    Each removes the smallest |w| of all that are left; ends with the first step that does not hold, or the
    last one. `weights`: the fine-tuned model's. Raises BadRequest where a weight is not finite.
    """
    if not 0 < step_share < 1 or max_steps < 0:
        raise BadRequest("A step removes a share between 0 and 1, and there are 0 steps or more.")
    steps = list(done)
    if not steps:
        full = WeightMask.full(weights)
        steps.append(WeightStep(0, full, score(full), True))
        yield steps[0]
    limit = threshold_of(steps[0].score, share)
    while steps[-1].held and steps[-1].number < max_steps:
        current = steps[-1].mask
        many = min(current.n_kept, max(1, round(step_share * current.n_kept)))
        if many == 0:
            return
        candidate = without_lowest(current, _magnitudes(weights, current), many)
        value = score(candidate)
        steps.append(WeightStep(len(steps), candidate, value, value >= limit))
        yield steps[-1]


def weight_ticket(steps: Sequence[WeightStep]) -> WeightMask:
    """The good subnetwork: the last mask that held; raises BadRequest where there is none."""
    held = [step.mask for step in steps if step.held]
    if not held:
        raise BadRequest("The trajectory has no step that held.", "Run the pruning first.")
    return held[-1]


def bad_weights(weights: Weights, good: WeightMask) -> WeightMask:
    """Removes as many weights as `good` removes, but those of LARGEST magnitude."""
    full = WeightMask.full(weights)
    lowest = {name: -array for name, array in _magnitudes(weights, full).items()}
    return without_lowest(full, lowest, good.n_weights - good.n_kept)


def random_weights(good: WeightMask, seed: int) -> WeightMask:
    """Removes as many weights as `good` removes, drawn over all prunable weights with the seed."""
    if seed < 0:
        raise BadRequest(f"A seed cannot be negative, as {seed} is.")
    rng = np.random.default_rng(seed)
    full = WeightMask.from_kept({name: np.ones(good.shapes[name], np.bool_) for name in good.names})
    keys = {name: rng.random(good.shapes[name], np.float32) for name in good.names}
    return without_lowest(full, keys, good.n_weights - good.n_kept)


def without_lowest(mask: WeightMask, keys: Keys, many: int) -> WeightMask:
    """Removes from `mask` exactly `many` of the weights it keeps: those of lowest key (name -> array in its shape).

    Ties go to the first by name, then by position. Raises BadRequest where fewer than `many` are kept.
    """
    kept = {name: mask.kept(name) for name in mask.names}
    if not 0 <= many <= mask.n_kept:
        raise BadRequest(f"{many} weights cannot be removed where {mask.n_kept} are left.")
    if many == 0:
        return mask
    limit = np.partition(np.concatenate([keys[name][kept[name]] for name in mask.names]), many - 1)[many - 1]
    left = many - sum(int((keys[name][kept[name]] < limit).sum()) for name in mask.names)
    for name in mask.names:
        flat, values = kept[name].ravel(), keys[name].ravel()
        ties = np.flatnonzero(flat & (values == limit))[:left]
        flat &= values >= limit
        flat[ties] = False
        left -= len(ties)
    return WeightMask.from_kept(kept)


def apply(weights: Weights, mask: WeightMask) -> Weights:
    """Zeroes the pruned weights in a new dict; arrays that lose nothing are shared with `weights`.

    Raises BadMask where the mask is for a model of other names or shapes.
    """
    for name in mask.names:
        if name not in weights or weights[name].shape != tuple(mask.shapes[name]):
            raise BadMask(f"The weight mask does not fit the model: {name} differs.", "Is it for another model?")
    new = dict(weights)
    for name in mask.names:
        kept = mask.kept(name)
        if not kept.all():
            new[name] = np.where(kept, weights[name], np.zeros((), weights[name].dtype))
    return new


def surviving_share(mask: WeightMask, n_heads: int) -> tuple[Float64Array, Float64Array]:
    """Share of each head's (L, H) and each MLP's (L,) weights that survive, 0 to 1: the paper's heatmaps.

    A head's are its rows of query, key and value with their biases and its columns of the attention output,
    whose bias belongs to no head; an MLP's are all its prunable ones. Raises BadMask where heads do not fit.
    """
    layers = sorted({int(match[1]) for name in mask.names if (match := _PRUNABLE.fullmatch(name))})
    heads, mlps = np.zeros((len(layers), n_heads)), np.zeros(len(layers))
    for row, layer in enumerate(layers):
        stem = f"bert.encoder.layer.{layer}"
        outputs = mask.kept(f"{stem}.attention.output.dense.weight").T  # (H * d, D): a head's columns as rows
        if n_heads < 1 or len(outputs) % n_heads:
            raise BadMask(f"{len(outputs)} dimensions cannot be split into {n_heads} heads.")
        rows = [outputs]
        for part in ("query", "key", "value"):
            rows.append(mask.kept(f"{stem}.attention.self.{part}.weight"))
            rows.append(mask.kept(f"{stem}.attention.self.{part}.bias")[:, None])
        heads[row] = np.concatenate(rows, axis=1).reshape(n_heads, -1).mean(axis=1)
        parts = ("intermediate.dense.weight", "intermediate.dense.bias", "output.dense.weight")
        mlps[row] = np.concatenate([mask.kept(f"{stem}.{part}").ravel() for part in parts]).mean()
    return heads, mlps


def _magnitudes(weights: Weights, mask: WeightMask) -> dict[str, AnyArray]:
    keys = {name: np.abs(weights[name]) for name in mask.names}
    for name, array in keys.items():
        if not np.isfinite(array).all():
            raise BadRequest(f"The weight {name} is not finite.", "Check the checkpoint.")
    return keys
