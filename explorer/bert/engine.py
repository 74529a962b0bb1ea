"""The masked forward pass, fast and pure: weights in, examples in, masks in, logits out.

No padding but inside attention, no hooks (masks travel with the call, so that many threads may share one engine),
nothing computed for what is switched off, the last layer for [CLS] alone, nothing below the lowest switched-off
part computed twice, and of masks scored together only what differs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers.activations import ACT2FN

from explorer.arrays import Float32Array
from explorer.bert.activations import ActivationCache, FullStates
from explorer.bert.checkpoints import Classifier
from explorer.bert.layer import Layer, layer_norm
from explorer.bert.shards import Shard, shards_of
from explorer.errors import BadRequest
from explorer.glue.encoding import Encoded
from explorer.mask import Mask

ENGINE_VERSION = "3"
"""Counts up whenever a logit may come out differently: stored scores are only as good as the engine they name."""


@dataclass(frozen=True, eq=False)
class Instead:
    """Constants that stand in for what is off, where that is not 0 as in the paper: the same for every token.

    Mean ablation (Li and Janson 2024, arXiv:2409.09951, section 2) takes the means over training examples.
    """

    heads: Tensor
    """(L, H, d): contexts, before the attention's output projection."""
    mlps: Tensor
    """(L, D): outputs, with the bias of the last projection."""


class Engine:
    """Read-only weights of one classifier, laid out for masked forward passes. Safe to share among threads.

    dtype: that of the encoder; the embeddings, the classifier and every softmax stay fp32.
    """

    def __init__(self, classifier: Classifier, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        config = classifier.model.config
        self.n_layers, self.n_heads, self.n_outputs = (
            classifier.n_layers,
            classifier.n_heads,
            classifier.n_outputs,
        )
        self.eps = float(config.layer_norm_eps)
        self.dtype = dtype
        self._device = device
        self._state = {name: tensor.to(device) for name, tensor in classifier.model.state_dict().items()}
        activation = ACT2FN[config.hidden_act]
        self.layers = tuple(self._layer(f"bert.encoder.layer.{i}.", activation) for i in range(self.n_layers))

    def _layer(self, at: str, activation: Callable[[Tensor], Tensor]) -> Layer:
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
            activation=activation,
            eps=self.eps,
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

    def check(self, mask: Mask) -> None:
        """Raises BadMask where the mask is for a model of another shape."""
        mask.check_fits(self.n_layers, self.n_heads)

    def with_instead(self, instead: Instead) -> Engine:
        """Makes an engine over the same weights in which constants stand in for what is off. This one stays as it is.

        Raises BadRequest where they are of a model of another shape.
        """
        layers, heads, width = self.n_layers, *self.layers[0].out.shape[1:]
        if instead.heads.shape != (layers, heads, width) or instead.mlps.shape != (layers, self.layers[0].out.shape[0]):
            raise BadRequest("What is to stand in for heads and MLPs is of a model of another shape.")
        made = copy.copy(self)
        made.layers = tuple(
            replace(
                layer,
                heads_off=torch.einsum("ehd,hd->he", layer.out, of_heads.to(layer.out)),
                mlp_off=of_mlp.to(layer.out),
            )
            for layer, of_heads, of_mlp in zip(self.layers, instead.heads, instead.mlps, strict=True)
        )
        return made

    @torch.inference_mode()
    def mean_outputs(self, shards: Sequence[Shard]) -> Instead:
        """Averages what heads and MLPs of the full model give, over all tokens of all examples."""
        every, tokens = self.layers[0].all_heads, 0
        heads = torch.zeros((self.n_layers, *self.layers[0].out.shape[1:]), dtype=torch.float64)
        mlps = torch.zeros((self.n_layers, self.layers[0].out.shape[0]), dtype=torch.float64)
        for shard in shards:
            hidden = self.embed(shard).to(self.dtype)
            tokens += len(hidden)
            for number, layer in enumerate(self.layers):
                context = layer.context(hidden, shard, every)
                heads[number] += context.double().sum(dim=0).view(heads.shape[1:]).cpu()
                middle = layer.after_attention(context, every, every, hidden)
                mlps[number] += layer.mlp(middle).double().sum(dim=0).cpu()
                hidden = layer.after_mlp(middle, True)
        if not tokens:
            raise BadRequest("There is no example to average over.")
        return Instead(heads / tokens, mlps / tokens)

    @torch.inference_mode()
    def embed(self, shard: Shard) -> Tensor:
        """Computes the embeddings (T, D), fp32: what enters layer 0."""
        at = "bert.embeddings."
        summed = (
            functional.embedding(shard.input_ids, self._state[at + "word_embeddings.weight"])
            + functional.embedding(shard.token_types, self._state[at + "token_type_embeddings.weight"])
            + functional.embedding(shard.positions, self._state[at + "position_embeddings.weight"])
        )
        norm = (self._state[at + "LayerNorm.weight"], self._state[at + "LayerNorm.bias"])
        return layer_norm(summed, norm, self.eps)

    @torch.inference_mode()
    def layer_inputs(self, shard: Shard, mask: Mask) -> tuple[Tensor, ...]:
        """Computes the hidden states (T, D) that enter each layer under the mask. Raises BadMask as `check` does."""
        self.check(mask)
        inputs = [self.embed(shard).to(self.dtype)]
        for number, layer in enumerate(self.layers[:-1]):
            inputs.append(layer.forward(inputs[-1], shard, mask.heads[number], bool(mask.mlps[number])))
        return tuple(inputs)

    @torch.inference_mode()
    def cache_activations(
        self, shard: Shard, *, layers: Sequence[int] | None = None, contexts: torch.dtype | None = None
    ) -> ActivationCache:
        """Runs the full model and keeps its hidden states, for masked passes to start from.

        layers: whose inputs are kept; by default those of all. contexts: the dtype in which the heads' contexts of
        these layers are kept too; by default they are not.
        """
        wanted = range(self.n_layers) if layers is None else layers
        hidden = self.embed(shard).to(self.dtype)
        inputs: list[Tensor | None] = []
        kept_contexts: list[Tensor | None] = []
        for number, layer in enumerate(self.layers):
            inputs.append(hidden if number in wanted else None)
            last = number == self.n_layers - 1
            if last and contexts is None:
                kept_contexts.append(None)
                break
            every = layer.all_heads
            context = (layer.cls_context if last else layer.context)(hidden, shard, every)
            kept_contexts.append(None if contexts is None or number not in wanted else context.to(contexts))
            if not last:
                hidden = layer.after_mlp(layer.after_attention(context, every, every, hidden), True)
        return ActivationCache(tuple(inputs), tuple(kept_contexts))

    def logits(self, shard: Shard, mask: Mask, cache: ActivationCache | None = None) -> Float32Array:
        """Computes logits (n, n_outputs), fp32, in the shard's order. Raises BadMask as `check` does."""
        return self.logits_of_many(shard, (mask,), cache)[0]

    def logits_of_all(self, encoded: Encoded, mask: Mask) -> Float32Array:
        """Computes logits (n, n_outputs), fp32, of every example in its order. Raises BadMask as `check` does."""
        logits = np.zeros((len(encoded), self.n_outputs), np.float32)
        for shard in shards_of(encoded, device=self._device):
            logits[shard.indices] = self.logits(shard, mask)
        return logits

    @torch.inference_mode()
    def logits_of_many(self, shard: Shard, masks: Sequence[Mask], cache: ActivationCache | None = None) -> Float32Array:
        """Computes logits (masks, n, n_outputs), fp32, in the shard's order.

        Masks that agree up to a layer share the work up to it. cache: made by `cache_activations` of this shard, by
        an engine of any dtype. Raises BadMask as `check` does.
        """
        for mask in masks:
            self.check(mask)
        logits = np.empty((len(masks), len(shard.indices), self.n_outputs), np.float32)
        full = FullStates(self.layers, lambda: self.embed(shard), shard, cache)
        for members, cls in self._final_states(shard, masks, tuple(range(len(masks))), 0, None, full):
            logits[list(members)] = self._classify(cls)
        return logits

    def _final_states(
        self,
        shard: Shard,
        masks: Sequence[Mask],
        members: tuple[int, ...],
        number: int,
        hidden: Tensor | None,
        full: FullStates,
    ) -> Iterator[tuple[tuple[int, ...], Tensor]]:
        """Runs the layers from `number` on, splitting the masks into groups where they part; recursive.

        members: indices of the masks that share all layers below. hidden: what enters layer `number` under them, or
        None while they switch nothing off. full: states of the full mask. Yields groups of indices, each with its
        final state of [CLS] (n, D).
        """
        if number == self.n_layers:
            assert hidden is not None  # the last layer is always run
            yield members, hidden
            return
        last = number == self.n_layers - 1
        on_full = hidden is None
        if on_full and not last:
            whole = tuple(i for i in members if masks[i].heads[number].all() and masks[i].mlps[number])
            if whole:
                yield from self._final_states(shard, masks, whole, number + 1, None, full)
            members = tuple(i for i in members if i not in whole)
            if not members:
                return
        layer = self.layers[number]
        by_heads = _grouped(members, lambda i: masks[i].heads[number].tobytes())
        computed = np.any([masks[i].heads[number] for i in members], axis=0)
        context = full.context(number) if on_full else None
        if context is not None:
            computed = layer.all_heads
        if hidden is None:
            hidden = full.input(number)
        if context is None:
            context = (layer.cls_context if last else layer.context)(hidden, shard, computed)
        residual = hidden[shard.cls] if last else hidden
        for of_heads in by_heads:
            middle = layer.after_attention(context, computed, masks[of_heads[0]].heads[number], residual)
            for group in _grouped(of_heads, lambda i: bool(masks[i].mlps[number])):
                after = layer.after_mlp(middle, bool(masks[group[0]].mlps[number]))
                yield from self._final_states(shard, masks, group, number + 1, after, full)

    def _classify(self, cls: Tensor) -> Float32Array:
        """Applies pooler and classifier in fp32: (n, D) to (n, n_outputs)."""
        state = self._state
        pooled = torch.tanh(
            functional.linear(cls.float(), state["bert.pooler.dense.weight"], state["bert.pooler.dense.bias"])
        )
        logits = functional.linear(pooled, state["classifier.weight"], state["classifier.bias"])
        return np.asarray(logits.cpu().numpy(), np.float32)


def _grouped(members: Sequence[int], key: Callable[[int], Hashable]) -> list[tuple[int, ...]]:
    groups: dict[Hashable, list[int]] = {}
    for member in members:
        groups.setdefault(key(member), []).append(member)
    return [tuple(group) for group in groups.values()]
