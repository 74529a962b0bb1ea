"""How far a plan of many runs is: written by `run` while it works, read by the Runs page."""

from __future__ import annotations

import json
import math
import os
import socket
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from explorer.foreign import text_of
from explorer.store.bundle import WORK
from explorer.store.schema import key_at

Status = Literal["waiting", "running", "done", "failed", "blocked"]
_FILE = "run.json"
_LARGEST = 16 * 2**20
"""Bytes that are read; a plan of 10,000 artefacts has 2 MB."""


@dataclass(frozen=True)
class JobStatus:
    """One artefact of the plan."""

    path: str
    """The artefact's folder in the bundle: 'minilm-l6/MRPC/seed_1337/structured.together'."""
    status: Status
    since: float | None = None
    """Seconds since 1970 at which it was begun, while it runs."""
    seconds: float | None = None
    """Seconds that it took in this sitting."""
    estimate: float | None = None
    """Seconds that it was expected to take; None where nothing is known."""
    cause: str = ""
    """Why it failed, is blocked or waits again."""
    made: bool = False
    """Whether this sitting made it; else it was there."""


@dataclass(frozen=True)
class RunProgress:
    """A plan and how far it is."""

    started: float
    """Seconds since 1970."""
    updated: float
    """Seconds since 1970."""
    slots: int
    """Jobs at once."""
    jobs: tuple[JobStatus, ...]
    command: str = ""
    """The command that goes on with it."""
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)

    def count(self) -> Counter[str]:
        """Counts the jobs by status."""
        return Counter(job.status for job in self.jobs)

    def of(self, *statuses: Status) -> tuple[JobStatus, ...]:
        """Lists the jobs of some statuses in the plan's order."""
        return tuple(job for job in self.jobs if job.status in statuses)

    @property
    def seconds_left(self) -> float | None:
        """Estimates the seconds until all is done, shared by the slots; None where a job was never timed."""
        left = [
            (job.estimate, (self.updated - job.since) if job.since else 0.0) for job in self.of("waiting", "running")
        ]
        if any(estimate is None for estimate, _ in left):
            return None
        return sum(max(0.0, (estimate or 0.0) - spent) for estimate, spent in left) / max(1, self.slots)

    def is_alive(self) -> bool:
        """Tells whether the process that wrote it still works, as far as this machine can know."""
        if self.host != socket.gethostname() or not self.of("running", "waiting") or self.process < 1:
            return False
        return _runs(self.process)


def _runs(process: int) -> bool:
    """Whether there is such a process on this machine; where that cannot be known, yes."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def write_progress(root: Path, progress: RunProgress) -> None:
    """Writes it beside the bundle's unfinished work, whole or not at all."""
    folder = root / WORK
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{_FILE}.{os.getpid()}"
    partial.write_text(json.dumps(asdict(progress)), encoding="utf-8")
    partial.replace(folder / _FILE)
    for left in folder.glob(f".{_FILE}.*"):  # of a driver that was killed between those two lines
        writer = left.name.rpartition(".")[2]
        if writer.isdecimal() and not _runs(int(writer)):
            left.unlink(missing_ok=True)


def read_progress(root: Path) -> RunProgress | None:
    """Reads it; None where no plan was ever carried out in this bundle, or the file is not one that `run` wrote."""
    try:
        told: dict[str, Any] = json.loads(text_of(root / WORK / _FILE, _LARGEST))
        jobs = tuple(JobStatus(**job) for job in told.pop("jobs"))
        progress = RunProgress(jobs=jobs, **told)
        return progress if _has_right_types(progress) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def _has_right_types(progress: RunProgress) -> bool:
    numbers = [progress.started, progress.updated, progress.slots, progress.process]
    numbers += [n for job in progress.jobs for n in (job.since, job.seconds, job.estimate) if n is not None]
    texts = [progress.command, progress.host, *(text for job in progress.jobs for text in (job.path, job.cause))]
    return (
        all(
            isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
            for number in numbers
        )
        and all(isinstance(number, int) for number in (progress.slots, progress.process))
        and all(isinstance(text, str) for text in texts)
        and all(job.status in get_args(Status) and isinstance(job.made, bool) for job in progress.jobs)
        and all(key_at(Path(job.path)) is not None for job in progress.jobs)
    )
