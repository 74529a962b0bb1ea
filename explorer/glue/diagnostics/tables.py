"""What the five diagnostics share: reading a hand-written table, and an order that never changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from explorer.glue.tasks import Example

T = TypeVar("T")
Writer = Callable[[], Iterator[Example]]
"""Writes all examples of one phenomenon, without naming it."""


def rows(table: str) -> list[list[str]]:
    """The cells of a table written as 'a | b | c', one row a line; every row has as many cells."""
    cells = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    if len({len(row) for row in cells}) != 1:
        raise ValueError(f"Rows of different lengths in the table that begins {table.strip()[:40]!r}.")
    return cells


def sentence(words: str, end: str = ".") -> str:
    """The words with single spaces, a capital at the start and a full stop (or `end`)."""
    joined = " ".join(words.split()).replace(" ,", ",")
    return joined[:1].upper() + joined[1:] + end


def shuffled(items: Iterable[T], seed: int) -> list[T]:
    """The items in an order fixed by the seed; draws only random(), whose values Python keeps for good."""
    rng = random.Random(seed)
    return [item for _, item in sorted(((rng.random(), item) for item in items), key=lambda pair: pair[0])]


def quad(firsts: tuple[str, str], seconds: tuple[str, str]) -> Iterator[Example]:
    """Four pairs: firsts[i] goes with seconds[i] (class 1) and not with the other one (class 0).

    Every sentence occurs once in either class, so no single sentence gives the label away.
    """
    for i, first in enumerate(firsts):
        for j, second in enumerate(seconds):
            yield Example((first, second), float(i == j))


def tagged(writers: dict[str, Writer]) -> list[Example]:
    """The examples of all phenomena, each with its phenomenon."""
    return [
        Example(example.texts, example.label, phenomenon)
        for phenomenon, write in writers.items()
        for example in write()
    ]
