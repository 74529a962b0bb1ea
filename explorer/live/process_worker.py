"""A worker that is a process of its own: pages are drawn here, scores computed there, and neither holds up the other.

One process for all sessions, started with the first request and again when it dies. Requests that were waiting are
asked again; one whose turn it was is asked again once, since it may be what killed the process. From then on turns are
taken one by one, so that a second death tells whose it was.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import count
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, TypeVar

from explorer.errors import BadRequest, Busy, ExplorerError
from explorer.live.messages import Begun, Drop, Forget, Load, Loaded, News, NotLoaded, Ready, Submit
from explorer.live.model_on_data import ModelOnData, Source
from explorer.live.worker import PATIENCE, SESSIONS, Done, Dropped, Failed, Job, Request, Waiting

_LOG = logging.getLogger(__name__)
R = TypeVar("R")
COMMAND = (sys.executable, "-m", "explorer.live.scoring_process")
_SWEEP_SECONDS = 5.0
"""How often what nobody asks after is looked for."""
_STARTS = 3
"""How many times in a row a process may die before it has done anything."""
_MEND = "The app's log may say why; on a small machine, was there enough memory?"


@dataclass(eq=False)
class _Asked:
    """A request that is not answered yet."""

    job: Job[Any]
    message: Submit
    blamed: int = 0
    """How many times the process died while it had its turn."""


class ProcessWorker:
    """Hands the work of many sessions to one other process. See `Worker` for the order.

    ledger: its file, or ':memory:'. turns: how many are taken at once. command: what is started, with the number of its
    end of the pipe, the ledger and the turns.
    """

    def __init__(
        self,
        ledger: str,
        *,
        sessions: int = SESSIONS,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        turns: int = 1,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._ledger, self._command = ledger, tuple(command)
        self._sessions, self._patience, self._clock = sessions, patience, clock
        self._lock = threading.RLock()  # guards all below, and what is written into the pipe
        self._numbers = count(1)
        self._asked: dict[int, _Asked] = {}
        self._sources: dict[Hashable, Source] = {}
        self._loading: dict[Hashable, Future[ModelOnData]] = {}
        self._turns = turns
        self._under_way: dict[int, tuple[int, ...]] = {}  # of each of the turns that are taken at once
        self._pipe: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._sweeper: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def pid(self) -> int | None:
        """Number of the process, None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def load(self, source: Source) -> Future[ModelOnData]:
        """Loads a model in the background; the same future for all who ask. It may hold any ExplorerError."""
        with self._lock:
            found = self._loading.get(source.key)
            if found is None:
                found = self._loading[source.key] = Future()
                self._sources[source.key] = source
                self._send(Load(source, wanted=True))
            return found

    def forget(self, source: Source) -> None:
        """Forgets a model, so that it is loaded anew."""
        with self._lock:
            if self._loading.pop(source.key, None) is not None:
                self._send(Forget(source.key))

    def submit(self, session: str, request: Request[R], *, spare: bool = False) -> Job[R]:
        """Starts work in place of what the session had asked for. Raises Busy where too many wait.

        The request's model is one that `load` gave.
        """
        source = request.model.source
        assert source is not None
        job: Job[R] = Job(session, spare, self._clock, self._ahead_of)
        with self._lock:
            older = self._of(session, spare)
            waiting = sum(asked.job.spare == spare for asked in self._asked.values()) - len(older)
            if waiting >= self._sessions:
                raise Busy(f"{self._sessions} other people's scores are being computed.", "Yours is asked for again.")
            for number in older:  # the process drops it when it hears of the newer one, which takes its place there
                self._asked.pop(number).job.become(Dropped())
            job.number = next(self._numbers)
            message = Submit(job.number, session, source.key, replace(request, model=None), spare)  # type: ignore[arg-type]
            if source.key not in self._sources:
                self._sources[source.key] = source
                self._send(Load(source, wanted=False))
            self._asked[job.number] = _Asked(job, message)
            self._send(message)
        return job

    def answer(self, session: str, result: R) -> Job[R]:
        """Returns a job that is done already, in place of what the session had asked for before."""
        job: Job[R] = Job(session, False, self._clock, self._ahead_of)
        with self._lock:
            for number in self._of(session, False):
                self._drop(number)
        job.become(Done(result))
        return job

    def close(self) -> None:
        """Drops every job and ends the process."""
        with self._lock:
            self._closed.set()
            for number in tuple(self._asked):
                self._drop(number)
            process, keeper = self._process, self._keeper
            if process is not None:
                process.kill()  # it holds nothing that is not in the ledger
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join()

    def _send(self, message: Any) -> None:
        """Says something to the process; while there is none it is said again when there is."""
        if self._closed.is_set():
            raise BadRequest("The app is being restarted.", "Load the page again.")
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="explorer-scoring-keeper", daemon=True)
            self._keeper.start()
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep, name="explorer-scoring-sweep", daemon=True)
            self._sweeper.start()
        if self._pipe is not None:
            try:
                self._pipe.send(message)
            except OSError:  # it has just died: the keeper sees it too
                self._pipe = None

    def _keep(self) -> None:
        """Starts the process, listens to it, and starts it again when it dies."""
        in_vain = 0
        while not self._closed.is_set():
            ours, theirs = Pipe()
            with self._lock:
                if self._closed.is_set():
                    return
                command = [*self._command, str(theirs.fileno()), self._ledger, str(self._turns)]
                try:
                    process = self._process = subprocess.Popen(
                        command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=_environment()
                    )
                except OSError as error:
                    self._died(str(error.strerror), give_up=True)
                    return
            theirs.close()
            worked = self._listen(ours)
            process.kill()  # it may have said what nobody understands
            status = process.wait()
            ours.close()
            if self._closed.is_set():
                return
            in_vain = 0 if worked else in_vain + 1
            self._died(f"signal {-status}" if status < 0 else f"status {status}", give_up=in_vain >= _STARTS)
            if in_vain >= _STARTS:
                return

    def _listen(self, pipe: Connection) -> bool:
        """Takes what the process says until it dies; whether it did anything: one that dies of the first model that it
        loads did nothing."""
        worked = False
        while True:
            try:
                message = pipe.recv()
            except Exception as error:
                if not isinstance(error, EOFError | OSError):
                    _LOG.exception("The scoring process said what cannot be read")
                with self._lock:
                    self._pipe = None
                return worked
            worked = worked or not isinstance(message, Ready)
            with self._lock:
                if isinstance(message, Ready):
                    self._pipe = pipe
                    self._say_all()
                else:
                    self._hear(message)

    def _say_all(self) -> None:
        """Says to a fresh process what the one before knew or was asked."""
        for key, source in self._sources.items():
            future = self._loading.get(key)
            self._send(Load(source, wanted=future is not None and not future.done()))
        for number in sorted(self._asked):
            self._send(self._asked[number].message)

    def _hear(self, message: Any) -> None:
        if isinstance(message, Begun):
            self._under_way[message.of] = message.numbers
        elif isinstance(message, News):
            for number in message.numbers:
                if (asked := self._asked.get(number)) is not None:
                    asked.job.become(message.snapshot)
                    if asked.job.over:
                        del self._asked[number]
        elif isinstance(message, Loaded | NotLoaded):
            future = self._loading.get(message.key)
            if future is None or future.done():
                return
            if isinstance(message, Loaded):
                source = self._sources[message.key]
                future.set_result(replace(message.model, examples=source.examples, source=source))
            else:
                future.set_exception(message.error)

    def _died(self, how: str, *, give_up: bool) -> None:
        """Tells those who wait, and forgets what cannot be asked again."""
        _LOG.error("The scoring process ended with %s", how)
        with self._lock:
            turn = {number for numbers in self._under_way.values() for number in numbers}
            self._under_way, self._turns = {}, 1
            if give_up:
                self._keeper = None  # the next request tries again
                error = ExplorerError(
                    f"The scoring process does not start, or ends before it has done anything ({how}).", _MEND
                )
                for future in [future for future in self._loading.values() if not future.done()]:
                    future.set_exception(error)
                self._fail(tuple(self._asked), error)
                return
            for number in turn:
                if number in self._asked:
                    self._asked[number].blamed += 1
            poison = [number for number, asked in self._asked.items() if asked.blamed > 1]
            again = f"The scoring process ended twice ({how}) while this was its work."
            self._fail(poison, ExplorerError(again, _MEND))
            told = f"The scoring process ended ({how}) and is started again; yours is asked for again."
            for asked in self._asked.values():
                asked.job.become(Waiting(0, told))

    def _fail(self, numbers: Sequence[int], error: ExplorerError) -> None:
        for number in numbers:
            self._asked.pop(number).job.become(Failed(error))

    def _sweep(self) -> None:
        while not self._closed.wait(_SWEEP_SECONDS):
            self.drop_abandoned()

    def drop_abandoned(self) -> None:
        """Drops the jobs that their sessions have not asked after for too long."""
        with self._lock:
            latest = self._clock() - self._patience
            for number in [number for number, asked in self._asked.items() if asked.job.asked < latest]:
                self._drop(number)

    def _drop(self, number: int) -> None:
        self._asked.pop(number).job.become(Dropped())
        if not self._closed.is_set():
            self._send(Drop(number))

    def _of(self, session: str, spare: bool) -> list[int]:
        return [
            number for number, asked in self._asked.items() if (asked.job.session, asked.job.spare) == (session, spare)
        ]

    def _ahead_of(self, job: Job[Any]) -> int:
        with self._lock:
            jobs = [asked.job for asked in self._asked.values()]
            return sum(of.number < job.number if of.spare == job.spare else job.spare for of in jobs)


def _environment() -> dict[str, str]:
    """This process's, with the place of this package: the app may have been started from anywhere."""
    here = str(Path(__file__).resolve().parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])}
