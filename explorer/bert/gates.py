"""Gates on heads and MLPs of stock transformers: a context manager of hooks that travel with the call.

A head's gate multiplies its slice of the context before `attention.output.dense`, which is the same as
multiplying its attention probabilities; that layer's bias stays. An MLP's gate multiplies the output of
`output.dense`, bias included, before the residual sum and the LayerNorm (Michel et al. 2019,
arXiv:1905.10650, section 2.2; Prasanna et al. 2020, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import BertForSequenceClassification
from transformers.models.bert.modeling_bert import BertLayer

from explorer.errors import BadMask
from explorer.mask import Mask


def gates_of(mask: Mask, device: torch.device | str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Converts a mask to float gates: heads (L, H) and MLPs (L,)."""
    return (
        torch.from_numpy(mask.heads.copy()).float().to(device),
        torch.from_numpy(mask.mlps.copy()).float().to(device),
    )


@contextmanager
def gated(model: BertForSequenceClassification, heads: torch.Tensor, mlps: torch.Tensor) -> Iterator[None]:
    """Runs the model with gates inside a `with` block; after it, however it ends, no hook is left.

    heads: (L, H), or (B, L, H) for gates of each example of the batch. mlps: (L,) or (B, L).
    Gradients reach both. Not for a model that other threads use at the same time: they would be gated too.
    Raises BadMask where the shapes are not the model's.

    >>> mask = Mask.full(classifier.n_layers, classifier.n_heads).with_head(0, 3, False)
    >>> with gated(classifier.model, *gates_of(mask)):
    ...     logits = classifier.model(**classifier.tokenizer("the cat sleeps", return_tensors="pt")).logits
    >>> logits.shape
    torch.Size([1, 2])
    """
    config = model.config
    n_layers, n_heads = config.num_hidden_layers, config.num_attention_heads
    if heads.shape[-2:] != (n_layers, n_heads) or mlps.shape[-1] != n_layers or heads.ndim != mlps.ndim + 1:
        raise BadMask(
            f"Gates of shapes {tuple(heads.shape)} and {tuple(mlps.shape)} do not fit a model of "
            f"{n_layers} layers x {n_heads} heads.",
            "Is it a mask for another model?",
        )
    hooks = []
    try:
        for number, layer in enumerate(encoder_layers(model)):
            hooks.append(layer.attention.output.dense.register_forward_pre_hook(_head_hook(heads[..., number, :])))
            hooks.append(layer.output.dense.register_forward_hook(_mlp_hook(mlps[..., number])))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def encoder_layers(model: BertForSequenceClassification) -> list[BertLayer]:
    """Lists the encoder layers in order."""
    return [layer for layer in model.bert.encoder.layer if isinstance(layer, BertLayer)]


def _head_hook(gate: torch.Tensor) -> Callable[..., Any]:
    def scale(_module: torch.nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        (context,) = args  # (B, T, H * d)
        by_head = context.unflatten(-1, (gate.shape[-1], -1))  # (B, T, H, d)
        per_example = gate.view(-1, 1, gate.shape[-1], 1)  # (1 or B, 1, H, 1)
        return ((by_head * per_example.to(context.dtype)).flatten(-2),)

    return scale


def _mlp_hook(gate: torch.Tensor) -> Callable[..., Any]:
    def scale(_module: torch.nn.Module, _args: Any, output: torch.Tensor) -> torch.Tensor:
        return output * gate.reshape(-1, 1, 1).to(output.dtype)  # (B, T, D) x (1 or B, 1, 1)

    return scale
