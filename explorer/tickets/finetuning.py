"""Fine-tuning a pre-trained BERT on one task, resumable at any step and the same whether interrupted or not.

Paper, section 3: AdamW, learning rate 2e-5 decaying linearly to 0, batches of 32, 3 epochs, five seeds.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import BertForSequenceClassification, get_linear_schedule_with_warmup
from transformers.models.bert.modeling_bert import BertSelfAttention

from explorer.bert.batches import pad
from explorer.bert.checkpoints import Classifier
from explorer.errors import BadRequest
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import Task


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune."""

    name: str
    learning_rate: float
    epochs: int
    batch_size: int = 32
    weight_decay: float = 0.0
    warmup_share: float = 0.0
    """Share of all steps over which the learning rate rises from 0."""
    freeze_embeddings: bool = False
    """Train the encoder, pooler and classifier only: the stored checkpoint then needs no embeddings."""
    group_by_length: bool = False
    """Draw batches of similar length (shuffled among and within groups): less padding, same epochs."""
    attention_dropout: float | None = None
    """Instead of the model's own; 0 lets the fused attention kernels run."""
    max_grad_norm: float = 1.0
    bf16: bool = False
    """bf16 autocast for the forward and backward pass; weights and AdamW stay fp32."""

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or self.learning_rate <= 0:
            raise BadRequest("A recipe needs at least one epoch, one example a batch and a positive learning rate.")


PAPER = Recipe("paper", learning_rate=2e-5, epochs=3)
"""Prasanna et al. 2020, section 3."""
MINILM_RECIPE = Recipe(
    "minilm",
    learning_rate=1e-4,
    epochs=3,
    weight_decay=0.01,
    warmup_share=0.06,
    freeze_embeddings=True,
    group_by_length=True,
    attention_dropout=0.0,
    bf16=True,
)
RECIPES = {recipe.name: recipe for recipe in (PAPER, MINILM_RECIPE)}


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
) -> BertForSequenceClassification:
    """A fine-tuned copy of `pretrained` (which is left as it is), in eval mode on the CPU.

    With `resume_dir`, state is saved there every `save_every` steps and picked up again by the same call.
    Raises BadRequest where the saved state belongs to another recipe, model, seed or data set.
    """
    model = _trainable(pretrained, recipe, device)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(_decay_groups(model, recipe.weight_decay), lr=recipe.learning_rate, fused=True)
    steps = recipe.epochs * len(epoch_order(data.encoded.lengths, recipe, seed, 0))
    schedule = get_linear_schedule_with_warmup(optimizer, round(recipe.warmup_share * steps), steps)
    identity = _identity(pretrained, data, recipe, seed)
    done = _restore(resume_dir, identity, model, optimizer, schedule) if resume_dir else 0

    for step, indices in _remaining(data.encoded.lengths, recipe, seed, done):
        with torch.random.fork_rng(devices=[] if device == "cpu" else None):
            torch.manual_seed((seed << 32) + step)  # dropout from (seed, step): resuming changes nothing
            loss = _loss(model, data, indices, recipe, device)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if on_step:
            on_step(Progress(step + 1, steps, float(loss.detach())))
        if resume_dir and (step + 1) % save_every == 0 and step + 1 < steps:
            _save(resume_dir, identity, step + 1, model, optimizer)
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


def _remaining(
    lengths: NDArray[np.int64], recipe: Recipe, seed: int, done: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    step = 0
    for epoch in range(recipe.epochs):
        for indices in epoch_order(lengths, recipe, seed, epoch):
            if step >= done:
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


def _identity(pretrained: Classifier, data: TrainingSet, recipe: Recipe, seed: int) -> str:
    digest = hashlib.sha256(data.encoded.input_ids.tobytes())
    digest.update(data.labels.tobytes())
    return json.dumps(
        {"model": pretrained.sha256, "data": digest.hexdigest(), "recipe": asdict(recipe), "seed": seed},
        sort_keys=True,
    )


def _save(folder: Path, identity: str, done: int, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
    partial = folder / "state.partial"
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        partial,
        metadata={"identity": identity, "done": str(done)},
    )
    partial.replace(folder / "state.safetensors")


def _restore(
    folder: Path,
    identity: str,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> int:
    """Steps already done: 0 where nothing (readable) is saved."""
    from safetensors import safe_open

    path = folder / "state.safetensors"
    if not path.exists():
        return 0
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError):
        return 0  # killed while writing on a disk that does not rename atomically: start over
    if metadata.get("identity") != identity:
        raise BadRequest(
            f"{folder} holds an unfinished fine-tuning with other options, data or model.",
            "Finish that one, or delete the folder.",
        )
    done = int(metadata["done"])
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, slot = name.split(".", 2)
            state.setdefault(int(number), {})[slot] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for _ in range(done):
        schedule.step()
    return done
