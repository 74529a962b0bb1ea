"""How long an artefact may take, from the seconds that earlier ones took."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from explorer.store.schema import Key, Manifest
from precompute.run.graph import Job


class Estimates:
    """Seconds of earlier artefacts: of the same one in other seeds, else of other tasks, else of its stage.

    otherwise: asked for what none of them tells.
    """

    def __init__(
        self, earlier: Iterable[Manifest], otherwise: Callable[[Key], float | None] = lambda _key: None
    ) -> None:
        self._otherwise = otherwise
        self._seconds: dict[tuple[str, ...], list[float]] = {}
        for manifest in earlier:
            for name in _names(manifest.key):
                self._seconds.setdefault(name, []).append(manifest.seconds)

    def seconds(self, key: Key) -> float | None:
        """Estimates the seconds of one artefact; None where nothing is known of it."""
        for name in _names(key):
            if name in self._seconds:
                return statistics.median(self._seconds[name])
        return self._otherwise(key)

    def total(self, jobs: Iterable[Job]) -> tuple[float, int]:
        """Adds up what can be estimated: seconds, and of how many jobs nothing is known."""
        each = [self.seconds(job.key) for job in jobs]
        return sum(one for one in each if one is not None), sum(one is None for one in each)


def by_longest_chain(jobs: Sequence[Job], estimates: Estimates) -> tuple[Job, ...]:
    """Orders jobs by the seconds of the longest chain of jobs that begins with each, longest first; ties as given."""
    waiting: dict[Key, list[Key]] = {}
    for job in jobs:
        for need in job.needs:
            waiting.setdefault(need, []).append(job.key)
    chains: dict[Key, float] = {}
    for job in reversed(jobs):  # whatever needs a job stands after it
        after = max((chains[key] for key in waiting.get(job.key, ())), default=0.0)
        chains[job.key] = (estimates.seconds(job.key) or 0.0) + after
    return tuple(sorted(jobs, key=lambda job: -chains[job.key]))


def in_words(seconds: float) -> str:
    """Words a span: '40 s', '12 min', '3.5 h'.

    >>> in_words(40), in_words(720), in_words(12_600)
    ('40 s', '12 min', '3.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _names(key: Key) -> tuple[tuple[str, ...], ...]:
    return ((key.stage, key.variant, key.run.task), (key.stage, key.variant), (key.stage,))
