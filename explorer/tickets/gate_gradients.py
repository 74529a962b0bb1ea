"""What a component is worth to each example: gradients of gates, integrated gradients, norms of what it writes.

Components stand as in explorer.tickets.criteria: the heads row by row, then the MLPs; C = L * H + L.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch.nn import functional

from explorer.arrays import Float32Array, Float64Array
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Engine
from explorer.bert.shards import Shard, shard_of
from explorer.bert.training_forward import Gates, Layout, training_logits
from explorer.errors import BadRequest
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.tickets.finetuning import loss_per_example

NODES = 16
"""Points on the way from everything off to everything on at which integrated gradients look."""


def gate_gradients(
    classifier: Classifier,
    task: Task,
    encoded: Encoded,
    labels: Float64Array,
    *,
    at: float = 1.0,
    batch_size: int = 32,
    device: str = "cpu",
) -> Float32Array:
    """Computes the gradient of each example's loss with respect to gates of its own, signed: (n, C).

    classifier: frozen. labels: (n,). at: what all gates stand at; 1 is the full model. batch_size: examples a pass,
    which changes nothing but the speed. Raises BadRequest without examples.
    """
    n, layers, heads = len(encoded), classifier.n_layers, classifier.n_heads
    if n == 0:
        raise BadRequest("Gradients need at least one example.")
    weights = {name: parameter.to(device) for name, parameter in classifier.model.named_parameters()}
    layout = Layout.of(classifier.model)
    found = np.empty((n, layers * heads + layers), np.float32)
    by_length = np.argsort(-encoded.lengths, kind="stable")  # neighbours in length make the fewest buckets
    for start in range(0, n, batch_size):
        batch = shard_of(encoded, by_length[start : start + batch_size], device)
        size = len(batch.indices)
        of_heads = torch.full((size, layers, heads), at, device=device, requires_grad=True)
        of_mlps = torch.full((size, layers), at, device=device, requires_grad=True)
        logits = training_logits(weights, layout, batch, gates=Gates(of_heads, of_mlps))
        losses = loss_per_example(task, logits, torch.from_numpy(labels[batch.indices]).to(device))
        # A sum keeps each example's gradient its own.
        head_grad, mlp_grad = torch.autograd.grad(losses.sum(), (of_heads, of_mlps))
        found[batch.indices] = torch.cat([head_grad.flatten(1), mlp_grad], dim=1).cpu().numpy()
    return found


def path_nodes(many: int = NODES) -> tuple[Float64Array, Float64Array]:
    """Places and weights, (many,) each, of Gauss-Legendre quadrature over 0 to 1; the weights add up to 1."""
    places, weights = np.polynomial.legendre.leggauss(many)
    return (places + 1) / 2, weights / 2


def losses_of(task: Task, logits: Float32Array, labels: Float64Array) -> Float64Array:
    """The loss of each example, (n,): cross-entropy of classes, squared error of a regression. logits: (n, k)."""
    losses = loss_per_example(task, torch.from_numpy(np.asarray(logits, np.float32)), torch.from_numpy(labels))
    return np.asarray(losses.numpy(), np.float64)


@torch.inference_mode()
def activation_norms(engine: Engine, shards: Iterable[Shard], n: int) -> Float32Array:
    """Measures how long the vector is that each component adds to a token's state, mean over tokens: (n, C).

    Of the last layer only [CLS] counts, since nothing reads the others. A head's vector is its context times its
    rows of the output projection, without the bias that all heads share.
    """
    layers, heads = engine.n_layers, engine.n_heads
    found = np.empty((n, layers * heads + layers), np.float32)
    for shard in shards:
        inputs = engine.layer_inputs(shard, Mask.full(layers, heads))
        of_token = torch.repeat_interleave(torch.from_numpy(shard.lengths))
        for number, (layer, hidden) in enumerate(zip(engine.layers, inputs, strict=True)):
            last, every = number == layers - 1, layer.all_heads
            context = (layer.cls_context if last else layer.context)(hidden, shard, every)
            added = torch.stack(
                [
                    functional.linear(part, layer.out[:, head]).float().norm(dim=-1)
                    for head, part in enumerate(context.unflatten(1, (heads, -1)).unbind(1))
                ],
                dim=1,
            )  # (rows, H)
            middle = layer.after_attention(context, every, every, hidden[shard.cls] if last else hidden)
            wide = layer.activation(functional.linear(middle, layer.up, layer.up_bias))
            of_mlp = functional.linear(wide, layer.down, layer.down_bias).float().norm(dim=-1, keepdim=True)
            rows = torch.cat([added, of_mlp], dim=1).cpu()
            if not last:
                sums = torch.zeros(len(shard.lengths), heads + 1).index_add_(0, of_token, rows)
                rows = sums / torch.from_numpy(shard.lengths)[:, None]
            found[shard.indices, number * heads : (number + 1) * heads] = rows[:, :heads].numpy()
            found[shard.indices, layers * heads + number] = rows[:, heads].numpy()
    return found


def weight_norms(engine: Engine) -> Float64Array:
    """Computes the root mean square of each component's weights, biases left out: (C,).

    A head's: query, key, value and its part of the output projection; the query as stored, before the division by
    the root of its width. The mean makes a head and the much larger MLP comparable.
    """
    heads, mlps = [], []
    for layer in engine.layers:
        width = layer.qkv.shape[2]
        scale = torch.tensor([width**0.5, 1.0, 1.0]).to(layer.qkv)[:, None, None]
        for head in range(engine.n_heads):
            heads.append(_rms([layer.qkv[:, head] * scale, layer.out[:, head]]))
        mlps.append(_rms([layer.up, layer.down]))
    return np.array(heads + mlps, np.float64)


def _rms(parts: Sequence[torch.Tensor]) -> float:
    squares = sum(float((part.double() ** 2).sum()) for part in parts)
    return float((squares / sum(part.numel() for part in parts)) ** 0.5)
