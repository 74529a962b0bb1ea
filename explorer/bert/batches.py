"""Ragged examples to padded batches, as plain transformers wants them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from explorer.arrays import Int64Array
from explorer.glue.encoding import Encoded


@dataclass(frozen=True)
class Batch:
    """Padded examples on one device."""

    indices: Int64Array
    """(B,): positions in the split."""
    input_ids: torch.Tensor
    """(B, T)"""
    token_types: torch.Tensor
    """(B, T)"""
    attention_mask: torch.Tensor
    """(B, T): 1 for a token, 0 for padding."""


def pad(encoded: Encoded, indices: Int64Array, pad_id: int = 0, device: str = "cpu", *, multiple: int = 1) -> Batch:
    """Packs some examples into one batch, padded to the longest of them, rounded up to a multiple."""
    width = -(-int(encoded.lengths[indices].max()) // multiple) * multiple
    ids = np.full((len(indices), width), pad_id, np.int64)
    types = np.zeros_like(ids)
    attention = np.zeros_like(ids)
    for row, index in enumerate(indices):
        piece_ids, piece_types = encoded.example(int(index))
        ids[row, : len(piece_ids)] = piece_ids
        types[row, : len(piece_ids)] = piece_types
        attention[row, : len(piece_ids)] = 1
    tensors = (torch.from_numpy(array).to(device) for array in (ids, types, attention))
    return Batch(indices, *tensors)


def by_length(encoded: Encoded, batch_size: int, pad_id: int = 0, device: str = "cpu") -> Iterator[Batch]:
    """Yields all examples in batches, longest first, so that little is padding and memory peaks at the start."""
    order = np.argsort(-encoded.lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        yield pad(encoded, order[start : start + batch_size], pad_id, device)
