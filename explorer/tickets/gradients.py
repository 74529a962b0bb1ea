"""How much the loss depends on each head and MLP (Michel et al. 2019, arXiv:1905.10650, equation 2)."""

from __future__ import annotations

import numpy as np
import torch

from explorer.arrays import Float64Array
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Instead
from explorer.bert.gates import gates_of
from explorer.bert.shards import Shard, shard_of
from explorer.bert.training_forward import Gates, Layout, training_logits
from explorer.errors import BadMask, BadRequest
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.store.saved_state import SavedState
from explorer.tickets.finetuning import loss_per_example
from explorer.tickets.importance import Estimator, Importance


def importance(
    classifier: Classifier,
    task: Task,
    encoded: Encoded,
    labels: Float64Array,
    mask: Mask,
    estimator: Estimator = "expected",
    *,
    batch_size: int = 32,
    device: str = "cpu",
    state: SavedState | None = None,
    instead: Instead | None = None,
) -> Importance:
    """Estimates how much the loss depends on every head and MLP.

    classifier: frozen; gradients reach the gates alone.
    task, encoded, labels: the n examples that the loss is taken on; labels (n,).
    mask: the gates' values, at which the gradient is taken.
    estimator: one of the three below. batch_size: examples a pass. device: where it is computed.
    state: where the totals are saved by time, and gone on from.
    instead: what a gate at 0 leaves in the place of its component: g * output + (1 - g) * instead; None for nothing.

    expected: mean over examples of |dL/dg|, each example with gates of its own (Michel et al., equation 2).
    batch: mean over batches of |gradient of the batch-mean loss|, which lets examples cancel out.
    published: the authors' script: the batch gradients are never zeroed between batches, so the score is a sum
    of |running totals| and depends on the order of the batches (here: the order of the file).
    Raises BadRequest on an empty set.

    >>> encoded, mask = encode(examples, classifier.tokenizer), Mask.full(classifier.n_layers, classifier.n_heads)
    >>> found = importance(classifier, examples.task, encoded, examples.labels, mask)
    >>> found.heads.shape == mask.heads.shape
    True
    """
    if len(encoded) == 0:
        raise BadRequest("Importance needs at least one example.")
    heads, mlps = gates_of(mask, device)
    if heads.shape != (classifier.n_layers, classifier.n_heads):
        raise BadMask(
            f"A mask of {mask.n_layers} layers x {mask.n_heads} heads does not fit {classifier.name}.",
            "Is it a mask for another model?",
        )
    weights = {name: parameter.to(device) for name, parameter in classifier.model.named_parameters()}
    layout = Layout.of(classifier.model)
    total_heads, total_mlps = torch.zeros_like(heads), torch.zeros_like(mlps)
    running_heads, running_mlps = torch.zeros_like(heads), torch.zeros_like(mlps)
    if estimator == "expected" and device != "cpu":
        batch_size *= 8  # each example has gates of its own, so the batching is free: few kernels for a GPU
    totals = {
        "total_heads": total_heads,
        "total_mlps": total_mlps,
        "running_heads": running_heads,
        "running_mlps": running_mlps,
    }
    done = 0
    if state and state.arrays and int(state.arrays["batch_size"]) == batch_size:  # else begun on another device
        done = int(state.arrays["batches"])
        for name, tensor in totals.items():
            tensor.copy_(torch.from_numpy(state.arrays[name]))
    batches = _batches(encoded, batch_size, estimator, device)
    for number, batch in enumerate(batches[done:], done):
        size = len(batch.indices)
        batch_heads = heads.expand(size, -1, -1).clone().requires_grad_(True)  # (B, L, H)
        batch_mlps = mlps.expand(size, -1).clone().requires_grad_(True)  # (B, L)
        logits = training_logits(weights, layout, batch, gates=Gates(batch_heads, batch_mlps, instead))
        losses = loss_per_example(task, logits, torch.from_numpy(labels[batch.indices]).to(device))
        # A sum keeps each example's gradient its own; the other two are defined on the mean.
        loss = losses.sum() if estimator == "expected" else losses.mean()
        head_grad, mlp_grad = torch.autograd.grad(loss, (batch_heads, batch_mlps))
        if estimator != "expected":  # one gate for the whole batch
            head_grad, mlp_grad = head_grad.sum(0, keepdim=True), mlp_grad.sum(0, keepdim=True)
        if estimator == "published":
            running_heads += head_grad[0]
            running_mlps += mlp_grad[0]
            total_heads += running_heads.abs()
            total_mlps += running_mlps.abs()
        else:
            total_heads += head_grad.abs().sum(0)
            total_mlps += mlp_grad.abs().sum(0)
        if state and state.pace.due:
            so_far = {"batches": number + 1, "batch_size": batch_size}
            state.save(**so_far, **{name: tensor.cpu().numpy() for name, tensor in totals.items()})
    count = len(encoded) if estimator == "expected" else len(batches)
    return Importance(_numpy(total_heads) / count, _numpy(total_mlps) / count, estimator)


def _batches(encoded: Encoded, batch_size: int, estimator: Estimator, device: str) -> list[Shard]:
    order = np.arange(len(encoded))
    if estimator == "expected":  # independent of batching: neighbours in length make the fewest buckets
        order = np.argsort(-encoded.lengths, kind="stable")
    return [shard_of(encoded, order[start : start + batch_size], device) for start in range(0, len(order), batch_size)]


def _numpy(tensor: torch.Tensor) -> Float64Array:
    return np.asarray(tensor.cpu().numpy(), np.float64)
