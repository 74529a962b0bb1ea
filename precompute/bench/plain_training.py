"""Plain transformers in training, against which ours is timed and proven: padded batches, autocast, gates as hooks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertForSequenceClassification, get_linear_schedule_with_warmup

from explorer.bert.batches import by_length, pad
from explorer.bert.checkpoints import Classifier
from explorer.bert.gates import encoder_layers, gated, gates_of
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.tickets.finetuning import TrainingSet, epoch_order, loss_per_example
from explorer.tickets.recipes import Recipe


def plain_steps(
    pretrained: Classifier,
    data: TrainingSet,
    recipe: Recipe,
    seed: int,
    *,
    mask: Mask | None = None,
    padded_to: int = 1,
    device: str = "cpu",
) -> Iterator[float]:
    """Fine-tunes a copy by stock BertForSequenceClassification, and yields the loss of each step.

    The recipe's batches, schedule, decay and clipping; `bf16` is autocast. mask: gates on the whole model. padded_to:
    every batch is padded to a multiple of it. device: where it runs.
    """
    model = _in_training(pretrained, recipe)
    model.to(torch.device(device))  # type: ignore[arg-type]  # transformers' stub hides nn.Module.to
    steps = recipe.epochs * len(epoch_order(data.encoded.lengths, recipe, seed, 0))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(_groups(model, recipe.weight_decay), lr=recipe.learning_rate)
    schedule = get_linear_schedule_with_warmup(optimizer, round(recipe.warmup_share * steps), steps)
    torch.manual_seed(seed)
    for epoch in range(recipe.epochs):
        for indices in epoch_order(data.encoded.lengths, recipe, seed, epoch):
            gates: AbstractContextManager[Any] = (
                nullcontext() if mask is None else gated(model, *gates_of(mask, device))
            )
            autocast = torch.autocast(device, torch.bfloat16) if recipe.bf16 else nullcontext()
            with gates:
                with autocast:
                    logits = _logits(model, data.encoded, indices, padded_to, device)
                labels = torch.from_numpy(data.labels[indices]).to(device)
                loss = loss_per_example(data.task, logits, labels).mean()
                loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, recipe.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            yield float(loss.detach())


def plain_importance(
    classifier: Classifier,
    task: Task,
    encoded: Encoded,
    labels: NDArray[np.float64],
    mask: Mask,
    *,
    padded_to: int | None = None,
    device: str = "cpu",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of |gradient| over batches of 32, heads (L, H) and MLPs (L,), by hooks and autograd.

    padded_to: every example is padded to it, and the gradients of all weights are computed beside those of the gates,
    as the authors' script does; without, batches are sorted by length and the weights are frozen. device: where.
    """
    model = classifier.model
    if padded_to is not None or device != str(model.device):
        model = copy.deepcopy(model).requires_grad_(padded_to is not None)
        model.to(torch.device(device))  # type: ignore[arg-type]  # as above
        order = np.array_split(np.arange(len(encoded)), -(-len(encoded) // 32))
    else:
        order = [batch.indices for batch in by_length(encoded, 32)]
    heads, mlps = (gate.requires_grad_(True) for gate in gates_of(mask, device))
    totals = [np.zeros(heads.shape), np.zeros(mlps.shape)]
    for indices in order:
        with gated(model, heads, mlps):
            logits = _logits(model, encoded, indices, padded_to or 1, device)
            loss_per_example(task, logits, torch.from_numpy(labels[indices]).to(device)).mean().backward()
        for total, gate in zip(totals, (heads, mlps), strict=True):
            assert gate.grad is not None
            total += gate.grad.abs().cpu().numpy()
            gate.grad = None
    return totals[0], totals[1]


def _in_training(pretrained: Classifier, recipe: Recipe) -> BertForSequenceClassification:
    model = copy.deepcopy(pretrained.model)
    model.train().requires_grad_(True)
    if recipe.freeze_embeddings:
        model.bert.embeddings.requires_grad_(False)
    if recipe.attention_dropout is not None:
        for layer in encoder_layers(model):
            layer.attention.self.dropout.p = recipe.attention_dropout
    return model


def _groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    exempt: Callable[[str], bool] = lambda name: name.endswith("bias") or "LayerNorm" in name  # noqa: E731
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for name, parameter in named if not exempt(name)], "weight_decay": weight_decay},
        {"params": [parameter for name, parameter in named if exempt(name)], "weight_decay": 0.0},
    ]


def _logits(
    model: BertForSequenceClassification, encoded: Encoded, indices: NDArray[np.int64], padded_to: int, device: str
) -> torch.Tensor:
    batch = pad(encoded, indices, device=device, multiple=padded_to)
    logits: torch.Tensor = model(
        input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
    ).logits
    return logits
