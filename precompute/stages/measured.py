"""What each criterion of importance measures of a run, on each half of dev and on all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from explorer.arrays import AnyArray, Float64Array, Int64Array
from explorer.store.bundle import Artefact
from explorer.tickets import criteria
from explorer.tickets.criteria import BANZHAF, CHANCE, CRITERIA
from explorer.tickets.gate_gradients import (
    NODES,
    activation_norms,
    gate_gradients,
    losses_of,
    path_nodes,
    weight_norms,
)
from precompute.artefacts import Draft
from precompute.stages.ablations import single_ablations
from precompute.stages.opened import OpenRun, score_masks


@dataclass(frozen=True)
class Measured:
    """What each criterion but those of the bank measured, before anything is pruned in its order."""

    worth: Mapping[str, Float64Array]
    """Criterion -> worth of each component on the first half, the second, and all examples, (3, C)."""
    gradients: AnyArray
    """(n, C): gradient of each example's loss by each gate."""
    losses: Mapping[str, float]
    """Mean losses as the summary names them."""


def measured_before(earlier: Artefact) -> Measured:
    """Reads what an earlier league measured; none of it depends on the bank."""
    summary, arrays = earlier.manifest.summary, earlier.arrays
    worth = zip([name for name in summary["criteria"] if name != CHANCE], arrays["worth"], strict=True)
    losses = {name: float(summary[name]) for name in ("loss_full", "loss_empty", "loss_explained")}
    return Measured(dict(worth), arrays["gradients"], losses)


def measured(opened: OpenRun, draft: Draft, everything: Sequence[Int64Array]) -> Measured:
    """Measures each criterion but those of the bank. everything: examples of the halves, and all of them."""
    found, (full_loss, empty_loss) = _by_example(opened, draft)
    losses = {
        "loss_full": float(full_loss.mean()),
        "loss_empty": float(empty_loss.mean()),
        "loss_explained": float(found["integrated"].astype(np.float64).sum(axis=1).mean()),
    }
    names = [one.name for one in CRITERIA if one.name not in (BANZHAF, CHANCE)]
    worth = {name: np.stack([_worth(name, found, rows) for rows in everything]) for name in names}
    return Measured(worth, found["gradients"], losses)


def _by_example(opened: OpenRun, draft: Draft) -> tuple[Mapping[str, AnyArray], tuple[Float64Array, Float64Array]]:
    """What each component is to each example, (n, C) by name, and the losses (n,) with everything on and off."""
    of, classifier = opened.evaluator, opened.classifier
    arguments = (classifier, of.task, of.encoded, of.labels)
    batch = 32 if of.device == "cpu" else 256
    state = draft.state("measured")
    known = dict(state.arrays)

    def keep(name: str, value: AnyArray) -> None:
        known[name] = value
        state.save(**known)

    if "gradients" not in known:
        keep("gradients", gate_gradients(*arguments, batch_size=batch, device=of.device))
    places, weights = path_nodes(NODES)
    for number in range(int(known.get("nodes", np.array(0))), NODES):
        at = gate_gradients(*arguments, at=float(places[number]), batch_size=batch, device=of.device)
        known["integrated"] = known.get("integrated", np.zeros_like(at)) + np.float32(weights[number]) * at
        keep("nodes", np.array(number + 1))
    if "activation" not in known:
        keep("activation", activation_norms(of.engine, of.shards, len(of.encoded)))
    empty = replace(of.full_mask, heads=of.full_mask.heads & False, mlps=of.full_mask.mlps & False)
    single = dict(single_ablations(of.full_mask))
    names = [name for name in single if name.startswith("head")] + [name for name in single if name.startswith("mlp")]
    masks = [*(single[name] for name in names), empty]
    ablated = score_masks(of, masks, f"alone {opened.run.path}", draft.state("alone"))
    full_loss = losses_of(of.task, of.full.logits, of.labels)
    *alone, empty_loss = (losses_of(of.task, one.logits, of.labels) for one in ablated)
    known["ablation"] = np.stack(alone, axis=1) - full_loss[:, None]
    known["weights"] = np.broadcast_to(weight_norms(of.engine), known["ablation"].shape)
    return known, (full_loss, empty_loss)


def _worth(name: str, measured: Mapping[str, AnyArray], rows: Int64Array) -> Float64Array:
    """The worth of each component, (C,), by what was measured on some examples."""
    if name in ("integrated", "ablation", "activation", "weights"):
        mean = measured[name][rows].astype(np.float64).mean(axis=0)
        return -mean if name == "integrated" else mean  # what the loss falls by
    of = {
        "expected": criteria.expected,
        "signed": criteria.signed,
        "fisher": criteria.fisher,
        "batch": criteria.per_batch,
        "published": criteria.published,
    }
    return of[name](measured["gradients"][rows])
