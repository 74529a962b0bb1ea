"""Fine-tuning a pre-trained BERT on one task, resumable at any step and the same whether interrupted or not.

Paper, section 3: AdamW, learning rate 2e-5 decaying linearly to 0, batches of 32, 3 epochs, five seeds.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import BertForSequenceClassification, get_linear_schedule_with_warmup
from transformers.models.bert.modeling_bert import BertSelfAttention

from explorer.bert.batches import pad
from explorer.bert.checkpoints import Classifier
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import Task
from explorer.tickets.recipes import Recipe
from explorer.tickets.resuming import restore, save


@dataclass(frozen=True)
class Progress:
    """After each step."""

    step: int
    steps: int
    loss: float
    """Mean training loss of this batch."""


@dataclass(frozen=True)
class TrainingSet:
    """What fine-tuning reads."""

    task: Task
    encoded: Encoded
    labels: NDArray[np.float64]
    """(n,)"""


@dataclass(frozen=True)
class Restriction:
    """What a fine-tuning is held to: gates, or weights that stay zero."""

    identity: str
    """Names it in the saved state: with another mask, it is another fine-tuning."""
    around: Callable[[BertForSequenceClassification], AbstractContextManager[Any]]
    """Entered for each step around its forward and backward pass, on the model in training."""


def loss_per_example(task: Task, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(B, n_outputs) and (B,) to (B,): cross-entropy, or squared error for regression."""
    if task.is_regression:
        return functional.mse_loss(logits.float().squeeze(-1), labels.float(), reduction="none")
    return functional.cross_entropy(logits.float(), labels.long(), reduction="none")


def epoch_order(lengths: NDArray[np.int64], recipe: Recipe, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The batches of one epoch, from seed and epoch alone, so that a resumed run draws the same."""
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    size = recipe.batch_size
    if recipe.group_by_length:
        pool = 50 * size
        order = np.concatenate(
            [
                chunk[np.argsort(-lengths[chunk], kind="stable")]
                for chunk in (order[i : i + pool] for i in range(0, len(order), pool))
            ]
        )
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    if recipe.group_by_length:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches


def finetune(
    pretrained: Classifier,
    data: TrainingSet,
    recipe: Recipe,
    seed: int,
    *,
    device: str = "cpu",
    resume_dir: Path | None = None,
    save_every: int = 200,
    on_step: Callable[[Progress], None] | None = None,
    restriction: Restriction | None = None,
    stop_after: int | None = None,
) -> BertForSequenceClassification:
    """A fine-tuned copy of `pretrained` (which is left as it is), in eval mode on the CPU.

    With `resume_dir`, state is saved there every `save_every` steps and picked up again by the same call.
    stop_after: steps after which to leave off, as if killed there once the state was saved; a later call goes on.
    Raises BadRequest where the saved state belongs to another recipe, model, seed, data set or restriction.
    """
    model = _trainable(pretrained, recipe, device)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(_decay_groups(model, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    steps = recipe.epochs * len(epoch_order(data.encoded.lengths, recipe, seed, 0))
    identity = _identity(pretrained, data, recipe, seed, restriction)
    around = restriction.around if restriction else nullcontext
    done = restore(resume_dir, identity, model, optimizer) if resume_dir else 0
    for group in optimizer.param_groups:
        group["initial_lr"] = recipe.learning_rate  # what a schedule that begins half-way counts from
    schedule = get_linear_schedule_with_warmup(optimizer, round(recipe.warmup_share * steps), steps, done - 1)

    end = steps if stop_after is None else min(stop_after, steps)
    for step, indices in _steps(data.encoded.lengths, recipe, seed, done, end):
        with torch.random.fork_rng(devices=[] if device == "cpu" else None):
            torch.manual_seed((seed << 32) + step)  # dropout from (seed, step): resuming changes nothing
            with around(model):
                loss = _loss(model, data, indices, recipe, device)
                loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if on_step:
            on_step(Progress(step + 1, steps, float(loss.detach())))
        if resume_dir and ((step + 1) % save_every == 0 or step + 1 == end) and step + 1 < steps:
            save(resume_dir, identity, step + 1, model, optimizer)
    _set_attention_dropout(model, pretrained.model.config.attention_probs_dropout_prob)
    model.eval()
    model.requires_grad_(False)
    return model.cpu()


def _trainable(pretrained: Classifier, recipe: Recipe, device: str) -> BertForSequenceClassification:
    model = copy.deepcopy(pretrained.model)
    model.to(torch.device(device))  # type: ignore[arg-type]  # transformers' stub hides nn.Module.to
    model.requires_grad_(True)
    if recipe.freeze_embeddings:
        model.bert.embeddings.requires_grad_(False)
    if recipe.attention_dropout is not None:
        _set_attention_dropout(model, recipe.attention_dropout)
    model.train()
    return model


def _set_attention_dropout(model: BertForSequenceClassification, share: float) -> None:
    for module in model.modules():
        if isinstance(module, BertSelfAttention):
            module.dropout.p = share


def _decay_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Biases and LayerNorms are not decayed, as in BERT's own optimizer."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    exempt = [p for name, p in named if name.endswith("bias") or "LayerNorm" in name]
    decayed = [p for name, p in named if not (name.endswith("bias") or "LayerNorm" in name)]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": exempt, "weight_decay": 0.0}]


def _steps(
    lengths: NDArray[np.int64], recipe: Recipe, seed: int, done: int, end: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    step = 0
    for epoch in range(recipe.epochs):
        for indices in epoch_order(lengths, recipe, seed, epoch):
            if done <= step < end:
                yield step, indices
            step += 1


def _loss(
    model: BertForSequenceClassification,
    data: TrainingSet,
    indices: NDArray[np.int64],
    recipe: Recipe,
    device: str,
) -> torch.Tensor:
    batch = pad(data.encoded, indices, device=device, multiple=8)  # few shapes, so that kernels are reused
    labels = torch.from_numpy(data.labels[indices]).to(device)
    autocast = torch.autocast(device.split(":")[0], torch.bfloat16) if recipe.bf16 else nullcontext()
    with autocast:
        logits = model(
            input_ids=batch.input_ids,
            token_type_ids=batch.token_types,
            attention_mask=batch.attention_mask,
        ).logits
    return loss_per_example(data.task, logits, labels).mean()


def _identity(
    pretrained: Classifier, data: TrainingSet, recipe: Recipe, seed: int, restriction: Restriction | None
) -> str:
    digest = hashlib.sha256(data.encoded.input_ids.tobytes())
    digest.update(data.labels.tobytes())
    parts = {"model": pretrained.sha256, "data": digest.hexdigest(), "recipe": asdict(recipe), "seed": seed}
    if restriction:
        parts["restriction"] = restriction.identity
    return json.dumps(parts, sort_keys=True)
