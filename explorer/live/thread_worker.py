"""A worker that is a few threads of this process: for the scoring process, for tests and where there is no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from explorer.errors import BadRequest, Busy
from explorer.live.model_on_data import ModelOnData, Source
from explorer.live.model_pool import ModelPool
from explorer.live.turns import Piece, Turns
from explorer.live.worker import (
    PATIENCE,
    SESSIONS,
    Done,
    Dropped,
    Job,
    Milestone,
    Request,
    Running,
    Snapshot,
    Steps,
    Work,
)
from explorer.store.ledger import IN_MEMORY, Ledger

R = TypeVar("R")
MODELS = 3
"""Models on dev sets that are kept in memory at once: about 1 GB each at most."""
Told = Callable[[Sequence[Job[Any]], Snapshot[Any]], None]


class ThreadWorker:
    """Runs the work of many sessions in this process. See `Worker` for the order.

    At most `sessions` jobs wait at once. A job that its session has not asked after for `patience` seconds is dropped.
    models, ledger: what requests are answered with. threads: how many turns are taken at once, each of another piece of
    work. shares: called in a thread before its turn, with how many turns may be under way meanwhile. begins: told of
    the jobs whose turn begins. told: of each change of a job that its session did not make itself. rests: called
    whenever nothing is left to do.
    """

    def __init__(
        self,
        models: ModelPool[ModelOnData] | None = None,
        ledger: Ledger | None = None,
        *,
        sessions: int = SESSIONS,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        threads: int = 1,
        shares: Callable[[int], None] = lambda among: None,
        begins: Callable[[Sequence[Job[Any]]], None] = lambda jobs: None,
        told: Told = lambda jobs, snapshot: None,
        rests: Callable[[], None] = lambda: None,
    ) -> None:
        self._own_models, self._own_ledger = models is None, ledger is None
        self._models = models or ModelPool(MODELS)
        self._ledger = ledger or Ledger(IN_MEMORY)
        self._sessions, self._patience, self.clock = sessions, patience, clock
        self._begins, self._told, self._rests, self._shares = begins, told, rests, shares
        self._lock = threading.RLock()  # guards the four below and every change of a job
        self._wake = threading.Condition(self._lock)
        self._turns, self._spare = Turns(), Turns()
        self._closed = False
        self._at_once, self._threads = threads, list[threading.Thread]()

    def load(self, source: Source) -> Future[ModelOnData]:
        """Loads a model in the background; the same future for all who ask. It may hold any ExplorerError."""

        return self._models.ask(source.key, lambda: opened(source, self._ledger))

    def forget(self, source: Source) -> None:
        """Forgets a model, so that it is loaded anew."""
        self._models.forget(source.key)

    def submit(self, session: str, request: Request[R], *, spare: bool = False) -> Job[R]:
        """Starts the work, in place of what the session had asked for before. Raises Busy where too many wait.

        The request's model is an evaluator of this process.
        """
        return self.do(session, request.begin(request.model, self._ledger), spare=spare)

    def do(
        self, session: str, work: Work | Generator[Any, None, Any], *, spare: bool = False, number: int = 0
    ) -> Job[Any]:
        """Does as `submit` with work that is made already. number: the job's, for whoever is told of it."""
        work = Steps(work) if isinstance(work, Generator) else work
        job: Job[Any] = Job(session, spare, self.clock, self._ahead_of)
        job.number = number
        with self._lock:
            if self._closed:
                raise BadRequest("The app is being restarted.", "Load the page again.")
            age = self._end_of(session, spare)
            self._drop_abandoned()
            turns = self._lane(spare)
            if len(turns.jobs()) >= self._sessions:
                raise Busy(f"{self._sessions} other people's scores are being computed.", "Yours is asked for again.")
            piece = turns.add(job, work, age)
            if (other := next((of for of in piece.jobs if of is not job), None)) is not None:
                job.become(other.snapshot)
            if len(self._threads) < min(self._at_once, len(turns)):
                self._threads.append(threading.Thread(target=self._run, name="explorer-worker", daemon=True))
                self._threads[-1].start()
            self._wake.notify()
        return job

    def answer(self, session: str, result: R) -> Job[R]:
        """Returns a job that is done already, in place of what the session had asked for before."""
        job: Job[R] = Job(session, False, self.clock, self._ahead_of)
        with self._lock:
            self._end_of(session, False)
        job.become(Done(result))
        return job

    def drop(self, job: Job[Any]) -> None:
        """Ends a job that nobody wants any more."""
        with self._lock:
            job.become(Dropped())
            self._lane(job.spare).leave(job)

    def close(self) -> None:
        """Drops every job and ends the threads, after the turns under way."""
        with self._lock:
            self._closed = True
            for turns in (self._turns, self._spare):
                for job in turns.jobs():
                    self.drop(job)
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()
        if self._own_models:
            self._models.close()
        if self._own_ledger:
            self._ledger.close()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._drop_abandoned()
                while not self._closed and not (pieces := (self._turns or self._spare).next()):
                    self._wake.wait()
                if self._closed:
                    return
                turns = self._turns or self._spare
                jobs = [job for piece in pieces for job in piece.jobs]
                among = 1 if pieces[0].work.alone else min(self._at_once, len(turns))
            self._shares(among)
            self._begins(jobs)
            first, *others = pieces
            snapshots = first.work.turn([piece.work for piece in others])
            with self._lock:
                for piece, snapshot in zip(pieces, snapshots, strict=True):
                    self._take(turns, piece, snapshot)
                self._wake.notify_all()  # what was in hand may be another thread's next, or spare work may begin
            del pieces, jobs, first, others, snapshots  # what was ended must not stay alive while this thread waits
            if not self._turns and not self._spare:
                self._rests()

    def _take(self, turns: Turns, piece: Piece, snapshot: Snapshot[Any]) -> None:
        piece.begun, piece.in_hand = True, False
        if isinstance(snapshot, Running) and isinstance(snapshot.news, Milestone):
            snapshot = Running(snapshot.news.news)
            turns.give_way(piece)
        if not isinstance(snapshot, Running):
            turns.end(piece)
        for job in piece.jobs:
            job.become(snapshot)
        if piece.jobs:
            self._told(tuple(piece.jobs), snapshot)

    def _lane(self, spare: bool) -> Turns:
        return self._spare if spare else self._turns

    def _end_of(self, session: str, spare: bool) -> int | None:
        """Ends that session's job, or its spare one; gives its age, where it had one to itself."""
        lane, age = self._lane(spare), None
        for job in lane.jobs():
            if job.session == session:
                job.become(Dropped())
                age = lane.leave(job)
        return age

    def _drop_abandoned(self) -> None:
        latest = self.clock() - self._patience
        for lane in (self._turns, self._spare):
            for job in lane.jobs():
                if job.asked < latest:
                    self.drop(job)

    def _ahead_of(self, job: Job[Any]) -> int:
        with self._lock:
            return self._lane(job.spare).ahead_of(job) + (len(self._turns) if job.spare else 0)


def opened(source: Source, ledger: Ledger) -> ModelOnData:
    """Loads an evaluator; torch comes in with it, only where there is one to load."""
    from explorer.live import opening

    return opening.opened(source, ledger)
