"""Every mask of a run whose score the bundle holds, so that it can be shown without the data or the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.model_shape import full_mask_in
from explorer.store.runs_of_task import complete
from explorer.store.schema import Key, Run


@dataclass(frozen=True)
class KnownScore:
    """A stored score on the task's dev set."""

    mask: Mask
    score: float
    predictions: NDArray[Any]
    """(n,): classes or values."""
    origin: str
    """Which artefact holds it, and where it came up there, in words."""
    kind: str = ""
    """The kind of subnetwork that it was scored as: random, bad, ...; '' where it was scored as something else."""


@dataclass(frozen=True)
class KnownRun:
    """A run as the bundle knows it: its dev labels, the full model and every stored mask."""

    run: Run
    task: Task
    labels: NDArray[np.float64]
    """(n,)"""
    full: KnownScore
    """Score of the mask that keeps all that the model has: heads that were cut out of it before are off in it."""
    by_code: Mapping[str, KnownScore]
    shape: tuple[int, int]
    """(L, H)"""


def known_run(bundle: Bundle, run: Run) -> KnownRun:
    """Raises BadBundle where the run's finetune artefact, or the shape of its model, is not in the bundle."""
    finetuned = bundle.read(Key(run, "finetune"))
    task = finetuned.task
    labels = finetuned.arrays["labels"].astype(np.float64)
    sources = [Key(run, "structured", method) for method in ("together", "heads", "mlps")]
    sources += [Key(run, "ablations"), Key(run, "subnetworks")]
    full_mask = full_mask_in(finetuned.manifest)
    n_layers, n_heads = full_mask.heads.shape
    full = KnownScore(
        full_mask,
        float(finetuned.manifest.summary["score"]),
        predictions_of(task, finetuned.arrays["logits"]),
        "the full model",
    )
    by_code = {full_mask.code: full}
    for key in sources:
        if not complete(bundle, key):
            continue
        artefact = bundle.read(key)
        for row, predictions in zip(artefact.table.to_dict("records"), artefact.arrays["predictions"], strict=True):
            mask = Mask.from_code(str(row["mask"]), n_layers, n_heads)
            kind = str(row["kind"]) if key.stage == "subnetworks" else ""
            place = _place(key.stage, row)
            by_code.setdefault(mask.code, KnownScore(mask, float(row["score"]), predictions, place, kind))
    return KnownRun(run, task, labels, full, by_code, (n_layers, n_heads))


def _place(stage: str, row: Mapping[Any, Any]) -> str:
    if stage == "structured":
        return f"step {row['step']} of pruning"
    return f"ablation of {row['component']}" if stage == "ablations" else f"the {row['kind']} subnetwork"
