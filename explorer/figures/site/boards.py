"""Head grids of the site that only show: survival over seeds, what each seed kept, and the published survival."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.figures.grid_overlays import Overlay, to_json
from explorer.figures.overlays import only_pruned, survival_overlay
from explorer.mask import Mask
from explorer.store.paper.published import published
from explorer.store.task_tickets import FAMILIES, Pruned
from explorer.study.words import counted, seeds


def survival_board(masks: Mapping[int, Mask], pruned: Pruned, name: str) -> dict[str, Any]:
    """All seeds together, then each alone; of one seed, what it kept. masks: seed -> good ticket."""
    cells = survival_overlay(masks)
    if pruned != "together":
        cells = only_pruned(cells, pruned)
    full = Mask.full(*next(iter(masks.values())).heads.shape)
    each = [(f"Seed {seed}", mask.code) for seed, mask in masks.items()]
    states = [(f"All {len(masks)} seeds", full.code), *each] if len(masks) > 1 else each
    return {
        "layers": full.n_layers,
        "heads": full.n_heads,
        "name": name,
        "fill": to_json(cells.overlay) if len(masks) > 1 else None,
        "hover": {"heads": cells.head_words.tolist(), "mlps": cells.mlp_words.tolist()},
        "states": states,
    }


def published_board(task: str, pruned: Pruned) -> tuple[dict[str, Any], str] | None:
    """The survival that the paper published for BERT-base, and how much is kept; None where it has none of the task."""
    figures = published()
    if task not in figures.tasks:
        return None
    share = figures.survival(FAMILIES[pruned], task)
    one = next(values for values in (share.heads, share.mlps) if values is not None)
    n = one.shape[0]
    heads = share.heads if share.heads is not None else np.full((n, n), np.nan)
    mlps = share.mlps if share.mlps is not None else np.full(n, np.nan)
    many = seeds(len(figures.seeds))
    fill = Overlay(heads, mlps, f"Survives, of {many}", "never", "always", gap="not pruned")
    board = {
        "layers": n,
        "heads": heads.shape[1],
        "name": f"Survival of BERT-base on {task}, as published",
        "fill": to_json(fill),
        "hover": {"heads": [list(map(_share_words, row)) for row in heads], "mlps": list(map(_share_words, mlps))},
        "states": [("", Mask.full(*heads.shape).code)],
    }
    parts = [counted(float(heads.sum()), "head")] if share.heads is not None else []
    parts += [counted(float(mlps.sum()), "MLP")] if share.mlps is not None else []
    return board, f"{', '.join(parts)}, {many}"


def small(board: Mapping[str, Any]) -> dict[str, Any]:
    """Makes a board one of many on a page: its cells alone, all seeds together."""
    return {**board, "size": "small", "states": board["states"][:1]}


def _share_words(share: float) -> str:
    return "not pruned here" if np.isnan(share) else f"survives in a share of {share:.2f}"
