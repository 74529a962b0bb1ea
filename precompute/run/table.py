"""How a plan and its progress look on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from explorer.store.run_progress import JobStatus, RunProgress
from explorer.store.schema import Key
from precompute.run.estimate import Estimates, in_words
from precompute.run.graph import Job

_RUNNING, _FAILED = 16, 8
"""Lines shown of each at most."""


def plan_lines(
    jobs: Sequence[Job],
    done: Collection[Key],
    estimates: Estimates,
    slots: int,
    cannot: Mapping[Key, str] | None = None,
) -> list[str]:
    """Words a plan: an artefact a line with the seconds it may take, then all of it together.

    cannot: artefacts that will not be made, and why.
    """
    cannot = cannot or {}
    lines = []
    for job in jobs:
        seconds = estimates.seconds(job.key)
        there = "there" if job.key in done else "about " + in_words(seconds) if seconds is not None else "not known"
        lines.append(f"{job.key.path!s:<58} {'cannot be made' if job.key in cannot else there}")
    lines += [f"{many} cannot be made: {cause}." for cause, many in Counter(cannot.values()).items()]
    left = [job for job in jobs if job.key not in done and job.key not in cannot]
    seconds, unknown = estimates.total(left)
    words = f"{len(jobs)} artefacts, {len(jobs) - len(left) - len(cannot)} there, {len(left)} to be made"
    if left:
        one_by_one = f": about {in_words(seconds)} one by one"
        words += one_by_one + (f", {in_words(seconds / slots)} at best with --jobs {slots}" if slots > 1 else "")
        words += " by the seconds of earlier ones, on the machines that made those"
        words += f"; nothing is known of {unknown}" if unknown else ""
    return [*lines, words + "."]


@contextmanager
def live_table(*, quiet: bool = False) -> Iterator[Callable[[RunProgress], None]]:
    """Shows progress on stderr while the block runs: a table on a terminal, else a line whenever a job ends."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield _Lines(console, quiet)
        return
    with Live(console=console, refresh_per_second=2) as live:
        yield lambda progress: live.update(as_table(progress))


class _Lines:
    """A line for each job that ended since it was last told."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._told: set[str] = set()

    def __call__(self, progress: RunProgress) -> None:
        for job in progress.of("done", "failed", "blocked"):
            if job.path in self._told:
                continue
            self._told.add(job.path)
            if self._quiet or (job.status == "done" and not job.made):
                continue
            how = f"{job.seconds:.0f} s" if job.seconds is not None else ""
            line = f"{len(self._told)}/{len(progress.jobs)} {job.status} {job.path} {job.cause or how}"
            self._console.print(Text(line), soft_wrap=True)


def as_table(progress: RunProgress) -> Group:
    """Lays out what runs, what failed, and by task what is done and left."""
    running = Table("artefact", "seconds", "expected", title="running", title_justify="left", expand=False)
    for job in progress.of("running")[:_RUNNING]:
        expected = in_words(job.estimate) if job.estimate is not None else "not known"
        running.add_row(Text(job.path), f"{progress.updated - (job.since or progress.updated):.0f}", expected)
    by_task = Table("task", "done", "running", "waiting", "failed", "blocked", expand=False)
    for task, count in _by_task(progress.jobs).items():
        by_task.add_row(Text(task), *(str(count[s]) for s in ("done", "running", "waiting", "failed", "blocked")))
    parts: list[Table | Text] = [by_task, running]
    parts += [Text(f"failed: {job.path}: {job.cause}", style="red") for job in progress.of("failed")[:_FAILED]]
    left = progress.seconds_left
    words = f"about {in_words(left)} left" if left is not None else "no estimate: some stages were never timed"
    parts.append(
        Text(f"{progress.count()['done']} of {len(progress.jobs)} done, {words}. Ctrl-C stops; same command goes on.")
    )
    return Group(*parts)


def _by_task(jobs: Sequence[JobStatus]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for job in jobs:
        found.setdefault(job.path.split("/")[1], Counter())[job.status] += 1
    return found
