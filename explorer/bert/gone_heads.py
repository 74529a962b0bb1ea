"""Heads that transformers 4 cut out of a model (`pruned_heads`) put back as zeros, so that every layer has one shape.

A head whose query, key and value are zero has a context of zero, and its columns of `attention.output.dense` are zero
too: it adds exactly nothing, with its gate on or off, its gradients are zero, and so training leaves it as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.bert.model_config import ModelConfig

_ATTENTION = re.compile(
    r"bert\.encoder\.layer\.(\d+)\.attention\.(self\.(?:query|key|value)\.(?:weight|bias)|output\.dense\.weight)"
)


def in_full_shape(state: Mapping[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """Copies weights by their names, with zeros where heads were cut out; those of whole layers stay as they are."""
    cut = {layer for layer, _ in config.gone}
    size = config.hidden // config.n_heads
    whole = dict(state)
    for name, tensor in state.items():
        match = _ATTENTION.fullmatch(name)
        if match is None or int(match[1]) not in cut:
            continue
        left = torch.tensor(config.heads_left(int(match[1])), dtype=torch.long)
        rows = (left[:, None] * size + torch.arange(size)).flatten()  # (k * d,)
        if match[2].startswith("output"):
            whole[name] = tensor.new_zeros((tensor.shape[0], config.hidden))
            whole[name][:, rows] = tensor
        else:
            whole[name] = tensor.new_zeros((config.hidden, *tensor.shape[1:]))
            whole[name][rows] = tensor
    return whole
