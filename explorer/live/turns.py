"""Whose turn is next: everyone's first turn, then the oldest request until it is finished; equal work is one piece."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.live.worker import Job, Work

TOGETHER = 8
"""Pieces that take a turn together, at most: each holds its own states in memory meanwhile."""
_AT_ONCE = 4
"""Turns that are taken at once, at most, for the same reason."""


@dataclass(eq=False)
class Piece:
    """Work, and the jobs that wait for it."""

    work: Work
    age: int
    """The smaller, the older."""
    jobs: list[Job[Any]] = field(default_factory=list)
    begun: bool = False
    """Whether its first turn is over."""
    in_hand: bool = False
    """Whether its turn is being taken."""

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for it."""
        return any(not job.over for job in self.jobs)


class Turns:
    """Pieces of work in the order in which they are finished. Not safe among threads: its owner has a lock."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._asked = 0

    def __len__(self) -> int:
        return len(self._pieces)

    def __iter__(self) -> Any:
        return iter(tuple(self._pieces))

    def add(self, job: Job[Any], work: Work, age: int | None = None) -> Piece:
        """Puts a job in line, or with whoever waits for equal work. age: of what it takes the place of."""
        if (same := self._like(work.key)) is not None:
            same.jobs.append(job)
            return same
        if age is None:
            age = self._asked = self._asked + 1
        piece = Piece(work, age, [job])
        self._pieces.append(piece)
        return piece

    def next(self) -> list[Piece]:
        """Takes in hand the pieces whose turn is next: one, and those that join it; none where all are in hand."""
        free = sorted((piece for piece in self._pieces if not piece.in_hand), key=lambda piece: piece.age)
        held = [piece for piece in self._pieces if piece.in_hand]
        if not free or any(piece.work.alone for piece in held):
            return []
        first = min(free, key=lambda piece: (piece.begun, piece.age))
        if first.work.alone and held:
            return []
        others = [piece for piece in free if piece is not first and first.work.joins(piece.work)]
        pieces = [first, *others[: TOGETHER - 1]]
        for piece in pieces:
            piece.in_hand = True
        return pieces

    def give_way(self, piece: Piece) -> None:
        """Makes it the youngest: others are finished first."""
        piece.age = self._asked = self._asked + 1

    def leave(self, job: Job[Any]) -> int | None:
        """Takes a job out, and its piece where nobody else waits for it; gives the age of a piece that went."""
        for piece in self._pieces:
            if job in piece.jobs:
                piece.jobs.remove(job)
                if piece.jobs:
                    return None
                self._pieces.remove(piece)
                return piece.age
        return None

    def end(self, piece: Piece) -> None:
        """Takes out a piece that is finished."""
        if piece in self._pieces:
            self._pieces.remove(piece)

    def jobs(self) -> Sequence[Job[Any]]:
        """All jobs that are waited for."""
        return [job for piece in self._pieces for job in piece.jobs]

    def ahead_of(self, job: Job[Any]) -> int:
        """Number of pieces that are finished before this job's."""
        own = next((piece for piece in self._pieces if job in piece.jobs), None)
        return 0 if own is None else sum(piece.age < own.age for piece in self._pieces)

    def _like(self, key: Hashable) -> Piece | None:
        if key is None:
            return None
        return next((piece for piece in self._pieces if piece.work.key == key), None)


def turns_at_once() -> int:
    """Counts the turns that this machine takes at once: one a processor, of at most OMP_NUM_THREADS where that is set,
    and no more than memory is set aside for."""
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    many = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(_AT_ONCE, many, int(given) if given.isdecimal() and int(given) else many))
