"""Fine-tuning a pre-trained BERT on one task, resumable at any step and the same whether interrupted or not.

Paper, section 3: AdamW, learning rate 2e-5 decaying linearly to 0, batches of 32, 3 epochs, five seeds.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import BertForSequenceClassification, get_linear_schedule_with_warmup

from explorer.bert.checkpoints import Classifier
from explorer.bert.dropout import Draws
from explorer.bert.memory import keep_freed_memory
from explorer.bert.precision import fast_dtype
from explorer.bert.shards import Shard, shard_of
from explorer.bert.surgery import cut, cut_tensors, put_back
from explorer.bert.training_forward import Layout, training_logits
from explorer.bert.working_weights import WorkingWeights
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.store.saved_state import Pace
from explorer.tickets.recipes import Recipe
from explorer.tickets.resuming import restore, save, saved_seconds

_VERSION = 2
"""Counts up whenever a step may come out differently, so that a saved state goes on as it began."""


@dataclass(frozen=True)
class Progress:
    """After each step."""

    step: int
    steps: int
    batch_loss: torch.Tensor
    """Mean training loss of this batch, where it was computed."""

    @property
    def loss(self) -> float:
        """The mean training loss of this batch; reading it waits until the device has computed it."""
        return float(self.batch_loss)


@dataclass(frozen=True)
class TrainingSet:
    """Examples and labels that fine-tuning reads."""

    task: Task
    encoded: Encoded
    labels: NDArray[np.float64]
    """(n,)"""


@dataclass(frozen=True)
class Restriction:
    """Constraint of a fine-tuning: a part of the model, or weights that stay zero."""

    identity: str
    """Names it in the saved state: with another mask, it is another fine-tuning."""
    mask: Mask | None = None
    """Heads and MLPs that it switches off are cut away before training, and put back as it was after it."""
    zeroed: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """By name, in the weight's shape: True for what gets no gradient."""


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
    dtype: torch.dtype | None = None,
    pace: Pace | None = None,
) -> BertForSequenceClassification:
    """A fine-tuned copy of `pretrained` (which is left as it is), in eval mode on the CPU.

    With `resume_dir`, state is saved there every `save_every` steps, whenever `pace` says so (by default every 30 s)
    and after the last step, and picked up again by the same call.
    stop_after: steps after which to leave off, as if killed there once the state was saved; a later call goes on.
    dtype: of the encoder's forward and backward pass; default: `training_dtype`.
    Raises BadRequest where the saved state belongs to another recipe, model, seed, data set or restriction.
    """
    keep_freed_memory()
    mask = restriction.mask if restriction else None
    model = _trainable(pretrained, recipe, mask, device)
    layout = Layout.of(model, attention_dropout=recipe.attention_dropout)
    weights = WorkingWeights(model, dtype or training_dtype(recipe, device))
    zeroed = _zeroed(restriction, mask, pretrained, model)
    optimizer = torch.optim.AdamW(_decay_groups(model, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    steps = recipe.epochs * len(epoch_order(data.encoded.lengths, recipe, seed, 0))
    identity = _identity(pretrained, data, recipe, seed, restriction)
    done = restore(resume_dir, identity, model, optimizer) if resume_dir else 0
    before, pace = saved_seconds(resume_dir) if resume_dir else 0.0, pace or Pace()
    for group in optimizer.param_groups:
        group["initial_lr"] = recipe.learning_rate  # what a schedule that begins half-way counts from
    schedule = get_linear_schedule_with_warmup(optimizer, round(recipe.warmup_share * steps), steps, done - 1)

    end = steps if stop_after is None else min(stop_after, steps)
    for step, indices in _steps(data.encoded.lengths, recipe, seed, done, end):
        weights.refresh()
        # Dropout from (seed, step) alone: resuming changes nothing.
        loss = _loss(weights.by_name, layout, data, shard_of(data.encoded, indices, device), Draws(seed, step))
        loss.backward()
        weights.hand_over_gradients()
        for parameter, off in zeroed:
            if parameter.grad is not None:
                parameter.grad.masked_fill_(off, 0.0)
        torch.nn.utils.clip_grad_norm_(weights.trained, recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if on_step:
            on_step(Progress(step + 1, steps, loss.detach()))
        if resume_dir and ((step + 1) % save_every == 0 or step + 1 == end or pace.due):
            with pace.saving():
                save(resume_dir, identity, step + 1, model, optimizer, before + pace.so_far)
    model.cpu()
    return _whole(pretrained, model, mask)


def training_dtype(recipe: Recipe, device: str = "cpu") -> torch.dtype:
    """Returns the type in which the encoder is computed: bf16 where the recipe allows it and the processor
    multiplies in it."""
    return fast_dtype(device) if recipe.bf16 else torch.float32


def _trainable(pretrained: Classifier, recipe: Recipe, mask: Mask | None, device: str) -> BertForSequenceClassification:
    model = copy.deepcopy(pretrained.model) if mask is None else cut(pretrained, mask)
    model.to(torch.device(device))  # type: ignore[arg-type]  # transformers' stub hides nn.Module.to
    model.requires_grad_(True)
    if recipe.freeze_embeddings:
        model.bert.embeddings.requires_grad_(False)
    return model


def _whole(
    pretrained: Classifier, trained: BertForSequenceClassification, mask: Mask | None
) -> BertForSequenceClassification:
    """The trained model in eval mode; what a mask cut away is put back as `pretrained` has it."""
    if mask is not None:
        weights = put_back(pretrained, mask, trained.state_dict())
        trained = copy.deepcopy(pretrained.model)
        trained.load_state_dict(weights)
    trained.eval()
    trained.requires_grad_(False)
    return trained


def _zeroed(
    restriction: Restriction | None, mask: Mask | None, pretrained: Classifier, model: BertForSequenceClassification
) -> list[tuple[torch.nn.Parameter, torch.Tensor]]:
    """The trained parameters with weights that stay zero, and which."""
    if restriction is None or not restriction.zeroed:
        return []
    off = {name: torch.from_numpy(array) for name, array in restriction.zeroed.items()}
    if mask is not None:
        off = cut_tensors(off, mask, pretrained.model.config.hidden_size // mask.n_heads)
    named = dict(model.named_parameters())
    return [(named[name], pruned.to(named[name].device)) for name, pruned in off.items() if named[name].requires_grad]


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
    weights: Mapping[str, torch.Tensor], layout: Layout, data: TrainingSet, shard: Shard, draws: Draws
) -> torch.Tensor:
    labels = torch.from_numpy(data.labels[shard.indices]).to(shard.cls.device)
    return loss_per_example(data.task, training_logits(weights, layout, shard, draws=draws), labels).mean()


def _identity(
    pretrained: Classifier, data: TrainingSet, recipe: Recipe, seed: int, restriction: Restriction | None
) -> str:
    digest = hashlib.sha256(data.encoded.input_ids.tobytes())
    digest.update(data.labels.tobytes())
    parts = {
        "code": _VERSION,
        "model": pretrained.sha256,
        "data": digest.hexdigest(),
        "recipe": asdict(recipe),
        "seed": seed,
    }
    if restriction:
        parts["restriction"] = restriction.identity
    return json.dumps(parts, sort_keys=True)
