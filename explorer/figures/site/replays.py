"""Every stored pruning run of a task as the site's player is told: a step is its mask, score, interval and words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.figures.grid_overlays import to_json
from explorer.figures.overlays import importance_overlay
from explorer.figures.signed import signed
from explorer.stats.paired import PairedDifference
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.pruning_words import method_words, step_words
from explorer.study.task_sheet import StoredPath
from explorer.tickets.pruning_path import PathStep, PruningPath

_RANK = re.compile(r"Importance ([\d.]+), rank (\d+) of \d+ .*")


def replay_data(paths: Sequence[StoredPath], majority: MajorityBaseline | None) -> dict[str, Any]:
    """What the player is told, fit for JSON: None for every nan. paths: at least one, of one task."""
    n_layers, n_heads = paths[0].path.steps[0].mask.heads.shape
    metric = paths[0].artefact.task.metric_words
    return {
        "layers": n_layers,
        "heads": n_heads,
        "metric": metric,
        "baseline": number(majority.score) if majority else None,
        "baselineTitle": majority.title if majority else "",
        "span": list(span_of(paths, majority)),
        "paths": [_path(one, metric) for one in paths],
    }


def change_words(step: int, change: PairedDifference) -> str:
    """Says how a step's score differs from the full model's on the same examples; '' for the full model itself."""
    if step == 0:
        return ""
    if math.isnan(change.difference):
        return "The difference from the full model is undefined."
    if signed(change.difference) == "0.000":
        return "The score of the full model."
    interval = "" if math.isnan(change.low) else f" [{signed(change.low)}, {signed(change.high)}]"
    return f"{signed(change.difference)}{interval} against the full model, paired{noise_words(change)}"


def noise_words(change: PairedDifference) -> str:
    """', within noise' where nothing tells the two apart."""
    return ", within noise" if change.within_noise else ""


def number(value: float) -> float | None:
    """The number as it is stored, to six digits; None for nan."""
    return None if math.isnan(value) else round(float(value), 6)


def _path(one: StoredPath, metric: str) -> dict[str, Any]:
    path = one.path
    return {
        "method": method_words(one.variant),
        "seed": f"Seed {one.run.seed}",
        "line": number(path.line),
        "ticket": path.ticket.number,
        "steps": [_step(path, step, metric, one.changes[step.number]) for step in path.steps],
    }


def _step(path: PruningPath, step: PathStep, metric: str, change: PairedDifference) -> dict[str, Any]:
    fill, words = None, None
    if (chosen_by := path.chosen_by(step.number)) is not None:
        title = "Importance in the full model" if step.number == 0 else "Importance before this step"
        cells = importance_overlay(*chosen_by, title, among=step.start)
        fill = to_json(cells.overlay)
        words = {
            "heads": [list(map(_rank, row)) for row in cells.head_words],
            "mlps": list(map(_rank, cells.mlp_words)),
        }
    return {
        "code": step.mask.code,
        "start": step.start.code,
        "score": number(step.score),
        "low": number(step.low),
        "high": number(step.high),
        "n": step.n,
        "held": step.held,
        "words": step_words(path, step.number, metric),
        "change": change_words(step.number, change),
        "fill": fill,
        "ranks": words,
    }


def _rank(words: str) -> str:
    """'0.83 5' of 'Importance 0.83, rank 5 of 72 heads': the player says the rest, which is the same for all."""
    match = _RANK.fullmatch(words)
    return f"{match[1]} {match[2]}" if match else ""


def span_of(paths: Sequence[StoredPath], majority: MajorityBaseline | None) -> tuple[float, float]:
    """The scores at the bottom and the top of the player's curve, the same for every run of a task."""
    drawn = [value for one in paths for step in one.path.steps for value in (step.score, step.low, step.high)]
    drawn += [one.path.line for one in paths] + ([majority.score] if majority else [])
    known = np.array([value for value in drawn if not math.isnan(value)] or [0.0, 1.0])
    margin = 0.08 * (np.ptp(known) or 1.0)
    return float(known.min() - margin), float(known.max() + margin)
