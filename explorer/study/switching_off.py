"""What is left of a model's score while its least important heads and MLPs go: the stored steps of a pruning run.

The steps that held are nested, each in the one before, so that they can be walked like a slider; the last step that
fell below the line is their end, where it takes still more from the ticket.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.arrays import BoolArray
from explorer.mask import Mask
from explorer.tickets.pruning_path import PathRow


@dataclass(frozen=True, eq=False)
class Stop:
    """A mask on the way from everything on to everything off, and what it scores."""

    mask: Mask
    score: float
    """On the dev set; nan where nothing stored says it."""
    low: float
    high: float
    """95% interval over the examples; nan where none is defined."""
    held: bool
    """Whether the score stayed on or above the 90% line."""

    @property
    def heads_off(self) -> int:
        """How many heads are off."""
        return self.mask.heads.size - self.mask.heads_kept

    @property
    def mlps_off(self) -> int:
        """How many MLPs are off."""
        return self.mask.mlps.size - self.mask.mlps_kept

    @property
    def parts_off(self) -> int:
        """How many heads and MLPs are off, together."""
        return self.heads_off + self.mlps_off


def stops_of(rows: Sequence[PathRow]) -> tuple[Stop, ...]:
    """Lists the steps of a run that held, then the last one that fell below the line; each mask lies in the one before.

    rows: every step of the run in order, at least the full model, which held.
    Steps that were taken back on the way are left out: they lead nowhere.
    """
    held = [row for row in rows if row.held]
    last, ticket = rows[-1], held[-1]
    beyond = [last] if not last.held and _within(last.mask, ticket.mask) else []
    return tuple(Stop(row.mask, row.score, row.low, row.high, row.held) for row in (*held, *beyond))


def all_off(shape: tuple[int, int]) -> Stop:
    """Makes the end of the slider, (L, H) heads and L MLPs off; nothing stored says what it scores."""
    nothing = Mask(np.zeros(shape, np.bool_), np.zeros(shape[0], np.bool_))
    return Stop(nothing, math.nan, math.nan, math.nan, held=False)


def off_since(stops: Sequence[Stop]) -> tuple[list[list[int | None]], list[int | None]]:
    """Tells for every head, (L, H), and MLP, (L,), at which stop it goes off first; None where it stays on."""
    heads = _first(np.stack([stop.mask.heads for stop in stops]))
    return heads, _first(np.stack([stop.mask.mlps for stop in stops]))


def size_words(stop: Stop) -> str:
    """Says what is off: '41 of 72 heads and 3 of 6 MLPs off'."""
    heads = f"{stop.heads_off} of {stop.mask.heads.size} heads"
    mlps = f"{stop.mlps_off} of {stop.mask.mlps.size} MLPs"
    if not stop.mlps_off:
        return f"{heads} off"
    return f"{heads} and {mlps} off" if stop.heads_off else f"{mlps} off"


def stop_words(stop: Stop, full: float, *, learnt: bool) -> str:
    """Says in one sentence what is seen at a stop that is not everything off.

    full: the score of the full model. learnt: whether that beats the baseline; else no share of it is taken.
    """
    if not stop.parts_off:
        return "Everything is on: this is the full model."
    size = size_words(stop)
    if math.isnan(stop.score):
        return f"{size}: the good ticket. Its score is not stored here."
    if not learnt or full <= 0:
        return f"{size}."
    share = stop.score / full
    if not stop.held:
        return f"{size}: {share:.0%} of the full score, below the 90% line."
    return (
        f"{size}, still {share:.0%} of the full score."
        if share < 1.005
        else f"{size}, and {share:.0%} of the full score."
    )


def _within(mask: Mask, other: Mask) -> bool:
    return bool((mask.heads <= other.heads).all() and (mask.mlps <= other.mlps).all())


def _first(kept: BoolArray) -> list[Any]:
    """(S, ...) -> (...): the first of S masks that does not keep it."""
    first = np.argmax(~kept, axis=0).astype(object)
    first[kept.all(axis=0)] = None
    return list(first.tolist())
