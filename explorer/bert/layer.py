"""One encoder layer under a mask, on packed examples: nothing is computed for heads and MLPs that are off.

Shapes: T tokens of n examples packed end to end, D hidden size, H heads of width d = D / H, k <= H heads in use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.arrays import BoolArray
from explorer.bert.shards import Bucket, Shard


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights of one encoder layer, all of one dtype; the head axis leads where a mask selects heads."""

    qkv: Tensor
    """(3, H, d, D): query, key and value; the query is already divided by sqrt(d)."""
    qkv_bias: Tensor
    """(3, H, d): biases of the three; the query's is divided by sqrt(d) too."""
    out: Tensor
    """(D, H, d)"""
    out_bias: Tensor
    attention_norm: tuple[Tensor, Tensor]
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor
    output_norm: tuple[Tensor, Tensor]
    activation: Callable[[Tensor], Tensor]
    eps: float
    """Epsilon of both LayerNorms."""
    heads_off: Tensor | None = None
    """(H, D): what is added to the attention's output in the place of each head that is off; None for nothing."""
    mlp_off: Tensor | None = None
    """(D,): what is added in the place of the MLP where it is off; None for nothing."""

    @property
    def all_heads(self) -> BoolArray:
        """Selection (H,) that keeps every head."""
        return np.ones(self.qkv.shape[1], np.bool_)

    def forward(self, hidden: Tensor, shard: Shard, heads: BoolArray, mlp: bool) -> Tensor:
        """Runs the layer on the hidden states (T, D) with some of its heads, with or without its MLP."""
        context = self.context(hidden, shard, heads)
        return self.after_mlp(self.after_attention(context, heads, heads, hidden), mlp)

    def context(self, hidden: Tensor, shard: Shard, heads: BoolArray) -> Tensor:
        """Computes the contexts of k heads side by side: (T, D) to (T, k * d)."""
        qkv, bias = self._selected(heads)
        k, d = qkv.shape[1], qkv.shape[2]
        if not k:
            return hidden.new_empty((len(hidden), 0))
        projected = functional.linear(hidden, qkv.flatten(0, 2), bias.flatten()).view(-1, d)  # (T * 3 * k, d)
        context = torch.empty((len(hidden), k * d), dtype=hidden.dtype, device=hidden.device)
        parts, of_heads = (torch.arange(many, device=hidden.device) for many in (3 * k, k))
        for bucket in shard.buckets:
            # one gather pads and brings the heads to the front, one scatter undoes both
            into = bucket.padded[None, :, None] * (3 * k) + parts.view(3, 1, k, 1)  # (3, examples, k, width)
            by_head = projected.index_select(0, into.flatten()).view(*into.shape, d)
            query, key, value = by_head
            read = _softmax(query @ key.transpose(2, 3), bucket) @ value  # (examples, k, width, d)
            back = (bucket.example[:, None] * k + of_heads) * bucket.width + bucket.position[:, None]  # (rows, k)
            torch.index_select(read.view(-1, d), 0, back.flatten(), out=context[bucket.rows].view(-1, d))
        return context

    def cls_context(self, hidden: Tensor, shard: Shard, heads: BoolArray) -> Tensor:
        """Computes the contexts of k heads for [CLS] alone, (T, D) to (n, k * d), without keys or values of any token.

        q . (W_k x + b_k) = (W_k^T q) . x + a constant that softmax ignores, and sum_j alpha_j (W_v x_j + b_v) =
        W_v sum_j alpha_j x_j + b_v: one vector of width D a head and example instead of two projections a token.
        """
        qkv, bias = self._selected(heads)
        k, d = qkv.shape[1], qkv.shape[2]
        n = len(shard.cls)
        if not k:
            return hidden.new_empty((n, 0))
        query = functional.linear(hidden[shard.cls], qkv[0].flatten(0, 1), bias[0].flatten()).unflatten(-1, (k, d))
        asked = torch.bmm(query.transpose(0, 1), qkv[1]).transpose(0, 1)  # (k, n, d) x (k, d, D) -> (n, k, D)
        mixed = torch.empty_like(asked, memory_format=torch.contiguous_format)
        for bucket in shard.buckets:
            states = hidden[bucket.rows] if bucket.bias is None else hidden.index_select(0, bucket.padded.flatten())
            states = states.view(-1, bucket.width, hidden.shape[1])  # (examples, width, D)
            scores = asked[bucket.examples] @ states.transpose(1, 2)  # (examples, k, width)
            mixed[bucket.examples] = _softmax(scores[:, :, None], bucket)[:, :, 0] @ states
        read = torch.bmm(mixed.transpose(0, 1), qkv[2].transpose(1, 2))  # (k, n, D) x (k, D, d) -> (k, n, d)
        return (read.transpose(0, 1) + bias[2]).flatten(1)

    def after_attention(self, context: Tensor, computed: BoolArray, kept: BoolArray, residual: Tensor) -> Tensor:
        """Projects the contexts, adds the residual and normalises. Of the `computed` heads, some are `kept`."""
        residual, bias = residual.to(self.out.dtype), self.out_bias
        if self.heads_off is not None and not kept.all():
            bias = bias + self.heads_off[_index(~kept, self.heads_off)].sum(dim=0)
        if not kept.any():
            attended = bias.expand_as(residual)  # the bias stays even when every head is off
        else:
            out = self.out if computed.all() else self.out[:, _index(computed, self.out)]
            if (kept != computed).any():  # a small weight is zeroed rather than a long context copied
                out = out * torch.from_numpy(kept[computed]).to(out)[:, None]
            attended = functional.linear(context, out.flatten(1), bias)
        return layer_norm(attended + residual, self.attention_norm, self.eps)

    def after_mlp(self, hidden: Tensor, mlp: bool) -> Tensor:
        """Applies the MLP, or what stands in for it where it is off, adds the residual and normalises."""
        if not mlp:
            instead = hidden if self.mlp_off is None else hidden + self.mlp_off
            return layer_norm(instead, self.output_norm, self.eps)
        return layer_norm(self.mlp(hidden) + hidden, self.output_norm, self.eps)

    def mlp(self, hidden: Tensor) -> Tensor:
        """Computes the MLP's output (T, D), before the residual is added."""
        wide = self.activation(functional.linear(hidden, self.up, self.up_bias))
        return functional.linear(wide, self.down, self.down_bias)

    def _selected(self, heads: BoolArray) -> tuple[Tensor, Tensor]:
        if heads.all():
            return self.qkv, self.qkv_bias
        index = _index(heads, self.qkv)
        return self.qkv[:, index], self.qkv_bias[:, index]


def layer_norm(hidden: Tensor, norm: tuple[Tensor, Tensor], eps: float) -> Tensor:
    """Normalises over the last axis with a LayerNorm's weight and bias."""
    return functional.layer_norm(hidden, hidden.shape[-1:], *norm, eps)


def _softmax(scores: Tensor, bucket: Bucket) -> Tensor:
    """Softmax over keys, in fp32 whatever the dtype: (examples, k, queries, width)."""
    exact = scores.float()
    if bucket.bias is not None:
        exact += bucket.bias
    return torch.softmax(exact, dim=-1).to(scores.dtype)


def _index(heads: BoolArray, like: Tensor) -> Tensor:
    return torch.from_numpy(np.flatnonzero(heads)).to(like.device)
