"""One computing thread for everyone: fair turns, newest request first, a crash told to its own session only.

The work is a generator: each next() is one turn (one shard of a dev set), what it yields is news for the screen,
what it returns is the result. Work ends between two turns or not at all, so nothing is ever half computed.
Spare work takes a turn only where nobody waits for anything else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from explorer.errors import BadRequest, Busy, ExplorerError

_LOG = logging.getLogger(__name__)
R = TypeVar("R")


@dataclass(frozen=True)
class Waiting:
    """State of a job whose first turn has not come yet."""

    ahead: int
    """Sessions whose turn comes first."""


@dataclass(frozen=True)
class Running:
    """State of a job under way."""

    news: Any
    """What the work yielded last."""


@dataclass(frozen=True)
class Done(Generic[R]):
    """State of a job that is finished."""

    result: R


@dataclass(frozen=True)
class Failed:
    """State of a job whose work raised; the work of other sessions goes on."""

    error: ExplorerError


@dataclass(frozen=True)
class Dropped:
    """State of a job ended early: its session asked for something newer or stopped asking, or the worker was closed."""


Snapshot = Waiting | Running | Done[R] | Failed | Dropped


class Job(Generic[R]):
    """Work that one session waits for. Its snapshots are frozen: read them from any thread."""

    def __init__(self, session: str, worker: Worker) -> None:
        self.session = session
        self._worker = worker
        self._asked = worker.clock()
        self._snapshot: Snapshot[R] | None = None  # None: not begun
        self._over = threading.Event()

    @property
    def news(self) -> Snapshot[R]:
        """Latest state. Reading it keeps the job alive: a job that nobody asks after is dropped."""
        self._asked = self._worker.clock()
        return self._snapshot or Waiting(self._worker._ahead_of(self))

    @property
    def over(self) -> bool:
        """Whether the state is final."""
        return self._over.is_set()

    def wait(self, timeout: float) -> Snapshot[R]:
        """Returns the state once the job is over, after at most `timeout` seconds."""
        self._asked = self._worker.clock() + timeout
        self._over.wait(timeout)
        return self.news

    def _set(self, snapshot: Snapshot[R]) -> None:
        self._snapshot = snapshot
        if not isinstance(snapshot, Waiting | Running):
            self._over.set()


@dataclass(frozen=True, eq=False)
class _Turn:
    job: Job[Any]
    work: Generator[Any, None, Any]
    spare: bool = False


class Worker:
    """Runs the work of many sessions in one thread, a turn of each in rotation.

    A session has one job: a newer one takes the place of the older, which ends between two turns. At most
    `sessions` wait at once. A job that its session has not asked after for `patience` seconds is dropped.
    Beside it a session may have one spare job, to which all the same applies among the spare ones.
    """

    def __init__(
        self, *, sessions: int = 32, patience: float = 20.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions, self._patience, self.clock = sessions, patience, clock
        self._lock = threading.Lock()  # guards the five below and every change of a job
        self._wake = threading.Condition(self._lock)
        self._turns: deque[_Turn] = deque()
        self._spare: deque[_Turn] = deque()
        self._current: _Turn | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, session: str, work: Generator[Any, None, R], *, spare: bool = False) -> Job[R]:
        """Starts the work, in place of what the session had asked for before. Raises Busy where too many wait.

        spare: takes a turn only while no job waits that is not, and replaces only the session's older spare job.
        """
        job: Job[R] = Job(session, self)
        with self._lock:
            if self._closed:
                raise BadRequest("The app is being restarted.", "Load the page again.")
            place = self._end_of(session, spare)
            self._drop_abandoned()
            lane = self._lane(spare)
            if len(lane) + self._is_running(spare) >= self._sessions:
                raise Busy(f"{self._sessions} other people's scores are being computed.", "Yours is asked for again.")
            lane.insert(len(lane) if place is None else place, _Turn(job, work, spare))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="explorer-worker", daemon=True)
                self._thread.start()
            self._wake.notify()
        return job

    def answer(self, session: str, result: R) -> Job[R]:
        """Returns a job that is done already, in place of what the session had asked for before."""
        job: Job[R] = Job(session, self)
        with self._lock:
            self._end_of(session, False)
        job._set(Done(result))
        return job

    def close(self) -> None:
        """Drops every job and ends the thread, after the turn under way."""
        with self._lock:
            self._closed = True
            for turn in (*self._turns, *self._spare, *([self._current] if self._current else ())):
                if not turn.job.over:
                    turn.job._set(Dropped())
            self._turns.clear()
            self._spare.clear()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._drop_abandoned()
                while not self._turns and not self._spare and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                turn = self._current = (self._turns or self._spare).popleft()
            snapshot = _advance(turn.work)
            with self._lock:
                self._current = None
                if not turn.job.over:  # else a newer request ended it meanwhile
                    turn.job._set(snapshot)
                    if isinstance(snapshot, Running):
                        self._lane(turn.spare).append(turn)
            del turn  # what was ended must not stay alive while this thread waits

    def _lane(self, spare: bool) -> deque[_Turn]:
        return self._spare if spare else self._turns

    def _end_of(self, session: str, spare: bool) -> int | None:
        """Ends that session's job, or its spare one; gives its place among the turns, where it had one."""
        current, lane = self._current, self._lane(spare)
        if current is not None and current.job.session == session and self._is_running(spare):
            current.job._set(Dropped())
        for place, turn in enumerate(lane):
            if turn.job.session == session:
                turn.job._set(Dropped())
                del lane[place]
                return place
        return None

    def _drop_abandoned(self) -> None:
        latest = self.clock() - self._patience
        for lane in (self._turns, self._spare):
            for turn in [turn for turn in lane if turn.job._asked < latest]:
                turn.job._set(Dropped())
                lane.remove(turn)

    def _is_running(self, spare: bool = False) -> bool:
        current = self._current
        return current is not None and current.spare == spare and not current.job.over

    def _ahead_of(self, job: Job[Any]) -> int:
        with self._lock:
            places = [place for place, turn in enumerate(self._turns) if turn.job is job]
            return places[0] + self._is_running() if places else 0


def _advance(work: Generator[Any, None, R]) -> Snapshot[R]:
    try:
        return Running(next(work))
    except StopIteration as end:
        return Done(end.value)
    except ExplorerError as error:
        return Failed(error)
    except Exception as error:  # whatever it is, it is this session's alone
        _LOG.exception("An evaluation failed")
        return Failed(
            ExplorerError(f"This could not be computed ({type(error).__name__}).", "The app's log has the details.")
        )
