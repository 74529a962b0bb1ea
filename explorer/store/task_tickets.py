"""The masks that pruning ended with, task by task and seed by seed, whether computed here or imported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.store.bundle import command_for
from explorer.store.paper.importer import N_HEADS, N_LAYERS
from explorer.store.runs_of_task import in_paper_order
from explorer.store.schema import Key, Manifest, Run

Pruned = Literal["together", "heads", "mlps"]
"""What was pruned: heads and MLPs together, heads alone, MLPs alone."""
FAMILIES: dict[Pruned, str] = {"together": "heads_mlps", "heads": "heads", "mlps": "mlps"}
"""Way of pruning -> the name of its folder in the authors' files."""
Survivors = dict[str, dict[int, Mask]]
"""Task -> seed -> mask, seeds in the paper's order."""


def survivors(manifests: Iterable[Manifest], model: str, pruned: Pruned = "together") -> Survivors:
    """Of every run of a model that was pruned so; a family that prunes one kind keeps all of the other.

    Raises BadBundle where a run does not say how many layers and heads its model has.
    """
    of_model = [manifest for manifest in manifests if manifest.model == model]
    found: dict[Run, Mask] = {}
    for manifest in of_model:
        ours = (manifest.stage, manifest.variant) == ("structured", pruned)
        if ours or (manifest.stage, manifest.variant) == ("published-masks", FAMILIES[pruned]):
            shape = shape_of(of_model, manifest.key.run)
            found[manifest.key.run] = Mask.from_code(str(manifest.summary["ticket"]), *shape)
    tasks: Survivors = {}
    for run in sorted(found, key=lambda run: (run.task, in_paper_order(run.seed))):
        tasks.setdefault(run.task, {})[run.seed] = found[run]
    return tasks


def shape_of(manifests: Iterable[Manifest], run: Run) -> tuple[int, int]:
    """Layers and heads (L, H) of a run's model; raises BadBundle where nothing in the bundle says so."""
    imported = False
    for manifest in manifests:
        if manifest.key == Key(run, "finetune") and len(shape := manifest.config.get("shape", ())) == 2:
            return int(shape[0]), int(shape[1])
        imported |= manifest.key.run == run and manifest.stage == "published-masks"
    if imported:
        return N_LAYERS, N_HEADS
    again = command_for(Key(run, "finetune"))
    raise BadBundle(f"{run.path} does not say how many layers and heads its model has.", f"Make it again: `{again}`.")
