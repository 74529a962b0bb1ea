"""Carrying out a plan: jobs start when what they need is there; a failure stops only what needs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from explorer.store.run_progress import JobStatus, RunProgress, Status
from explorer.store.schema import Key
from precompute.run.graph import Job

_TRIES = 3
"""Times that a job is begun whose process died under it."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    key: Key
    seconds: float = 0.0
    error: str = ""
    """A sentence; '' where the artefact was made."""
    died: bool = False
    """Whether the process under it ended, so that trying again may help."""
    traceback: str = ""
    """Traceback of a fault that nobody foresaw, for the log."""


class Engine(Protocol):
    """Something that makes artefacts."""

    @property
    def slots(self) -> int:
        """Jobs at once."""

    def start(self, job: Job) -> None:
        """Begins a job."""

    def outcomes(self, seconds: float) -> Iterable[Outcome]:
        """Waits until a job has ended, at most so many seconds, and gives those that have."""

    def stop(self) -> None:
        """Ends whatever runs; what it saved so far stays."""


def _can_start(job: Job, states: Mapping[Key, JobStatus]) -> bool:
    made = all(states[need].status == "done" for need in job.needs if need in states)
    return made and not any(states[key].status in ("waiting", "running") for key in job.after if key in states)


def carry_out(
    jobs: Sequence[Job],
    done: Collection[Key],
    engine: Engine,
    tell: Callable[[RunProgress], None],
    *,
    order: Sequence[Job] | None = None,
    estimate: Callable[[Key], float | None] = lambda _key: None,
    cannot: Mapping[Key, str] | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.time,
    tick: float = 1.0,
) -> RunProgress:
    """Makes what is not done, as many at once as the engine takes, and returns how everything ended.

    done: artefacts that need not be made. tell: is told how far it is after every change and every `tick` seconds.
    order: which of the jobs that could start does; by default as given. estimate: seconds of a job, where known.
    cannot: jobs that are blocked from the start, and why. stop: asked at least every `tick` seconds whether to end.
    What a job needs and nobody makes must be there: the caller sees to it. Where it is told to stop, it raises
    KeyboardInterrupt after the engine was stopped.
    """
    now = clock()
    states = {
        job.key: JobStatus(str(job.key.path), "done" if job.key in done else "waiting", estimate=estimate(job.key))
        for job in jobs
    }
    tries: dict[Key, int] = {}
    waiting = [job for job in (order or jobs) if job.key not in done]
    of_plan = set(states)

    def progress() -> RunProgress:
        return RunProgress(started=now, updated=clock(), slots=engine.slots, jobs=tuple(states.values()))

    def change(key: Key, status: Status, **more: object) -> None:
        states[key] = replace(states[key], status=status, **more)  # type: ignore[arg-type]

    def of(status: Status) -> list[Key]:
        return [key for key, state in states.items() if state.status == status]

    for key, why in (cannot or {}).items():
        waiting = [job for job in waiting if job.key != key]
        change(key, "blocked", cause=why)
    try:
        tell(progress())
        while waiting or of("running"):
            stopped = {key for key in of_plan if states[key].status in ("failed", "blocked")}
            for job in [job for job in waiting if stopped & set(job.needs)]:
                waiting.remove(job)
                cause = next(need for need in job.needs if need in stopped)
                change(job.key, "blocked", cause=f"needs {cause.path}")
                stopped.add(job.key)
            for job in list(waiting):
                if len(of("running")) >= engine.slots:
                    break
                if _can_start(job, states):
                    waiting.remove(job)
                    tries[job.key] = tries.get(job.key, 0) + 1
                    change(job.key, "running", since=clock())
                    engine.start(job)
            tell(progress())
            if stop():
                raise KeyboardInterrupt
            for outcome in engine.outcomes(tick) if of("running") else ():
                again = outcome.died and tries[outcome.key] < _TRIES
                if again:
                    waiting.insert(0, next(job for job in jobs if job.key == outcome.key))
                    change(outcome.key, "waiting", since=None, cause=outcome.error)
                elif outcome.error:
                    change(outcome.key, "failed", seconds=outcome.seconds, cause=outcome.error)
                else:
                    change(outcome.key, "done", seconds=outcome.seconds, cause="", made=True)
    finally:
        engine.stop()
        for key in of("running"):
            change(key, "waiting", since=None, cause="stopped; what was saved is gone on from")
        tell(progress())
    return progress()
