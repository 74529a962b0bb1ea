"""Work that a session hands to the worker under a name, and follows on screen until it is over."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from explorer.errors import ExplorerError
from explorer.live.worker import Dropped, Job, Request, Snapshot, under_way
from explorer.ui import cached_models
from explorer.ui.scoring import polling
from explorer.ui.scoring.session import session

R = TypeVar("R")


@dataclass(frozen=True)
class Background(Generic[R]):
    """One piece of work of this session: what it is called, and everything that its result depends on.

    New work of a name takes the place of unfinished work of that name, whatever its identity.
    """

    name: str
    identity: Hashable
    kept: int = 1
    """How many jobs of this name the session remembers, the newest ones, each with its result."""

    @property
    def job(self) -> Job[R] | None:
        """The job of this very work; None where it was never started, or is no longer remembered."""
        return self._jobs.get(self.identity)

    @property
    def news(self) -> Snapshot[R] | None:
        """The newest news of this very work; None where it was never started. Asking keeps it alive."""
        job = self.job
        return None if job is None else job.news

    @property
    def to_start(self) -> bool:
        """Whether it was never started, or was given up before its end."""
        return self.news is None or isinstance(self.news, Dropped)

    def start(self, request: Request[R]) -> str:
        """Asks the worker for it, anew where there is a job already; why it cannot be, '' where it can."""
        try:
            job = cached_models.worker().submit(f"{session()}.{self.name}", request)
        except ExplorerError as error:
            return str(error)
        jobs = self._jobs
        jobs.pop(self.identity, None)
        while len(jobs) >= self.kept:
            jobs.pop(next(iter(jobs)))
        jobs[self.identity] = job
        return ""

    def follow(self, draw: Callable[[Any], None], *, every: float) -> None:
        """Draws where it stands, and again every so many seconds until it is over, less often among many.

        Draws nothing where it never started.
        """
        job = self.job
        if job is None:
            return
        news = job.news  # once: it may be over at any moment, and what is drawn as under way must be looked at again
        if not under_way(news):
            with st.container():
                draw(news)
        else:
            polling.follow(
                news,
                lambda: job.news,
                lambda found: not under_way(found),
                draw,
                every=lambda _: max(every, polling.pace(job.ahead)),
            )

    @property
    def _jobs(self) -> dict[Hashable, Job[R]]:
        jobs: dict[Hashable, Job[R]] = st.session_state.setdefault(f"background.{self.name}", {})
        return jobs
