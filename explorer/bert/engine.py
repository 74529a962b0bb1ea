"""The masked forward pass, fast and pure: weights in, examples in, masks in, logits out.

No padding but inside attention, no hooks (masks travel with the call, so that many threads may share one engine),
nothing computed for what is switched off, the last layer for [CLS] alone, nothing below the lowest switched-off
part computed twice, and of masks scored together only what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers.activations import ACT2FN

from explorer.arrays import BoolArray, Float32Array
from explorer.bert.checkpoints import Classifier
from explorer.bert.shards import Bucket, Shard
from explorer.errors import BadMask
from explorer.mask import Mask

ENGINE_VERSION = "3"
"""Counts up whenever a logit may come out differently: stored scores are only as good as the engine they name."""


@dataclass(frozen=True)
class Layer:
    """One layer's weights; heads lead where a mask selects them."""

    qkv: Tensor
    """(3, H, d, D): the query's already divided by sqrt(d)."""
    qkv_bias: Tensor
    """(3, H, d): likewise."""
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
    """What the full mask leaves in one shard, to start from wherever a mask first departs from it."""

    inputs: tuple[Tensor | None, ...]
    """What enters each layer, (T, D); None where it was not kept, to save memory."""
    contexts: tuple[Tensor | None, ...]
    """All heads' contexts side by side, (T, D), of [CLS] alone in the last layer (n, D)."""

    def of_rows(self, rows: Tensor) -> Prefix:
        """The same for some of the word pieces, without the contexts."""
        inputs = tuple(None if kept is None else kept[rows] for kept in self.inputs)
        return Prefix(inputs, (None,) * len(inputs))

    @property
    def n_bytes(self) -> int:
        """Of memory."""
        return sum(kept.nbytes for kept in (*self.inputs, *self.contexts) if kept is not None)


class Engine:
    """Read-only weights of one classifier, laid out for masked forward passes. Safe to share among threads.

    dtype: of the encoder; the embeddings and the head stay fp32, and so does the softmax.
    """

    def __init__(self, classifier: Classifier, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        config = classifier.model.config
        self.n_layers, self.n_heads, self.n_outputs = (
            classifier.n_layers,
            classifier.n_heads,
            classifier.n_outputs,
        )
        self.eps = float(config.layer_norm_eps)
        self.activation = ACT2FN[config.hidden_act]
        self.dtype = dtype
        self._state = {name: tensor.to(device) for name, tensor in classifier.model.state_dict().items()}
        self.layers = tuple(self._layer(f"bert.encoder.layer.{i}.") for i in range(self.n_layers))

    def _layer(self, at: str) -> Layer:
        heads = self.n_heads
        return Layer(
            qkv=self._stacked(at, "weight"),
            qkv_bias=self._stacked(at, "bias"),
            out=self._cast(at + "attention.output.dense.weight").unflatten(1, (heads, -1)),
            out_bias=self._cast(at + "attention.output.dense.bias"),
            attention_norm=self._norm(at + "attention.output.LayerNorm"),
            up=self._cast(at + "intermediate.dense.weight"),
            up_bias=self._cast(at + "intermediate.dense.bias"),
            down=self._cast(at + "output.dense.weight"),
            down_bias=self._cast(at + "output.dense.bias"),
            output_norm=self._norm(at + "output.LayerNorm"),
        )

    def _stacked(self, at: str, kind: str) -> Tensor:
        query, key, value = (
            self._state[f"{at}attention.self.{name}.{kind}"].unflatten(0, (self.n_heads, -1))
            for name in ("query", "key", "value")
        )
        return torch.stack([query * query.shape[1] ** -0.5, key, value]).to(self.dtype)

    def _cast(self, name: str) -> Tensor:
        return self._state[name].to(self.dtype)

    def _norm(self, at: str) -> tuple[Tensor, Tensor]:
        return self._cast(at + ".weight"), self._cast(at + ".bias")

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
        """(T, D), fp32: what enters layer 0."""
        at = "bert.embeddings."
        summed = (
            functional.embedding(shard.input_ids, self._state[at + "word_embeddings.weight"])
            + functional.embedding(shard.token_types, self._state[at + "token_type_embeddings.weight"])
            + functional.embedding(shard.positions, self._state[at + "position_embeddings.weight"])
        )
        norm = (self._state[at + "LayerNorm.weight"], self._state[at + "LayerNorm.bias"])
        return self._normalise(summed, norm)

    @torch.inference_mode()
    def layer_inputs(self, shard: Shard, mask: Mask) -> tuple[Tensor, ...]:
        """The hidden states that enter each layer under the mask, (T, D) each. Raises BadMask as `check` does."""
        self.check(mask)
        inputs = [self.embed(shard).to(self.dtype)]
        for number, layer in enumerate(self.layers[:-1]):
            heads = mask.heads[number]
            context = self._context(layer, inputs[-1], shard, heads)
            middle = self._attended(layer, context, heads, heads, inputs[-1])
            inputs.append(self._transformed(layer, middle, bool(mask.mlps[number])))
        return tuple(inputs)

    @torch.inference_mode()
    def prefix(
        self, shard: Shard, *, inputs_of: Sequence[int] | None = None, contexts: torch.dtype | None = None
    ) -> Prefix:
        """The full mask's hidden states; inputs_of: of these layers only; contexts: kept too, in this dtype."""
        wanted = range(self.n_layers) if inputs_of is None else inputs_of
        hidden = self.embed(shard).to(self.dtype)
        inputs: list[Tensor | None] = []
        kept_contexts: list[Tensor | None] = []
        every = np.ones(self.n_heads, np.bool_)
        for number, layer in enumerate(self.layers):
            inputs.append(hidden if number in wanted else None)
            last = number == self.n_layers - 1
            if last and contexts is None:
                kept_contexts.append(None)
                break
            context = self._cls_context(layer, hidden, shard, every) if last else None
            context = self._context(layer, hidden, shard, every) if context is None else context
            kept_contexts.append(None if contexts is None or number not in wanted else context.to(contexts))
            if not last:
                hidden = self._transformed(layer, self._attended(layer, context, every, every, hidden), True)
        return Prefix(tuple(inputs), tuple(kept_contexts))

    def logits(self, shard: Shard, mask: Mask, prefix: Prefix | None = None) -> Float32Array:
        """(n, n_outputs), in the shard's order, fp32. Raises BadMask on a mask for another model."""
        return self.logits_of_many(shard, (mask,), prefix)[0]

    @torch.inference_mode()
    def logits_of_many(self, shard: Shard, masks: Sequence[Mask], prefix: Prefix | None = None) -> Float32Array:
        """(masks, n, n_outputs), in the shard's order, fp32: masks that agree up to a layer share the work up to it.

        Raises BadMask on a mask for another model.
        """
        for mask in masks:
            self.check(mask)
        logits = np.empty((len(masks), len(shard.indices), self.n_outputs), np.float32)
        below = _FullStates(self, shard, prefix)
        for members, hidden in self._descend(shard, masks, tuple(range(len(masks))), 0, None, below):
            logits[list(members)] = self._head(hidden)
        return logits

    def _descend(
        self,
        shard: Shard,
        masks: Sequence[Mask],
        members: tuple[int, ...],
        number: int,
        hidden: Tensor | None,
        full: _FullStates,
    ) -> Iterator[tuple[tuple[int, ...], Tensor]]:
        """Which masks end in which state of [CLS], from the layer `number` on. hidden: None while all is full."""
        if number == self.n_layers:
            assert hidden is not None  # the last layer is always run
            yield members, hidden
            return
        last = number == self.n_layers - 1
        on_full = hidden is None
        if on_full and not last:
            whole = tuple(i for i in members if masks[i].heads[number].all() and masks[i].mlps[number])
            if whole:
                yield from self._descend(shard, masks, whole, number + 1, None, full)
            members = tuple(i for i in members if i not in whole)
            if not members:
                return
        layer = self.layers[number]
        by_heads = _grouped(members, lambda i: masks[i].heads[number].tobytes())
        union = np.any([masks[i].heads[number] for i in members], axis=0)
        context = full.context(number) if on_full else None
        if context is not None:
            union = np.ones(self.n_heads, np.bool_)
        if hidden is None:
            hidden = full.input(number)
        if context is None:
            context = (self._cls_context if last else self._context)(layer, hidden, shard, union)
        residual = hidden[shard.cls] if last else hidden
        for of_heads in by_heads:
            middle = self._attended(layer, context, union, masks[of_heads[0]].heads[number], residual)
            for group in _grouped(of_heads, lambda i: bool(masks[i].mlps[number])):
                after = self._transformed(layer, middle, bool(masks[group[0]].mlps[number]))
                yield from self._descend(shard, masks, group, number + 1, after, full)

    def _context(self, layer: Layer, hidden: Tensor, shard: Shard, heads: BoolArray) -> Tensor:
        """The contexts of k heads side by side: (T, D) to (T, k * d)."""
        qkv, bias = _of_heads(layer, heads)
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

    def _cls_context(self, layer: Layer, hidden: Tensor, shard: Shard, heads: BoolArray) -> Tensor:
        """What [CLS] reads, (T, D) to (n, k * d), with no key or value of any word piece.

        q . (W_k x + b_k) = (W_k^T q) . x + a constant that softmax ignores, and sum_j alpha_j (W_v x_j + b_v) =
        W_v sum_j alpha_j x_j + b_v: one vector of width D a head and example instead of two projections a word piece.
        """
        qkv, bias = _of_heads(layer, heads)
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

    def _attended(
        self, layer: Layer, context: Tensor, computed: BoolArray, kept: BoolArray, residual: Tensor
    ) -> Tensor:
        """After attention, residual sum and LayerNorm. The context holds the computed heads, of which some are kept."""
        residual = residual.to(self.dtype)
        if not kept.any():
            attended = layer.out_bias.expand_as(residual)  # the bias stays even when every head is off
        else:
            out = layer.out if computed.all() else layer.out[:, _index(computed, layer.out)]
            if (kept != computed).any():  # a small weight is zeroed rather than a long context copied
                out = out * torch.from_numpy(kept[computed]).to(out)[:, None]
            attended = functional.linear(context, out.flatten(1), layer.out_bias)
        return self._normalise(attended + residual, layer.attention_norm)

    def _transformed(self, layer: Layer, middle: Tensor, mlp: bool) -> Tensor:
        """After the MLP, residual sum and LayerNorm."""
        if not mlp:
            return self._normalise(middle, layer.output_norm)
        wide = self.activation(functional.linear(middle, layer.up, layer.up_bias))
        return self._normalise(functional.linear(wide, layer.down, layer.down_bias) + middle, layer.output_norm)

    def _head(self, cls: Tensor) -> Float32Array:
        """Pooler and classifier, fp32: (n, D) to (n, n_outputs)."""
        state = self._state
        pooled = torch.tanh(
            functional.linear(cls.float(), state["bert.pooler.dense.weight"], state["bert.pooler.dense.bias"])
        )
        logits = functional.linear(pooled, state["classifier.weight"], state["classifier.bias"])
        return np.asarray(logits.cpu().numpy(), np.float32)


class _FullStates:
    """The full mask's states in one shard for the length of one call: from the prefix where it kept them."""

    def __init__(self, engine: Engine, shard: Shard, prefix: Prefix | None) -> None:
        self._engine, self._shard, self._prefix = engine, shard, prefix
        self._made: dict[int, Tensor] = {}

    def input(self, number: int) -> Tensor:
        """(T, D): what enters that layer."""
        engine = self._engine
        kept = self._prefix.inputs[number] if self._prefix else None
        if kept is not None:
            return kept.to(engine.dtype)
        if number not in self._made:
            if number == 0:
                self._made[0] = engine.embed(self._shard).to(engine.dtype)
            else:
                every, layer, hidden = (
                    np.ones(engine.n_heads, np.bool_),
                    engine.layers[number - 1],
                    self.input(number - 1),
                )
                context = engine._context(layer, hidden, self._shard, every)
                middle = engine._attended(layer, context, every, every, hidden)
                self._made[number] = engine._transformed(layer, middle, True)
        return self._made[number]

    def context(self, number: int) -> Tensor | None:
        """(T, D), or (n, D) in the last layer: all heads' contexts; None where they are to be computed."""
        kept = self._prefix.contexts[number] if self._prefix else None
        return kept if kept is not None and kept.dtype == self._engine.dtype else None


def _softmax(scores: Tensor, bucket: Bucket) -> Tensor:
    """Over keys, in fp32 whatever the dtype: (examples, k, queries, width)."""
    exact = scores.float()
    if bucket.bias is not None:
        exact += bucket.bias
    return torch.softmax(exact, dim=-1).to(scores.dtype)


def _of_heads(layer: Layer, heads: BoolArray) -> tuple[Tensor, Tensor]:
    if heads.all():
        return layer.qkv, layer.qkv_bias
    index = _index(heads, layer.qkv)
    return layer.qkv[:, index], layer.qkv_bias[:, index]


def _index(heads: BoolArray, like: Tensor) -> Tensor:
    return torch.from_numpy(np.flatnonzero(heads)).to(like.device)


def _grouped(members: Sequence[int], key: Callable[[int], Hashable]) -> list[tuple[int, ...]]:
    groups: dict[Hashable, list[int]] = {}
    for member in members:
        groups.setdefault(key(member), []).append(member)
    return [tuple(group) for group in groups.values()]
