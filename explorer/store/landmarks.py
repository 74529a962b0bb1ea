"""The masks of a run that the paper talks about, with their stored dev scores: its pruning path and its tickets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.runs_of_task import TOGETHER, complete
from explorer.store.schema import Key, Run

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
    for stage, variant in (TOGETHER, ("subnetworks", "")):
        key = Key(run, stage, variant)
        if complete(bundle, key):
            rows = bundle.read(key).table.to_dict("records")
            found += [_landmark(row, stage, shape) for row in rows]
    return tuple(found)


def _landmark(row: dict[Any, Any], stage: str, shape: tuple[int, int]) -> Landmark:
    of_path = stage == TOGETHER[0]
    name = (f"step {row['step']} of pruning" if row["step"] else "full model") if of_path else f"{row['kind']} ticket"
    return Landmark(
        name,
        PATH if of_path else TICKET,
        Mask.from_code(str(row["mask"]), *shape),
        float(row["score"]),
        float(row["low"]),
        float(row["high"]),
        int(row["n"]),
        bool(row["held"]) if of_path else True,
    )
