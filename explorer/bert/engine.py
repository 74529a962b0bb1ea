"""The masked forward pass, fast and pure: weights in, examples in, mask in, logits out.

No padding (examples of equal length attend together), no hooks (the mask travels with the call, so that
many threads may share one engine), nothing computed for what is switched off, the last layer for [CLS] alone,
and nothing below the lowest switched-off part computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers.activations import ACT2FN

from explorer.bert.checkpoints import Classifier
from explorer.errors import BadMask
from explorer.glue.encoding import Encoded
from explorer.mask import Mask


@dataclass(frozen=True)
class Shard:
    """Some examples packed end to end, sorted by length."""

    indices: NDArray[np.int64]
    """(n,): positions in the split."""
    input_ids: Tensor
    """(T,)"""
    token_types: Tensor
    """(T,)"""
    positions: Tensor
    """(T,)"""
    cls: Tensor
    """(n,): row of each example's [CLS]."""
    groups: tuple[tuple[int, int], ...]
    """(examples, length) of each run of equal lengths."""


@dataclass(frozen=True)
class Layer:
    """One layer's weights; heads lead where a mask selects them."""

    qkv: Tensor
    """(3, H, d, D)"""
    qkv_bias: Tensor
    """(3, H, d)"""
    out: Tensor
    """(D, H, d)"""
    out_bias: Tensor
    attention_norm: tuple[Tensor, Tensor]
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor
    output_norm: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Prefix:
    """The hidden states that enter each layer under the full mask, (T, D) each, for one shard."""

    inputs: tuple[Tensor, ...]


def shards_of(encoded: Encoded, tokens: int = 8192, *, seed: int = 0, device: str = "cpu") -> tuple[Shard, ...]:
    """A random partition of the examples into shards of about that many word pieces.

    Random, so that the first shard alone is already a fair sample of the split.
    """
    order = np.random.default_rng(seed).permutation(len(encoded))
    total = int(encoded.lengths.sum())
    parts = max(1, round(total / tokens))
    return tuple(_shard(encoded, part, device) for part in np.array_split(order, parts) if len(part))


def _shard(encoded: Encoded, part: NDArray[np.int64], device: str) -> Shard:
    part = part[np.argsort(encoded.lengths[part], kind="stable")]
    packed = encoded.subset(part)
    lengths, counts = np.unique(packed.lengths, return_counts=True)
    positions = np.concatenate([np.arange(length) for length in packed.lengths])
    ids, types, positions_, cls = (
        torch.from_numpy(array).to(device)
        for array in (packed.input_ids, packed.token_types, positions, packed.offsets[:-1].copy())
    )
    groups = tuple((int(count), int(length)) for length, count in zip(lengths, counts, strict=True))
    return Shard(part, ids, types, positions_, cls, groups)


class Engine:
    """Read-only weights of one classifier, laid out for masked forward passes. Safe to share among threads."""

    def __init__(self, classifier: Classifier, device: str = "cpu") -> None:
        config = classifier.model.config
        self.n_layers, self.n_heads, self.n_outputs = (
            classifier.n_layers,
            classifier.n_heads,
            classifier.n_outputs,
        )
        self.eps = float(config.layer_norm_eps)
        self.activation = ACT2FN[config.hidden_act]
        state = {name: tensor.to(device) for name, tensor in classifier.model.state_dict().items()}
        self._state = state
        self.layers = tuple(self._layer(f"bert.encoder.layer.{i}.") for i in range(self.n_layers))

    def _layer(self, at: str) -> Layer:
        state, heads = self._state, self.n_heads
        attention = [f"{at}attention.self.{name}." for name in ("query", "key", "value")]
        return Layer(
            qkv=torch.stack([state[name + "weight"].unflatten(0, (heads, -1)) for name in attention]),
            qkv_bias=torch.stack([state[name + "bias"].unflatten(0, (heads, -1)) for name in attention]),
            out=state[at + "attention.output.dense.weight"].unflatten(1, (heads, -1)),
            out_bias=state[at + "attention.output.dense.bias"],
            attention_norm=self._norm(at + "attention.output.LayerNorm"),
            up=state[at + "intermediate.dense.weight"],
            up_bias=state[at + "intermediate.dense.bias"],
            down=state[at + "output.dense.weight"],
            down_bias=state[at + "output.dense.bias"],
            output_norm=self._norm(at + "output.LayerNorm"),
        )

    def _norm(self, at: str) -> tuple[Tensor, Tensor]:
        return self._state[at + ".weight"], self._state[at + ".bias"]

    def _normalise(self, hidden: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return functional.layer_norm(hidden, hidden.shape[-1:], *norm, self.eps)

    def check(self, mask: Mask) -> None:
        """Raises BadMask where the mask is not for this model."""
        if mask.heads.shape != (self.n_layers, self.n_heads):
            raise BadMask(
                f"A mask of {mask.n_layers} layers x {mask.n_heads} heads does not fit a model of "
                f"{self.n_layers} layers x {self.n_heads} heads.",
                "Is it a mask for another model?",
            )

    @torch.inference_mode()
    def embed(self, shard: Shard) -> Tensor:
        """(T, D): what enters layer 0."""
        at = "bert.embeddings."
        summed = (
            functional.embedding(shard.input_ids, self._state[at + "word_embeddings.weight"])
            + functional.embedding(shard.token_types, self._state[at + "token_type_embeddings.weight"])
            + functional.embedding(shard.positions, self._state[at + "position_embeddings.weight"])
        )
        return self._normalise(summed, self._norm(at + "LayerNorm"))

    @torch.inference_mode()
    def prefix(self, shard: Shard) -> Prefix:
        """The full mask's hidden states, to be reused below whatever a mask switches off."""
        inputs = [self.embed(shard)]
        everything = np.arange(self.n_heads)
        for layer in self.layers[:-1]:
            inputs.append(self._run_layer(layer, inputs[-1], shard, everything, True, False))
        return Prefix(tuple(inputs))

    @torch.inference_mode()
    def logits(self, shard: Shard, mask: Mask, prefix: Prefix | None = None) -> NDArray[np.float32]:
        """(n, n_outputs), in the shard's order, fp32. Raises BadMask on a mask for another model."""
        self.check(mask)
        start = 0
        if prefix is None:
            hidden = self.embed(shard)
        else:
            start = lowest_changed_layer(mask)
            hidden = prefix.inputs[start]
        for number in range(start, self.n_layers):
            kept = np.flatnonzero(mask.heads[number])
            last = number == self.n_layers - 1
            hidden = self._run_layer(self.layers[number], hidden, shard, kept, bool(mask.mlps[number]), last)
        pooled = torch.tanh(
            functional.linear(hidden, self._state["bert.pooler.dense.weight"], self._state["bert.pooler.dense.bias"])
        )
        logits = functional.linear(pooled, self._state["classifier.weight"], self._state["classifier.bias"])
        return np.asarray(logits.cpu().numpy(), np.float32)

    def _run_layer(
        self,
        layer: Layer,
        hidden: Tensor,
        shard: Shard,
        kept: NDArray[np.int64],
        mlp: bool,
        cls_only: bool,
    ) -> Tensor:
        """(T, D) to (T, D), or to (n, D) where only [CLS] is wanted."""
        residual = hidden[shard.cls] if cls_only else hidden
        attended = layer.out_bias.expand_as(residual)  # the bias stays even when every head is off
        if len(kept):
            context = self._context(layer, hidden, residual, shard, kept, cls_only)
            out = layer.out if len(kept) == self.n_heads else layer.out[:, torch.from_numpy(kept)]
            attended = functional.linear(context, out.flatten(1), layer.out_bias)
        middle = self._normalise(attended + residual, layer.attention_norm)
        if not mlp:
            return self._normalise(middle, layer.output_norm)
        wide = self.activation(functional.linear(middle, layer.up, layer.up_bias))
        return self._normalise(functional.linear(wide, layer.down, layer.down_bias) + middle, layer.output_norm)

    def _context(
        self,
        layer: Layer,
        hidden: Tensor,
        residual: Tensor,
        shard: Shard,
        kept: NDArray[np.int64],
        cls_only: bool,
    ) -> Tensor:
        """The kept heads' context vectors side by side: (T, k * d), or (n, k * d) for [CLS] only."""
        qkv, bias = layer.qkv, layer.qkv_bias
        if len(kept) < self.n_heads:
            index = torch.from_numpy(kept).to(qkv.device)
            qkv, bias = qkv[:, index], bias[:, index]
        k, d = qkv.shape[1], qkv.shape[2]
        if cls_only:
            query = functional.linear(residual, qkv[0].flatten(0, 1), bias[0].flatten())
            key_value = functional.linear(hidden, qkv[1:].flatten(0, 2), bias[1:].flatten())
            key, value = key_value.unflatten(-1, (2, k, d)).unbind(1)  # (T, k, d) each
            query = query.unflatten(-1, (k, d))  # (n, k, d)
        else:
            projected = functional.linear(hidden, qkv.flatten(0, 2), bias.flatten())
            query, key, value = projected.unflatten(-1, (3, k, d)).unbind(1)  # (T, k, d) each
        context = torch.empty_like(query, memory_format=torch.contiguous_format)
        row = q_row = 0
        for count, length in shard.groups:
            q_length = 1 if cls_only else length
            rows, q_rows = slice(row, row + count * length), slice(q_row, q_row + count * q_length)
            attended = functional.scaled_dot_product_attention(
                query[q_rows].unflatten(0, (count, q_length)).transpose(1, 2),  # (count, k, q, d)
                key[rows].unflatten(0, (count, length)).transpose(1, 2),
                value[rows].unflatten(0, (count, length)).transpose(1, 2),
            )
            context[q_rows] = attended.transpose(1, 2).flatten(0, 1)
            row, q_row = rows.stop, q_rows.stop
        return context.flatten(1)


def lowest_changed_layer(mask: Mask) -> int:
    """The first layer in which anything is switched off; the last one for the full mask."""
    changed = ~(mask.heads.all(axis=1) & mask.mlps)
    return int(np.argmax(changed)) if changed.any() else mask.n_layers - 1


def all_logits(
    engine: Engine, shards: Sequence[Shard], mask: Mask, prefixes: Sequence[Prefix] | None = None
) -> NDArray[np.float32]:
    """(n, n_outputs) in the split's own order."""
    n = sum(len(shard.indices) for shard in shards)
    logits = np.zeros((n, engine.n_outputs), np.float32)
    for number, shard in enumerate(shards):
        logits[shard.indices] = engine.logits(shard, mask, prefixes[number] if prefixes else None)
    return logits
