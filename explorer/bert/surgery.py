"""Surgery: what a mask switches off, removed for real, so that the model is smaller and not merely gated."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertForSequenceClassification
from transformers.models.bert.modeling_bert import BertLayer

from explorer.bert.checkpoints import Classifier
from explorer.bert.gates import encoder_layers
from explorer.mask import Mask


def cut(classifier: Classifier, mask: Mask) -> BertForSequenceClassification:
    """Copies the model without what the mask switches off: smaller, in eval mode, with the logits of the gated model.

    Of query, key and value a pruned head's rows go, of `attention.output.dense` its columns; that layer's bias
    stays, even when every head is gone. A layer without its MLP is LayerNorm(x) there. The copy's config still
    names the full number of heads, so it is for running, not for gating or `save_pretrained`.
    Raises BadMask on a mask for another model.
    """
    mask.check_fits(classifier.n_layers, classifier.n_heads)
    model = copy.deepcopy(classifier.model)
    for number, layer in enumerate(encoder_layers(model)):
        kept = torch.from_numpy(mask.heads[number].nonzero()[0])
        if len(kept) < mask.n_heads:
            _cut_heads(layer, kept)
        if not mask.mlps[number]:
            _cut_mlp(layer)
    return model.eval()


def cut_tensors(weights: Mapping[str, Tensor], mask: Mask, head_size: int) -> dict[str, Tensor]:
    """Takes of tensors in the shapes of the whole model's weights what `cut` leaves, by the same names."""
    left = {}
    for name, tensor in weights.items():
        part = _part(name, mask, head_size)
        if part is not None:
            left[name] = tensor[part.to_index(tensor)] if part.rows is not None else tensor
    return left


def put_back(classifier: Classifier, mask: Mask, small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Restores the weights of the whole model: the pruned one's, and `classifier`'s where that has none."""
    whole = {name: tensor.clone() for name, tensor in classifier.model.state_dict().items()}
    size = classifier.model.config.hidden_size // classifier.n_heads
    for name, tensor in whole.items():
        part = _part(name, mask, size)
        if part is not None:
            tensor[part.to_index(tensor)] = small[name].to(tensor)
    return whole


@dataclass(frozen=True)
class _Part:
    """What is left of one weight."""

    rows: Tensor | None
    """Which rows, or with `columns` which columns; None for all."""
    columns: bool = False

    def to_index(self, tensor: Tensor) -> Any:
        if self.rows is None:
            return ...
        rows = self.rows.to(tensor.device)
        return (slice(None), rows) if self.columns else rows


_OF_LAYER = re.compile(r"bert\.encoder\.layer\.(\d+)\.(.+)")


def _part(name: str, mask: Mask, head_size: int) -> _Part | None:
    """Finds what is left of the weight of that name; None where all of it is cut away."""
    match = _OF_LAYER.fullmatch(name)
    if match is None:
        return _Part(None)
    layer, within = int(match[1]), match[2]
    if within.startswith(("intermediate.dense", "output.dense")):
        return _Part(None) if mask.mlps[layer] else None
    if not within.startswith("attention.self.") and within != "attention.output.dense.weight":
        return _Part(None)
    rows = _rows(torch.from_numpy(mask.heads[layer].nonzero()[0]), head_size)
    if within.startswith("attention.self."):
        return _Part(rows) if len(rows) else None
    return _Part(rows, columns=True)


def _rows(kept: Tensor, head_size: int) -> Tensor:
    """(k * d,): where the kept heads' slices lie."""
    return (kept[:, None] * head_size + torch.arange(head_size)).flatten()


class NoHeads(nn.Module):
    """The attention of a layer that lost every head: a context of width 0, to which only a bias is added.

    BertSelfAttention cannot do this: it infers the number of heads, which an empty tensor does not tell
    (huggingface/transformers#3528).
    """

    def forward(self, hidden_states: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, None]:
        """Maps (B, T, D) to (B, T, 0), without an attention map."""
        return hidden_states[..., :0], None


class NoMlp(nn.Module):
    """The output of a layer that lost its MLP: the residual alone, normalised."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.LayerNorm = norm

    def forward(self, _intermediate: Tensor, residual: Tensor) -> Tensor:
        """Normalises the residual: (B, T, D) to (B, T, D)."""
        normalised: Tensor = self.LayerNorm(residual)
        return normalised


def _cut_heads(layer: BertLayer, kept: Tensor) -> None:
    attention = layer.attention.self
    size = attention.attention_head_size
    rows = _rows(kept, size)
    dense = layer.attention.output.dense
    dense.weight = _parameter(dense.weight[:, rows.to(dense.weight.device)], dense.weight)
    dense.in_features = len(rows)
    if len(kept) == 0:
        setattr(layer.attention, "self", NoHeads())  # noqa: B010  # its declared type is BertSelfAttention
        return
    for linear in (attention.query, attention.key, attention.value):
        at = rows.to(linear.weight.device)
        linear.weight = _parameter(linear.weight[at], linear.weight)
        linear.bias = _parameter(linear.bias[at], linear.bias)
        linear.out_features = len(rows)
    attention.num_attention_heads = len(kept)
    attention.all_head_size = len(rows)


def _cut_mlp(layer: BertLayer) -> None:
    setattr(layer, "output", NoMlp(layer.output.LayerNorm))  # noqa: B010  # as above
    setattr(layer, "intermediate", nn.Identity())  # noqa: B010


def _parameter(values: Tensor, like: Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach().clone(), requires_grad=like.requires_grad)
