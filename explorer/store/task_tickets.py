"""The good tickets of a task, seed by seed: the masks that pruning ended with, computed here or imported.

Every page and stage takes them from here, so that all speak of the same seeds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory
from explorer.store.model_shape import shape_in
from explorer.store.paper.importer import N_HEADS, N_LAYERS
from explorer.store.runs_of_task import current, in_paper_order
from explorer.store.schema import Key, Manifest, Run

Pruned = Literal["together", "heads", "mlps"]
"""What was pruned: heads and MLPs together, heads alone, MLPs alone."""
FAMILIES: dict[Pruned, str] = {"together": "heads_mlps", "heads": "heads", "mlps": "mlps"}
"""Way of pruning -> the name of its folder in the authors' files."""


def tickets_by_task(
    manifests: Iterable[Manifest], model: str, pruned: Pruned = "together"
) -> dict[str, dict[int, Mask]]:
    """Collects the tickets of a model: task -> seed -> mask, seeds in the paper's order.

    Tickets that were found with different options cannot be compared: of a task, those count that were pruned with
    the options most of its seeds share (on a tie, those of the seed that the paper lists first). Where one kind was
    pruned, all of the other is kept. Raises BadBundle where a run does not say how many layers and heads it has.
    """
    of_model = Inventory(current(manifest for manifest in manifests if manifest.model == model))
    wanted = {("structured", pruned), ("published-masks", FAMILIES[pruned])}
    by_task: dict[str, list[Manifest]] = {}
    for manifest in sorted(of_model, key=lambda one: (one.task, in_paper_order(one.seed))):
        if manifest.complete and (manifest.stage, manifest.variant) in wanted:
            by_task.setdefault(manifest.task, []).append(manifest)
    return {
        task: {
            manifest.seed: Mask.from_code(str(manifest.summary["ticket"]), *shape_of(of_model, manifest.key.run))
            for manifest in _alike(pruned_runs)
        }
        for task, pruned_runs in by_task.items()
    }


def task_tickets(bundle: Bundle, model: str, task: str, pruned: Pruned = "together") -> dict[int, Mask]:
    """Collects the tickets of one task, seed -> mask, as `tickets_by_task` does; {} where none is pruned."""
    return tickets_by_task(bundle.manifests_of(model, task), model, pruned).get(task, {})


def tickets_beside(bundle: Bundle, run: Run, of_task: Mapping[int, Mask] | None = None) -> dict[int, Mask]:
    """Collects the tickets that a run's own may be combined with, its own included, in the paper's order.

    of_task: the task's tickets, where they were read already. They are the task's, or the run's own alone where it was
    pruned with other options than most. Raises BadBundle where the run is not pruned.
    """
    tickets = task_tickets(bundle, run.model, run.task) if of_task is None else of_task
    if run.seed in tickets:
        return dict(tickets)
    own = bundle.read(Key(run, "structured", "together")).manifest
    shape = shape_of(list(bundle.manifests_of(run.model, run.task)), run)
    return {run.seed: Mask.from_code(str(own.summary["ticket"]), *shape)}


def shape_of(manifests: Iterable[Manifest], run: Run) -> tuple[int, int]:
    """Finds layers and heads (L, H) of a run's model; raises BadBundle where nothing in the bundle says so."""
    imported, again = False, ""
    for manifest in manifests.of_run(run) if isinstance(manifests, Inventory) else manifests:
        if manifest.key == Key(run, "finetune"):
            again = manifest.command
            if (shape := shape_in(manifest)) is not None:
                return shape
        imported |= manifest.key.run == run and manifest.stage == "published-masks"
    if imported:
        return N_LAYERS, N_HEADS
    mend = f"Make it again: `{again}`." if again else "Fine-tune it in this bundle."
    raise BadBundle(f"{run.path} does not say how many layers and heads its model has.", mend)


def _alike(pruned_runs: Sequence[Manifest]) -> list[Manifest]:
    """Keeps the runs with the most frequent options; the first of equals, so give them in the paper's order."""
    options = [json.dumps(dict(manifest.config), sort_keys=True) for manifest in pruned_runs]
    ((usual, _),) = Counter(options).most_common(1)
    return [manifest for manifest, own in zip(pruned_runs, options, strict=True) if own == usual]
