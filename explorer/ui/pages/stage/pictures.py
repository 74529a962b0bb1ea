"""What a step of a story may draw, as plain values fit for JSON; the browser draws them (deck.js)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from explorer.mask import Mask
from explorer.stats.effects import Evidence
from explorer.tickets.pruning_path import PruningPath

Picture = dict[str, Any]
"""kind = grids | bars | path, and what that kind needs."""
Tone = Literal["full", "pruned", "again", "quiet"]


def grid_picture(mask: Mask) -> Picture:
    """One large model."""
    return grids_picture({"": mask})


def grids_picture(masks: Mapping[str, Mask], notes: Mapping[str, str] | None = None) -> Picture:
    """A model each, by title."""
    models = [
        {
            "title": title,
            "note": (notes or {}).get(title, ""),
            "heads": mask.heads.astype(int).tolist(),
            "mlps": mask.mlps.astype(int).tolist(),
        }
        for title, mask in masks.items()
    ]
    return {"kind": "grids", "models": models}


def share_grid(title: str, note: str, heads: ArrayLike, mlps: ArrayLike) -> dict[str, Any]:
    """A model whose cells are shares from 0 to 1: heads (L, H), mlps (L,)."""
    parts = {name: np.asarray(values, float).round(3).tolist() for name, values in (("heads", heads), ("mlps", mlps))}
    return {"title": title, "note": note, "shares": True} | parts


def bar(label: str, evidence: Evidence, tone: Tone, *, published: float = math.nan) -> dict[str, Any]:
    """A condition: its mean, every seed, and the published mean."""
    points = [value for value in evidence.by_seed.values() if not math.isnan(value)]
    return {
        "label": label,
        "tone": tone,
        "value": number(evidence.mean),
        "points": points if len(points) > 1 else [],
        "published": number(published),
    }


def bars_picture(bars: Sequence[Mapping[str, Any]], lines: Mapping[str, float], legend: Sequence[str]) -> Picture:
    """Bars from 0, beside lines by name; legend: what the marks mean."""
    known = {name: at for name, at in lines.items() if not math.isnan(at)}
    values = [value for of in bars for value in (of["value"], of["published"], *of["points"]) if value is not None]
    lowest, highest = min([0.0, *values, *known.values()]), max([0.1, *values, *known.values()])
    marks = [{"label": name, "at": at} for name, at in known.items()]
    return {"kind": "bars", "bars": list(bars), "lines": marks, "low": lowest, "high": highest, "legend": list(legend)}


def path_picture(path: PruningPath, metric: str, majority: float) -> Picture:
    """A pruning run: score by step, the line, and how many heads are left."""
    steps = [
        {"score": number(step.score), "held": step.held, "heads": step.mask.heads_kept, "mlps": step.mask.mlps_kept}
        for step in path.steps
    ]
    return {"kind": "path", "steps": steps, "line": path.line, "floor": number(majority), "metric": metric}


def number(value: float) -> float | None:
    """JSON has no nan."""
    return None if math.isnan(value) else float(value)
