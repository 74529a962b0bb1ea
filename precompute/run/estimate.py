"""How long an artefact may take, from the seconds that earlier ones took."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from explorer.store.schema import Key, Manifest
from explorer.study.expected_seconds import loads_of, reckoned
from precompute.run.graph import Job


class Estimates:
    """Seconds of earlier artefacts: of the same one in other seeds, else of other tasks, else of its stage.

    What another task took is scaled by what there is to compute in each, where that is known. device: 'cpu' or 'cuda',
    whose seconds count: a GPU's say nothing of processors, nor the reverse. otherwise: asked for what none of them
    tells.
    """

    def __init__(
        self,
        earlier: Iterable[Manifest],
        otherwise: Callable[[Key], float | None] = lambda _key: None,
        device: str = "cpu",
    ) -> None:
        everything = list(earlier)
        self._otherwise = otherwise
        self._loads = loads_of(everything)
        self._timed: dict[tuple[str, ...], list[tuple[float, float | None]]] = {}
        for manifest in everything:
            if manifest.device.startswith(device):
                for name in _names(manifest.key):
                    self._timed.setdefault(name, []).append((manifest.seconds, self._reckoned(manifest.key)))

    def seconds(self, key: Key) -> float | None:
        """Estimates the seconds of one artefact; None where nothing is known of it."""
        same, *others = _names(key)
        if same in self._timed:
            return statistics.median(seconds for seconds, _ in self._timed[same])
        here = self._reckoned(key)
        for name in others:
            if timed := self._timed.get(name):
                scaled = [seconds * here / there for seconds, there in timed if there] if here else []
                return statistics.median(scaled or [seconds for seconds, _ in timed])
        return self._otherwise(key)

    def _reckoned(self, key: Key) -> float | None:
        """Seconds by what there is to compute alone; None where that is not known."""
        load = self._loads.get((key.run.model, key.run.task))
        return reckoned(key, load) if load else None

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
