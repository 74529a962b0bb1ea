"""The pruning path: the ordered steps of one pruning run, what each switched off, why and what it was worth.

The one place that knows how a path is laid out in a bundle: `to_table` writes it, `rows_of` and `path_of` read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.arrays import BoolArray, Float64Array
from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.store.bundle import Artefact
from explorer.tickets.structured import THRESHOLD, threshold_of

_COLUMNS = ("step", "phase", "mask", "score", "low", "high", "n", "held", "seconds")


@dataclass(frozen=True, eq=False)
class PathStep:
    """One step as it was scored."""

    number: int
    """0 is the full model."""
    phase: str
    """full, together, heads or mlps."""
    mask: Mask
    start: Mask
    """Mask from which it started: the last before it that held."""
    score: float
    low: float
    high: float
    n: int
    held: bool
    """Whether the score stayed on or above the line; else the next step starts from `start` again."""
    importance: tuple[Float64Array, Float64Array] | None
    """Raw scores of heads (L, H) and MLPs (L,) that chose what to switch off; None for the full model."""

    @property
    def heads_off(self) -> BoolArray:
        """(L, H): switched off by this step."""
        return np.asarray(self.start.heads & ~self.mask.heads)

    @property
    def mlps_off(self) -> BoolArray:
        """(L,): switched off by this step."""
        return np.asarray(self.start.mlps & ~self.mask.mlps)


@dataclass(frozen=True, eq=False)
class PathRow:
    """One row of a stored path: a step without the importance that chose it."""

    number: int
    """0 is the full model."""
    phase: str
    """full, together, heads or mlps."""
    mask: Mask
    score: float
    low: float
    high: float
    """95% interval over the n examples; nan where none is defined."""
    n: int
    held: bool
    """Whether the score stayed on or above the line."""
    seconds: float
    """What scoring it took."""


def to_table(rows: Sequence[PathRow]) -> pd.DataFrame:
    """Lays rows out as the bundle stores them: a row a step, masks as codes."""
    return pd.DataFrame(
        {
            "step": [row.number for row in rows],
            "phase": [row.phase for row in rows],
            "mask": [row.mask.code for row in rows],
            "score": [row.score for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
            "n": [row.n for row in rows],
            "heads_kept": [row.mask.heads_kept for row in rows],
            "mlps_kept": [row.mask.mlps_kept for row in rows],
            "seconds": [row.seconds for row in rows],
            "held": [row.held for row in rows],
        }
    )


def rows_of(table: pd.DataFrame, shape: tuple[int, int]) -> tuple[PathRow, ...]:
    """Reads what `to_table` wrote; shape: (L, H). Raises BadMask where its masks are for another shape."""
    return tuple(
        PathRow(
            int(row["step"]),
            str(row["phase"]),
            Mask.from_code(str(row["mask"]), *shape),
            float(row["score"]),
            float(row["low"]),
            float(row["high"]),
            int(row["n"]),
            bool(row["held"]),
            float(row["seconds"]),
        )
        for row in table.to_dict("records")
    )


@dataclass(frozen=True)
class PruningPath:
    """The steps of one pruning run and the score below which a step is taken back."""

    steps: tuple[PathStep, ...]
    line: float

    @property
    def ticket(self) -> PathStep:
        """The last step that held."""
        return next(step for step in reversed(self.steps) if step.held)

    def chosen_by(self, number: int) -> tuple[Float64Array, Float64Array] | None:
        """The importance behind a step; for the full model that behind the first step, which was measured on it."""
        own = self.steps[number].importance
        return own if own is not None or len(self.steps) == 1 else self.steps[1].importance


def path_of(artefact: Artefact, shape: tuple[int, int]) -> PruningPath:
    """Reads a path from an artefact of stage structured; shape: (L, H).
    Raises BadBundle where it holds no steps or not the importance that chose them, BadMask where its masks are for
    another shape."""
    table, arrays = artefact.table, artefact.arrays
    if wrong := _not_a_path(table, arrays, shape):
        made = artefact.manifest
        raise BadBundle(f"{made.key.path} {wrong}.", f"Delete that folder and make it again: `{made.command}`.")
    steps: list[PathStep] = []
    start = Mask.full(*shape)
    for row in rows_of(table, shape):
        heads, mlps = (arrays[f"importance_{part}"][row.number].astype(np.float64) for part in ("heads", "mlps"))
        measured = row.number > 0 and bool(np.isfinite(heads).all() and np.isfinite(mlps).all())
        why = (heads, mlps) if measured else None
        steps.append(
            PathStep(row.number, row.phase, row.mask, start, row.score, row.low, row.high, row.n, row.held, why)
        )
        start = row.mask if row.held else start
    share = float(artefact.manifest.config.get("share", THRESHOLD))
    return PruningPath(tuple(steps), threshold_of(steps[0].score, share))


def _not_a_path(table: pd.DataFrame, arrays: Mapping[str, NDArray[Any]], shape: tuple[int, int]) -> str:
    """Says what makes an artefact no path, as the end of a sentence; empty where it is one."""
    if lacks := [name for name in _COLUMNS if name not in table]:
        return f"lacks the column {lacks[0]} of its table"
    if table.empty:
        return "holds no steps"
    if not bool(table["held"].iloc[0]):
        return "does not begin with a step that holds, as the full model does"
    for name, sizes in (("importance_heads", shape), ("importance_mlps", shape[:1])):
        if name not in arrays:
            return f"lacks the array {name}: what chose its steps is not known"
        if arrays[name].shape != (len(table), *sizes):
            return f"holds {name} of shape {arrays[name].shape}, not {(len(table), *sizes)} for its steps"
    if table["step"].tolist() != list(range(len(table))):
        return "does not number its steps from 0 on"
    return ""


def parts_words(heads: BoolArray, mlps: BoolArray, at_most: int = 16) -> str:
    """'heads 1-3, 4-2 (layer-head) and MLP 5', from 1; beyond `at_most` heads their number only."""
    places = [f"{layer + 1}-{head + 1}" for layer, head in np.argwhere(heads)]
    listed = f"{_listed('head', places)} (layer-head)" if places else ""
    named = f"{len(places)} heads" if len(places) > at_most else listed
    blocks = _listed("MLP", [f"{layer + 1}" for layer in np.flatnonzero(mlps)])
    return " and ".join(words for words in (named, blocks) if words)


def _listed(word: str, places: Sequence[str]) -> str:
    return f"{word}{'s' * (len(places) > 1)} {', '.join(places)}" if places else ""
