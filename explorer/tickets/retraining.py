"""Retraining a subnetwork: the mask goes on the PRE-TRAINED model, which is then fine-tuned as the full one was.

Prasanna et al. 2020, section 3: same recipe, same seed, so the same batches and the same dropout draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import torch
from transformers import BertForSequenceClassification

from explorer.bert.checkpoints import Classifier, weights_of, with_weights
from explorer.bert.gates import gated, gates_of
from explorer.errors import BadMask
from explorer.mask import Mask
from explorer.tickets.finetuning import Progress, Restriction, TrainingSet, finetune
from explorer.tickets.magnitude import WeightMask, apply
from explorer.tickets.recipes import Recipe


def retrain(
    pretrained: Classifier,
    data: TrainingSet,
    recipe: Recipe,
    seed: int,
    *,
    mask: Mask | None = None,
    weight_mask: WeightMask | None = None,
    device: str = "cpu",
    resume_dir: Path | None = None,
    save_every: int = 200,
    on_step: Callable[[Progress], None] | None = None,
) -> BertForSequenceClassification:
    """As `finetune`, of the part of `pretrained` that a mask keeps; without one, the same as `finetune`.

    mask: gates on heads and MLPs. What they switch off gets no gradient; its weights are still in the model that
    comes back, so evaluate it with the same mask. weight_mask: pruned weights start at 0 and stay exactly 0; the
    model that comes back needs no mask.
    Raises BadMask where a mask is for another model, and as `finetune` does.
    """
    if mask is None and weight_mask is None:
        restriction = None
    else:
        restriction = Restriction(_identity(mask, weight_mask), _around(mask, weight_mask))
    if mask is not None and mask.heads.shape != (pretrained.n_layers, pretrained.n_heads):
        raise BadMask(
            f"A mask of {mask.n_layers} layers x {mask.n_heads} heads does not fit {pretrained.name}.",
            "Is it a mask for another model?",
        )
    if weight_mask is not None:
        weights = apply(weights_of(pretrained.model), weight_mask)
        pretrained = with_weights(pretrained, weights, source=pretrained.source, sha256=pretrained.sha256)
    return finetune(
        pretrained,
        data,
        recipe,
        seed,
        device=device,
        resume_dir=resume_dir,
        save_every=save_every,
        on_step=on_step,
        restriction=restriction,
    )


@contextmanager
def frozen_at_zero(model: BertForSequenceClassification, pruned: dict[str, torch.Tensor]) -> Iterator[None]:
    """Within the block, backward passes give pruned weights (True in `pruned`, by name) a gradient of exactly 0.

    With it, AdamW leaves a weight of 0 where it is, and clipping counts only what is trained.
    """
    hooks = []
    try:
        for name, parameter in model.named_parameters():
            if name in pruned and parameter.requires_grad:
                hooks.append(parameter.register_hook(_without(pruned[name])))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _without(pruned: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda gradient: gradient.masked_fill(pruned, 0.0)


def _identity(mask: Mask | None, weight_mask: WeightMask | None) -> str:
    parts = []
    if mask is not None:
        parts.append(f"mask {mask.n_layers}x{mask.n_heads} {mask.code}")
    if weight_mask is not None:
        parts.append(f"weights {weight_mask.sha256}")
    return ", ".join(parts)


def _around(
    mask: Mask | None, weight_mask: WeightMask | None
) -> Callable[[BertForSequenceClassification], AbstractContextManager[None]]:
    pruned: dict[str, torch.Tensor] = {}  # unpacked at the first step, on the model's device

    @contextmanager
    def around(model: BertForSequenceClassification) -> Iterator[None]:
        with ExitStack() as stack:
            if mask is not None:
                stack.enter_context(gated(model, *gates_of(mask, model.device)))
            if weight_mask is not None:
                if not pruned:
                    for name in weight_mask.names:
                        pruned[name] = torch.from_numpy(~weight_mask.kept(name)).to(model.device)
                stack.enter_context(frozen_at_zero(model, pruned))
            yield

    return around
