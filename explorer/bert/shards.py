"""Examples packed end to end, without padding, in shards that are each a fair sample of the split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.arrays import Int64Array
from explorer.glue.encoding import Encoded

_FIRST, _GROWTH = 1024, 2
"""Tokens of the first shard, few so that a first score comes soon, and how much larger each next one is."""


@dataclass(frozen=True)
class _Sizes:
    """Amount of work that a kind of device likes at once."""

    shard: int
    """Tokens of a shard."""
    bucket: int
    """Padded tokens of a bucket."""
    width_step: int
    """Attention pads to multiples of it."""


_PROCESSOR = _Sizes(shard=4096, bucket=1024, width_step=16)
"""What attention makes of a bucket stays in the cache; a softmax is over whole vector registers."""
_GPU = _Sizes(shard=65_536, bucket=65_536, width_step=64)
"""Few kernels, each large enough to be worth its launch."""


@dataclass(frozen=True)
class Bucket:
    """Examples of similar length, padded to one width inside attention only."""

    rows: slice
    """Where the bucket's tokens are among those of the shard."""
    examples: slice
    """Where the bucket's examples are among those of the shard."""
    width: int
    padded: Tensor
    """(examples, width): the row that stands at each place; padding repeats the example's first."""
    example: Tensor
    """(rows,): which of the bucket's examples each row belongs to."""
    position: Tensor
    """(rows,): the place of each row in its example."""
    bias: Tensor | None
    """(examples, 1, 1, width): 0 at tokens and -inf at padding; None where nothing is padded."""


@dataclass(frozen=True)
class Shard:
    """Some examples packed end to end, sorted by length."""

    indices: Int64Array
    """(n,): positions in the split."""
    input_ids: Tensor
    """(T,)"""
    token_types: Tensor
    """(T,)"""
    positions: Tensor
    """(T,)"""
    cls: Tensor
    """(n,): row of each example's [CLS]."""
    lengths: Int64Array
    """(n,): tokens of each example."""
    buckets: tuple[Bucket, ...]

    def rows_of(self, examples: Int64Array) -> Tensor:
        """Returns the rows of some of the shard's examples (0 to n - 1), in their order."""
        starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        rows = [np.arange(starts[i], starts[i] + self.lengths[i]) for i in examples]
        return torch.from_numpy(np.concatenate(rows)).to(self.cls.device)


def _sizes(device: str | torch.device) -> _Sizes:
    return _PROCESSOR if torch.device(device).type == "cpu" else _GPU


def shards_of(encoded: Encoded, tokens: int | None = None, *, seed: int = 0, device: str = "cpu") -> tuple[Shard, ...]:
    """Partitions the examples at random into shards of at most about `tokens` tokens; the first shards are smaller.

    Random, so that the first shards alone are already a fair sample of the split. tokens: by default as many as the
    device likes at once. device: where the shards are put.
    """
    tokens = tokens or _sizes(device).shard
    order = np.random.default_rng(seed).permutation(len(encoded))
    reached = np.cumsum(encoded.lengths[order])
    ends: list[int] = []
    size, target = min(_FIRST, tokens), 0
    while len(order) and target < reached[-1]:
        target += size
        ends.append(int(np.searchsorted(reached, target)) + 1)
        size = min(size * _GROWTH, tokens)
    parts = np.split(order, np.minimum(ends, len(order)))
    return tuple(shard_of(encoded, part, device) for part in parts if len(part))


def shard_of(encoded: Encoded, examples: Int64Array, device: str | torch.device = "cpu") -> Shard:
    """Packs some examples of the split into one shard."""
    examples = examples[np.argsort(encoded.lengths[examples], kind="stable")]
    packed = encoded.subset(examples)
    positions = np.concatenate([np.arange(length) for length in packed.lengths])
    ids, types, positions_, cls = (
        torch.from_numpy(array).to(device)
        for array in (packed.input_ids, packed.token_types, positions, packed.offsets[:-1].copy())
    )
    return Shard(examples, ids, types, positions_, cls, packed.lengths, tuple(_buckets(packed.lengths, device)))


def sub_shard(shard: Shard, examples: Int64Array) -> Shard:
    """Takes some of a shard's examples (0 to n - 1, ascending) as a shard; its indices stay the split's."""
    rows, lengths = shard.rows_of(examples), shard.lengths[examples]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    device = shard.cls.device
    return Shard(
        shard.indices[examples],
        shard.input_ids[rows],
        shard.token_types[rows],
        shard.positions[rows],
        torch.from_numpy(starts).to(device),
        lengths,
        tuple(_buckets(lengths, device)),
    )


def _buckets(lengths: Int64Array, device: str | torch.device) -> Sequence[Bucket]:
    sizes = _sizes(device)
    widths = -(-lengths // sizes.width_step) * sizes.width_step
    starts = np.concatenate([[0], np.cumsum(lengths)])
    buckets = []
    for width in np.unique(widths):
        (of_width,) = np.nonzero(widths == width)
        for part in np.array_split(of_width, -(-len(of_width) * width // sizes.bucket)):
            if len(part):
                buckets.append(_bucket(lengths, starts, int(part[0]), int(part[-1]) + 1, int(width), device))
    return buckets


def _bucket(
    lengths: Int64Array,
    starts: Int64Array,
    first: int,
    end: int,
    width: int,
    device: str | torch.device,
) -> Bucket:
    of, at = lengths[first:end], starts[first:end, None]
    there = np.arange(width) < of[:, None]  # (examples, width)
    rows = np.where(there, at + np.arange(width), at)
    example, position = np.nonzero(there)
    bias = None if there.all() else np.where(there, 0, -np.inf).astype(np.float32)[:, None, None]
    return Bucket(
        rows=slice(int(starts[first]), int(starts[end])),
        examples=slice(first, end),
        width=width,
        padded=torch.from_numpy(rows).to(device),
        example=torch.from_numpy(example).to(device),
        position=torch.from_numpy(position).to(device),
        bias=None if bias is None else torch.from_numpy(bias).to(device),
    )
