"""Attention over packed examples with a gradient of its own: padded inside, and only a bucket at a time.

The gradient is written out because autograd's of a gather is a scatter that adds, one row after the other; here every
row stands at one place only, so that the way back is a gather too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from explorer.bert.shards import Bucket, Shard


def attend(projected: Tensor, shard: Shard, n_heads: int, kept: Sequence[Tensor | None]) -> Tensor:
    """Queries, keys and values side by side, (T, 3 * k * d), to the contexts of k heads, (T, k * d).

    The query must be divided by sqrt(d) already. kept: for each bucket what multiplies its attention probabilities,
    (examples, k, width, width), or None where nothing is dropped.
    """
    contexts: Tensor = _Attention.apply(projected, shard, n_heads, tuple(kept))
    return contexts


def at_least_fp32(scores: Tensor) -> Tensor:
    """Converts bf16 to fp32, for a softmax, and leaves anything finer as it is."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


class _Attention(torch.autograd.Function):
    """softmax(q k^T) v of each head and example."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, shard: Shard, k: int, kept: tuple[Tensor | None, ...]) -> Tensor:
        d = projected.shape[1] // (3 * k)
        flat = projected.view(-1, d)  # (T * 3 * k, d)
        context = projected.new_empty((len(projected), k * d))
        saved: list[Tensor] = []
        for bucket, keep in zip(shard.buckets, kept, strict=True):
            query, key, value = (by_head := flat.index_select(0, _into(bucket, 3, k)).view(*_shape(bucket, 3, k), d))
            scores = at_least_fp32(query @ key.transpose(2, 3))
            if bucket.bias is not None:
                scores += bucket.bias
            probabilities = torch.softmax(scores, dim=-1).to(projected.dtype)
            read = (probabilities if keep is None else probabilities * keep) @ value
            context[bucket.rows] = read.view(-1, d).index_select(0, _back(bucket, 1, k)).view(-1, k * d)
            saved += [by_head, probabilities]
        ctx.save_for_backward(*saved)
        ctx.shard, ctx.k, ctx.kept = shard, k, kept
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        shard, k, kept, saved = ctx.shard, ctx.k, ctx.kept, ctx.saved_tensors
        d = gradient.shape[1] // k
        flat = gradient.contiguous().view(-1, d)  # (T * k, d)
        projected = gradient.new_empty((len(gradient), 3 * k * d))
        for number, (bucket, keep) in enumerate(zip(shard.buckets, kept, strict=True)):
            (query, key, value), probabilities = saved[2 * number], saved[2 * number + 1]
            read = flat.index_select(0, _into(bucket, 1, k)).view(*_shape(bucket, 1, k)[1:], d)
            if bucket.bias is not None:
                read *= (bucket.bias == 0).view(len(read), 1, -1, 1)  # nobody reads what padding reads
            by_head = torch.empty_like(saved[2 * number])
            of_probabilities = read @ value.transpose(2, 3)
            if keep is None:
                torch.matmul(probabilities.transpose(2, 3), read, out=by_head[2])
            else:
                of_probabilities *= keep
                torch.matmul((probabilities * keep).transpose(2, 3), read, out=by_head[2])
            of_scores = torch._softmax_backward_data(of_probabilities, probabilities, -1, probabilities.dtype)
            torch.matmul(of_scores, key, out=by_head[0])
            torch.matmul(of_scores.transpose(2, 3), query, out=by_head[1])
            projected[bucket.rows] = by_head.view(-1, d).index_select(0, _back(bucket, 3, k)).view(-1, 3 * k * d)
        return projected, None, None, None


def _shape(bucket: Bucket, parts: int, k: int) -> tuple[int, int, int, int]:
    return parts, len(bucket.padded), k, bucket.width


def _into(bucket: Bucket, parts: int, k: int) -> Tensor:
    """Where each part of each padded place lies in (T * parts * k, d)."""
    order = torch.arange(parts * k, device=bucket.padded.device).view(parts, 1, k, 1)
    return (bucket.padded[None, :, None] * (parts * k) + order).flatten()  # (parts, examples, k, width)


def _back(bucket: Bucket, parts: int, k: int) -> Tensor:
    """Where each part of each row lies in (parts * examples * k * width, d)."""
    device = bucket.padded.device
    order = torch.arange(parts, device=device)[:, None] * (len(bucket.padded) * k) + torch.arange(k, device=device)
    place = bucket.example[:, None, None] * k + order  # (rows, parts, k)
    return (place * bucket.width + bucket.position[:, None, None]).flatten()
