"""Every score of the paper's conditions in a bundle: the full model, and each subnetwork pruned and retrained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.paper.published import FULL, MAJORITY
from explorer.store.runs_of_task import TOGETHER, complete, in_paper_order, seeds_with
from explorer.store.schema import Key, Manifest, Run
from explorer.store.task_tickets import task_tickets, tickets_beside

METHODS, TICKET_KINDS, STATES = ("structured", "super", "magnitude"), ("good", "random", "bad"), ("pruned", "retrained")
CONDITIONS = (FULL, MAJORITY, *(f"{m}/{k}/{s}" for m in METHODS for k in TICKET_KINDS for s in STATES))
"""Names of all conditions, as explorer.store.paper has them."""
PREFIX = {"structured": "", "super": "super-", "magnitude": "magnitude-"}
"""Method -> how the bundle's names of its subnetworks begin."""


@dataclass(frozen=True)
class ConditionScore:
    """Score of one condition of one run, and where in the bundle it stands."""

    score: float
    """nan where it is undefined."""
    key: Key
    """The artefact that holds it."""
    row: int = 0
    """Row of that artefact's table and predictions."""
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    mask: str = ""
    """Mask code; empty for magnitude pruning."""
    share_kept: float = math.nan
    """Share of the prunable weights that is kept, for magnitude pruning."""
    note: str = ""
    """Sentence where the subnetwork is not quite what its name promises."""


def run_scores(bundle: Bundle, run: Run, of_task: Callable[[], Mapping[int, Mask]]) -> dict[str, ConditionScore]:
    """Reads the score of every condition of one fine-tuned run that is there and not outdated, but for the majority
    baseline.

    of_task: gives the tickets of the run's task; asked where the run is pruned. A super or retrained score counts only
    with the masks that the bundle now holds. Raises BadBundle.
    """

    def current(stage: str, variant: str = "") -> Manifest | None:
        return complete(bundle, Key(run, stage, variant))

    scores = {FULL: _of_manifest(bundle.manifest(Key(run, "finetune")))}
    trajectory, codes = current(*TOGETHER), {}
    tickets = (
        {str(seed): mask.code for seed, mask in tickets_beside(bundle, run, of_task()).items()} if trajectory else {}
    )
    if (manifest := current("subnetworks")) and trajectory:
        own = manifest.config["tickets"].get(str(run.seed)) == tickets[str(run.seed)]
        for at, row in enumerate(bundle.read(manifest.key).table.to_dict("records")):
            method, kind = ("super", str(row["kind"])[6:]) if "super-" in row["kind"] else ("structured", row["kind"])
            if manifest.config["tickets"] == tickets or (own and method == "structured"):
                codes[str(row["kind"])] = row["mask"]
                scores[f"{method}/{kind}/pruned"] = _of_row(manifest.key, at, row)
    if trajectory and "structured/good/pruned" not in scores:
        scores["structured/good/pruned"] = replace(_of_ticket(bundle, trajectory), mask=tickets[str(run.seed)])
    hashes = {}
    for kind in TICKET_KINDS:
        if manifest := current("magnitude", kind):
            hashes[f"magnitude-{kind}"] = manifest.summary["weight_mask_sha256"]
            scores[f"magnitude/{kind}/pruned"] = _of_ticket(bundle, manifest)
    for method in METHODS:
        for kind in TICKET_KINDS:
            name, pruned = f"{PREFIX[method]}{kind}", scores.get(f"{method}/{kind}/pruned")
            if (manifest := current("retrained", name)) and _same_subnetwork(manifest.config, name, codes, hashes):
                share = pruned.share_kept if pruned else math.nan
                again = replace(_of_manifest(manifest), mask=str(manifest.config["mask"]), share_kept=share)
                scores[f"{method}/{kind}/retrained"] = again
    return scores


def study_scores(bundle: Bundle, model: str, task: str) -> dict[int, dict[str, ConditionScore]]:
    """Reads the scores of every condition for every fine-tuned seed of a task, in the paper's order of seeds; raises
    BadBundle.
    """
    seeds = sorted(seeds_with(bundle, model, task, "finetune"), key=in_paper_order)
    tickets = cache(lambda: task_tickets(bundle, model, task))  # read once for all seeds
    return {seed: run_scores(bundle, Run(model, task, seed), tickets) for seed in seeds}


def full_scores(manifests: Iterable[Manifest], model: str, task: str) -> list[ConditionScore]:
    """Reads the full model's score for every fine-tuned seed of a task from its manifest alone."""
    tuned = (one for one in manifests if (one.model, one.task, one.stage) == (model, task, "finetune"))
    return [_of_manifest(manifest) for manifest in tuned if manifest.complete]


def _of_manifest(manifest: Manifest) -> ConditionScore:
    summary = manifest.summary
    low, high = (_number(summary.get(end)) for end in ("low", "high"))
    return ConditionScore(_number(summary["score"]), manifest.key, low=low, high=high, n=int(summary.get("n", 0)))


def _of_ticket(bundle: Bundle, manifest: Manifest) -> ConditionScore:
    """Reads the step with which a pruning path ended from its table, where there is a table."""
    score = _number(manifest.summary["ticket_score"])
    table = bundle.read(manifest.key).table
    at = _ticket_row(manifest, table)
    if at is None:
        return ConditionScore(score, manifest.key)
    row = _of_row(manifest.key, at, table.iloc[at].to_dict())
    return replace(row, score=score, note=str(manifest.summary.get("note", "")))


def _ticket_row(manifest: Manifest, table: pd.DataFrame) -> int | None:
    """Good tickets are the last that held; the bad and random of magnitude pruning are the last row."""
    if table.empty:
        return None
    if manifest.key.stage == "magnitude" and manifest.variant != "good":
        return len(table) - 1
    held = np.flatnonzero(table["held"].to_numpy(bool))
    return int(held[-1]) if len(held) else None


def _of_row(key: Key, at: int, row: Mapping[Any, Any]) -> ConditionScore:
    return ConditionScore(
        _number(row["score"]),
        key,
        at,
        _number(row.get("low")),
        _number(row.get("high")),
        int(row.get("n", 0)),
        str(row.get("mask", "")),
        _number(row.get("share_kept")),
        str(row.get("note", "") or ""),
    )


def _same_subnetwork(config: Mapping[str, Any], name: str, codes: Mapping[str, str], hashes: Mapping[str, str]) -> bool:
    return bool(config["mask"] == codes.get(name, "") and config["weight_mask_sha256"] == hashes.get(name, ""))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
