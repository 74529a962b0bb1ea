"""Retraining a subnetwork: the mask goes on the PRE-TRAINED model, which is then fine-tuned as the full one was.

Prasanna et al. 2020, section 3: same recipe, same seed, so the same batches, and the same dropout draws but within
attention. What a mask prunes is cut away for the time of training, so that a small ticket costs little.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from transformers import BertForSequenceClassification

from explorer.bert.checkpoints import Classifier, weights_of, with_weights
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

    mask: heads and MLPs. What it switches off is not trained; in the model that comes back it is as it was, so evaluate
    that with the same mask. weight_mask: pruned weights start at 0 and stay exactly 0; the model that comes back
    needs no mask.
    Raises BadMask where a mask is for another model, and as `finetune` does.
    """
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
        restriction=_restriction(mask, weight_mask),
    )


def _restriction(mask: Mask | None, weight_mask: WeightMask | None) -> Restriction | None:
    if mask is None and weight_mask is None:
        return None
    zeroed = {} if weight_mask is None else {name: ~weight_mask.kept(name) for name in weight_mask.names}
    return Restriction(_identity(mask, weight_mask), mask, zeroed)


def _identity(mask: Mask | None, weight_mask: WeightMask | None) -> str:
    parts = []
    if mask is not None:
        parts.append(f"cut to {mask.n_layers}x{mask.n_heads} {mask.code}")
    if weight_mask is not None:
        parts.append(f"weights {weight_mask.sha256}")
    return ", ".join(parts)
