"""Surgery: what a mask switches off, removed for real, so that the model is smaller and not merely gated."""

from __future__ import annotations

import copy
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
    rows = (kept[:, None] * size + torch.arange(size)).flatten()  # (k * d,): where the kept heads' slices lie
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
