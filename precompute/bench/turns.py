"""Variants of one piece of work that take turns, so that whatever else the machine does falls on each alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm


@dataclass(frozen=True)
class Spent:
    """Time that some work took."""

    seconds: float
    cpu_seconds: float
    """Seconds of all threads."""


Work = Callable[[], Spent]


def in_turns(works: Mapping[str, Work], turns: int, words: str) -> dict[str, list[Spent]]:
    """Each of the works in turn, and all of them so many times."""
    spent: dict[str, list[Spent]] = {name: [] for name in works}
    with tqdm(total=turns * len(works), desc=words, unit="turn") as bar:
        for _ in range(turns):
            for name, work in works.items():
                spent[name].append(work())
                bar.update()
    return spent


def times(spent: Mapping[str, Sequence[Spent]], other: str, faster: str) -> tuple[float, float]:
    """Compares how many times as long the other takes, median over turns: on the clock and in processor time."""
    pairs = list(zip(spent[other], spent[faster], strict=True))
    return (
        statistics.median(slow.seconds / fast.seconds for slow, fast in pairs),
        statistics.median(slow.cpu_seconds / fast.cpu_seconds for slow, fast in pairs),
    )


def timed_work(work: Callable[[], None]) -> Work:
    """The whole of it, timed."""

    def timed() -> Spent:
        clock = [(time.perf_counter(), time.process_time())]
        work()
        clock.append((time.perf_counter(), time.process_time()))
        return between(clock)

    return timed


def between(clock: Sequence[tuple[float, float]]) -> Spent:
    """Subtracts the first from the last of some readings, each of the clock and of processor time."""
    return Spent(clock[-1][0] - clock[0][0], clock[-1][1] - clock[0][1])
