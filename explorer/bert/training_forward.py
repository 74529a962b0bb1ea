"""The forward pass for gradients: `engine` for training, over packed examples and a model whose pruned parts are cut.

Pure: weights by name go in, logits come out. What plain transformers computes, without padding but inside attention,
with the last layer for [CLS] alone and nothing for what surgery cut away. Dropout stands where BERT has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from transformers import BertForSequenceClassification
from transformers.activations import ACT2FN

from explorer.bert.dropout import Draws
from explorer.bert.engine import Instead
from explorer.bert.gates import encoder_layers
from explorer.bert.packed_attention import at_least_fp32, attend
from explorer.bert.shards import Shard
from explorer.bert.surgery import NoHeads, NoMlp

_EMBEDDINGS, _ATTENTION, _ATTENDED, _MLP, _POOLED = range(5)
"""Where dropout is, within a layer; embeddings and pooler stand before and after all layers."""


@dataclass(frozen=True)
class Layout:
    """Sizes and settings that the forward pass needs beside the weights."""

    heads: tuple[int, ...]
    """Left in each layer."""
    mlps: tuple[bool, ...]
    """Whether each layer has its MLP."""
    head_size: int
    eps: float
    activation: Callable[[Tensor], Tensor]
    hidden_dropout: float
    attention_dropout: float
    classifier_dropout: float

    @classmethod
    def of(cls, model: BertForSequenceClassification, *, attention_dropout: float | None = None) -> Layout:
        """Reads the layout of a model as transformers or `surgery.cut` makes it.

        attention_dropout: instead of the model's.
        """
        config, layers = model.config, encoder_layers(model)
        own = config.classifier_dropout
        return cls(
            heads=tuple(
                0 if isinstance(layer.attention.self, NoHeads) else layer.attention.self.num_attention_heads
                for layer in layers
            ),
            mlps=tuple(not isinstance(layer.output, NoMlp) for layer in layers),
            head_size=config.hidden_size // config.num_attention_heads,
            eps=float(config.layer_norm_eps),
            activation=ACT2FN[config.hidden_act],
            hidden_dropout=config.hidden_dropout_prob,
            attention_dropout=config.attention_probs_dropout_prob if attention_dropout is None else attention_dropout,
            classifier_dropout=config.hidden_dropout_prob if own is None else own,
        )


@dataclass(frozen=True)
class Gates:
    """A gate of its own for every example, component and layer; gradients reach them."""

    heads: Tensor
    """(n, L, H), in the shard's order."""
    mlps: Tensor
    """(n, L), in the shard's order."""
    instead: Instead | None = None
    """What a gate at 0 leaves in the place of its component; None for nothing."""


@dataclass(frozen=True)
class _Pass:
    """One call: its weights, layout, examples and dropout."""

    weights: Mapping[str, Tensor]
    layout: Layout
    shard: Shard
    draws: Draws | None

    def linear(self, hidden: Tensor, name: str) -> Tensor:
        return functional.linear(hidden, self.weights[name + ".weight"], self.weights[name + ".bias"])

    def normalise(self, hidden: Tensor, name: str) -> Tensor:
        norm = (self.weights[name + ".weight"], self.weights[name + ".bias"])
        return functional.layer_norm(hidden, hidden.shape[-1:], *norm, self.layout.eps)

    def dropped(self, hidden: Tensor, share: float, layer: int, place: int) -> Tensor:
        keep = self.keep(tuple(hidden.shape), hidden, share, layer, place)
        return hidden if keep is None else hidden * keep

    def keep(
        self, shape: tuple[int, ...], like: Tensor, share: float, layer: int, place: int, part: int = 0
    ) -> Tensor | None:
        if self.draws is None or share <= 0:
            return None
        return self.draws.keep((part * (len(self.layout.heads) + 1) + layer) * 5 + place, shape, share, like)


def training_logits(
    weights: Mapping[str, Tensor],
    layout: Layout,
    shard: Shard,
    *,
    draws: Draws | None = None,
    gates: Gates | None = None,
) -> Tensor:
    """(n, n_outputs) in the shard's order, fp32.

    weights: by the names of the model's state dict; the encoder's in one dtype, in which it is computed, embeddings,
    pooler and classifier in fp32. draws: the dropout; None for none. gates: need a layout with every head and MLP.
    """
    run = _Pass(weights, layout, shard, draws)
    examples = None
    if gates is not None:
        examples = torch.repeat_interleave(torch.from_numpy(shard.lengths).to(shard.cls.device))  # (T,)
    hidden = run.dropped(_embedded(run), layout.hidden_dropout, 0, _EMBEDDINGS)
    encoder_dtype = weights["bert.encoder.layer.0.output.LayerNorm.weight"].dtype
    hidden = hidden.to(encoder_dtype)
    for number in range(len(layout.heads)):
        hidden = _layer(run, number, hidden, gates, examples)
    at = len(layout.heads)
    pooled = torch.tanh(run.linear(hidden.float(), "bert.pooler.dense"))
    return run.linear(run.dropped(pooled, layout.classifier_dropout, at, _POOLED), "classifier")


def _embedded(run: _Pass) -> Tensor:
    """(T, D), fp32: what enters layer 0."""
    at, shard = "bert.embeddings.", run.shard
    summed = (
        functional.embedding(shard.input_ids, run.weights[at + "word_embeddings.weight"])
        + functional.embedding(shard.token_types, run.weights[at + "token_type_embeddings.weight"])
        + functional.embedding(shard.positions, run.weights[at + "position_embeddings.weight"])
    )
    return run.normalise(summed, at + "LayerNorm")


def _layer(run: _Pass, number: int, hidden: Tensor, gates: Gates | None, examples: Tensor | None) -> Tensor:
    """(T, D) to (T, D), or to (n, D) in the last layer."""
    layout, at = run.layout, f"bert.encoder.layer.{number}."
    k, last = layout.heads[number], number == len(layout.heads) - 1
    if last:
        examples = None  # a row an example already
    residual = hidden[run.shard.cls] if last else hidden
    if k:
        context = (_cls_context if last else _context)(run, number, hidden)
        if gates is not None:
            gate = _of_rows(gates.heads[:, number], examples)[..., None].to(context.dtype)  # (rows, k, 1)
            gated = context.unflatten(1, (k, -1)) * gate
            if gates.instead is not None:
                gated = gated + (1 - gate) * gates.instead.heads[number].to(context)
            context = gated.flatten(1)
        attended = run.linear(context, at + "attention.output.dense")
    else:
        attended = run.weights[at + "attention.output.dense.bias"].expand_as(residual)
    attended = run.dropped(attended, layout.hidden_dropout, number, _ATTENDED)
    middle = run.normalise(attended + residual, at + "attention.output.LayerNorm")
    if not layout.mlps[number]:
        return run.normalise(middle, at + "output.LayerNorm")
    transformed = run.linear(layout.activation(run.linear(middle, at + "intermediate.dense")), at + "output.dense")
    if gates is not None:
        gate = _of_rows(gates.mlps[:, number], examples)[:, None].to(transformed.dtype)
        transformed = transformed * gate
        if gates.instead is not None:
            transformed = transformed + (1 - gate) * gates.instead.mlps[number].to(transformed)
    transformed = run.dropped(transformed, layout.hidden_dropout, number, _MLP)
    return run.normalise(transformed + middle, at + "output.LayerNorm")


def _of_rows(gate: Tensor, examples: Tensor | None) -> Tensor:
    return gate if examples is None else gate.index_select(0, examples)


def _context(run: _Pass, number: int, hidden: Tensor) -> Tensor:
    """The contexts of k heads side by side: (T, D) to (T, k * d)."""
    layout, at = run.layout, f"bert.encoder.layer.{number}.attention.self."
    scale = layout.head_size**-0.5
    weight, bias = (
        torch.cat(
            [run.weights[f"{at}query.{kind}"] * scale, *(run.weights[f"{at}{p}.{kind}"] for p in ("key", "value"))]
        )
        for kind in ("weight", "bias")
    )
    k = layout.heads[number]
    kept = []
    for part, bucket in enumerate(run.shard.buckets):
        shape = (len(bucket.padded), k, bucket.width, bucket.width)
        kept.append(run.keep(shape, hidden, layout.attention_dropout, number, _ATTENTION, part))
    return attend(functional.linear(hidden, weight, bias), run.shard, k, kept)


def _cls_context(run: _Pass, number: int, hidden: Tensor) -> Tensor:
    """What [CLS] reads, (T, D) to (n, k * d), with no key or value of any word piece: see `Engine._cls_context`.

    The key's bias adds the same to every score of a query, which softmax ignores: its gradient is 0, and here None.
    """
    layout, at, shard = run.layout, f"bert.encoder.layer.{number}.attention.self.", run.shard
    k, d = layout.heads[number], layout.head_size
    query = run.linear(hidden[shard.cls], at + "query").unflatten(1, (k, d)) * d**-0.5
    key, value = (run.weights[f"{at}{part}.weight"].unflatten(0, (k, d)) for part in ("key", "value"))
    asked = torch.bmm(query.transpose(0, 1), key).transpose(0, 1)  # (k, n, d) x (k, d, D) -> (n, k, D)
    mixed, sums = [], []
    for part, bucket in enumerate(shard.buckets):
        states = hidden[bucket.rows] if bucket.bias is None else hidden.index_select(0, bucket.padded.flatten())
        states = states.view(-1, bucket.width, hidden.shape[1])  # (examples, width, D)
        scores = at_least_fp32(asked[bucket.examples] @ states.transpose(1, 2))  # (examples, k, width)
        if bucket.bias is not None:
            scores = scores + bucket.bias[:, :, 0]
        read = torch.softmax(scores, dim=-1).to(hidden.dtype)
        keep = run.keep(tuple(read.shape), read, layout.attention_dropout, number, _ATTENTION, part)
        read = read if keep is None else read * keep
        mixed.append(read @ states)
        sums.append(read.sum(-1, keepdim=True))  # 1 but for dropout
    contexts = torch.bmm(torch.cat(mixed).transpose(0, 1), value.transpose(1, 2))  # (k, n, D) x (k, D, d)
    bias = run.weights[at + "value.bias"].view(k, d)
    return (contexts.transpose(0, 1) + torch.cat(sums) * bias).flatten(1)
