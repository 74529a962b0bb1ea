"""The masks of a run that the paper talks about, with their stored dev scores: its pruning path and its tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.runs_of_task import TOGETHER, complete
from explorer.store.schema import Key, Run
from explorer.tickets.pruning_path import PathRow, rows_of

PATH, TICKET = "path", "ticket"


@dataclass(frozen=True)
class Landmark:
    """A named mask and what the bundle says that it scores on the run's dev set."""

    name: str
    """For the screen: 'step 3 of pruning', 'bad'."""
    kind: str
    """PATH: a step of the pruning run; TICKET: a subnetwork that is scored for itself."""
    mask: Mask
    score: float
    low: float
    high: float
    """95% interval over the n examples; nan where none is defined."""
    n: int
    held: bool = True
    """Whether pruning went on from it; False where its score fell below the line."""


def landmarks_of(bundle: Bundle, run: Run, shape: tuple[int, int]) -> tuple[Landmark, ...]:
    """The steps of the pruning run in their order, then the subnetworks, as far as the bundle goes; shape: (L, H).

    Raises BadBundle on artefacts that cannot be read, BadMask where their masks are for another shape.
    """
    found: list[Landmark] = []
    path, tickets = Key(run, *TOGETHER), Key(run, "subnetworks")
    if complete(bundle, path):
        found += [_of_path(row) for row in rows_of(bundle.read(path).table, shape)]
    if complete(bundle, tickets):
        found += [_of_ticket(row, shape) for row in bundle.read(tickets).table.to_dict("records")]
    return tuple(found)


def _of_path(row: PathRow) -> Landmark:
    name = f"step {row.number} of pruning" if row.number else "full model"
    return Landmark(name, PATH, row.mask, row.score, row.low, row.high, row.n, row.held)


def _of_ticket(row: Mapping[Any, Any], shape: tuple[int, int]) -> Landmark:
    return Landmark(
        f"{row['kind']} ticket",
        TICKET,
        Mask.from_code(str(row["mask"]), *shape),
        float(row["score"]),
        float(row["low"]),
        float(row["high"]),
        int(row["n"]),
    )
