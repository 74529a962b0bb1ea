"""Attention maps of every head from one masked forward pass: raw, and weighted by what is read (norm-weighted).

Kobayashi et al. 2020 (arXiv:2004.10102, section 3): a head's output at position i is the sum over j of
alpha_ij f(x_j), where f(x) is the value vector of x, its bias included, through that head's slice of
`attention.output.dense`. How much j adds to i is therefore ||alpha_ij f(x_j)||, not alpha_ij alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.bert.engine import Engine
from explorer.bert.layer import Layer
from explorer.bert.maps import AttentionMaps
from explorer.bert.shards import Shard, shard_of
from explorer.glue.encoding import Encoded
from explorer.mask import Mask


@torch.inference_mode()
def attention_maps(engine: Engine, encoded: Encoded, mask: Mask) -> Iterator[AttentionMaps]:
    """Yields the maps of each example in order, one forward pass an example.

    Raises BadMask on a mask for another model.

    >>> mask = Mask.full(classifier.n_layers, classifier.n_heads)
    >>> first = next(attention_maps(Engine(classifier), encode(examples, classifier.tokenizer), mask))
    >>> layers, heads, length, _ = first.raw.shape
    >>> bool(np.allclose(first.raw.sum(-1), 1, atol=1e-5))  # each row is what one token reads
    True
    """
    engine.check(mask)
    for index in range(len(encoded)):
        yield _of_one(engine, shard_of(encoded, np.array([index]), engine.layers[0].qkv.device), mask)


def head_outputs(layer: Layer, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Computes alpha (H, T, T) and f(x_j) (H, T, D) of one example whose hidden states (T, D) enter the layer.

    The sum over heads and j of alpha_ij f(x_j), and the bias, is what `attention.output.dense` gives at i.
    """
    n_heads, d = layer.qkv.shape[1:3]
    projected = functional.linear(hidden, layer.qkv.flatten(0, 2), layer.qkv_bias.flatten())
    query, key, value = projected.unflatten(-1, (3, n_heads, d)).permute(1, 2, 0, 3)  # (H, T, d) each
    alpha = torch.softmax(query @ key.transpose(1, 2), dim=-1)  # (H, T, T); the layer holds its queries scaled
    return alpha, value @ layer.out.permute(1, 2, 0)  # (H, T, d) x (H, d, D)


def _of_one(engine: Engine, shard: Shard, mask: Mask) -> AttentionMaps:
    raw, norms = [], []
    for number, hidden in enumerate(engine.layer_inputs(shard, mask)):
        alpha, transformed = head_outputs(engine.layers[number], hidden)
        gates = torch.from_numpy(mask.heads[number].copy()).to(alpha)[:, None]
        raw.append(alpha)
        norms.append(transformed.norm(dim=-1) * gates)  # (H, T)
    return AttentionMaps(*(torch.stack(arrays).float().cpu().numpy() for arrays in (raw, norms)))
