"""The plan of `python -m precompute run` in this bundle, while it is carried out and after it was stopped."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pandas as pd
import streamlit as st

from explorer.store.run_progress import JobStatus, RunProgress, read_progress
from explorer.ui import visitor
from explorer.ui.as_text import code, plain
from explorer.ui.view import View

PACE = 3.0
"""Seconds between two looks while it is carried out."""
_STATUSES = ("done", "running", "waiting", "failed", "blocked")
_FAILURES = 12
"""Shown at most."""


def show(view: View) -> None:
    """What runs, what is left and what failed; nothing where no plan is under way or was left unfinished."""
    progress = read_progress(view.root)
    if progress is None or not progress.of("running", "waiting", "failed", "blocked"):
        return
    alive = progress.is_alive()
    st.fragment(_look, run_every=PACE if alive else None)(view.root, alive)


def _look(root: Path, was_alive: bool) -> None:
    progress = read_progress(root)
    if progress is None:
        return
    alive = progress.is_alive()
    if was_alive and not alive:
        st.rerun()  # the page shows what has come in, and looks no more
    count, n = progress.count(), len(progress.jobs)
    with st.container(border=True):
        st.markdown(
            f"**{_title(progress, alive=alive)}**: {count['done']} of {n} artefacts are there{_left(progress, alive)}."
        )
        st.progress(count["done"] / n)
        st.dataframe(_by_task(progress), hide_index=True, height="content", width="content", alt="A plan, task by task")
        running = progress.of("running")
        if alive and running:
            st.dataframe(_running(running), hide_index=True, height="content", width="content", alt="What runs now")
        _failures(progress)
        if not alive and progress.command:
            _go_on(progress)


def _title(progress: RunProgress, *, alive: bool) -> str:
    if alive:
        many = len(progress.of("running"))
        return f"A plan is being carried out, {many} artefact{'s' * (many != 1)} at once"
    return "A plan was stopped" if progress.of("running", "waiting") else "A plan ended"


def _left(progress: RunProgress, alive: bool) -> str:
    left = progress.seconds_left
    if not alive or left is None:
        return ""
    return f", about {_span(left)} left by the seconds of earlier ones"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _by_task(progress: RunProgress) -> pd.DataFrame:
    found: dict[str, Counter[str]] = {}
    for job in progress.jobs:
        found.setdefault(job.path.split("/")[1], Counter())[job.status] += 1
    return pd.DataFrame([{"task": task} | {name: many[name] for name in _STATUSES} for task, many in found.items()])


def _running(jobs: tuple[JobStatus, ...]) -> pd.DataFrame:
    now = time.time()
    return pd.DataFrame(
        [
            {
                "runs now": job.path.partition("/")[2],
                "for": _span(max(0.0, now - job.since)) if job.since is not None else "",
                "expected": _span(job.estimate) if job.estimate is not None else "not known",
            }
            for job in jobs
        ]
    )


def _failures(progress: RunProgress) -> None:
    failed = progress.of("failed")
    for job in failed[:_FAILURES]:
        st.markdown(f":material/error: {plain(job.path)}: {plain(job.cause)}")
    if len(failed) > _FAILURES:
        st.caption(f"and {len(failed) - _FAILURES} more")
    for cause, many in Counter(job.cause for job in progress.of("blocked")).most_common(_FAILURES):
        st.caption(f"{many} blocked: {plain(cause)}")


def _go_on(progress: RunProgress) -> None:
    st.caption("The same command goes on from here:")
    if visitor.served_on_localhost():
        st.code(progress.command, language="bash")
    else:
        st.markdown(code("python -m precompute run …") + " on the machine where it was begun")
