"""The engine on this machine: processes of joblib's loky, each of which makes one artefact at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from joblib.externals.loky import ProcessPoolExecutor

from precompute.run.carrying_out import Outcome
from precompute.run.graph import Job
from precompute.run.worker import Setting, begin, log, make_job


@dataclass
class _Slot:
    """One process; a pool of its own, so that its death is nobody else's."""

    pool: ProcessPoolExecutor | None = None
    job: Job | None = None
    future: Future[Outcome] | None = None
    since: float = 0.0


class LocalEngine:
    """So many processes at once on this machine; on one GPU they share it."""

    def __init__(self, setting: Setting, jobs: int) -> None:
        """setting: what the jobs share. jobs: at once."""
        self._setting = setting
        self._slots = [_Slot() for _ in range(jobs)]

    @property
    def slots(self) -> int:
        """Jobs at once."""
        return len(self._slots)

    def start(self, job: Job) -> None:
        """Begins a job in a free process."""
        slot = next(slot for slot in self._slots if slot.job is None)
        if slot.pool is None:
            threads = max(1, (os.cpu_count() or 1) // self.slots)
            slot.pool = ProcessPoolExecutor(1, timeout=None, initializer=begin, initargs=(threads, os.getpid()))
        slot.job, slot.since = job, time.perf_counter()
        slot.future = slot.pool.submit(make_job, self._setting, job)

    def outcomes(self, seconds: float) -> Iterable[Outcome]:
        """Waits until a job has ended, at most so many seconds, and gives those that have."""
        running = {slot.future: slot for slot in self._slots if slot.future is not None}
        done, _ = wait(running, timeout=seconds, return_when=FIRST_COMPLETED)
        return [self._ended(running[future]) for future in done]

    def _ended(self, slot: _Slot) -> Outcome:
        job, future = slot.job, slot.future
        assert job is not None
        assert future is not None
        slot.job = slot.future = None
        fault = future.exception()
        if fault is None:
            outcome = future.result()
            log(self._setting.bundle, outcome)
            return outcome
        _end(slot)
        words = f"its process ended ({type(fault).__name__}); was memory short, or was it killed?"
        return Outcome(job.key, time.perf_counter() - slot.since, words, died=True)

    def stop(self) -> None:
        """Ends whatever runs; what it saved so far stays."""
        for slot in self._slots:
            _end(slot)


def _end(slot: _Slot) -> None:
    """Kills its process and waits until that is gone: else its semaphores would be left to the system."""
    if slot.pool is not None:
        slot.pool.shutdown(wait=True, kill_workers=True)
    slot.pool = slot.job = slot.future = None
