"""The process that holds the weights and scores for every session of an app: `python -m explorer.live.scoring_process`.

It is started by `process_worker` alone, talks to it through one pipe, and ends when that does: however the app ends,
the system closes its side of the pipe.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from explorer.bert.memory import return_freed_memory
from explorer.errors import BadLedger, ExplorerError
from explorer.live.memory_bound import SCORING, MemoryBound
from explorer.live.messages import Begun, Drop, Forget, Load, Loaded, News, NotLoaded, Ready, Submit
from explorer.live.model_on_data import ModelOnData, Source, described
from explorer.live.model_pool import ModelPool
from explorer.live.thread_worker import MODELS, ThreadWorker
from explorer.live.worker import Failed, Job, Running, Snapshot, in_words
from explorer.store.ledger import IN_MEMORY, Ledger


class Server:
    """Does what the app asks for, and tells it what comes of it. turns: how many are taken at once."""

    def __init__(self, pipe: Connection, ledger: Ledger, turns: int = 1) -> None:
        self._pipe, self._ledger = pipe, ledger
        self._out: queue.SimpleQueue[Any] = queue.SimpleQueue()  # so that no turn waits for the app to read
        self._saying = threading.Lock()
        self._sources: dict[Hashable, Source] = {}
        self._lock = threading.Lock()  # guards the two below
        self._jobs: dict[int, Job[Any]] = {}
        self._unwanted: set[int] = set()
        self._newest: dict[tuple[str, bool], int] = {}
        self._asking = threading.Lock()  # guards the one above; nothing else is locked while it is held
        models: ModelPool[ModelOnData] = ModelPool(MODELS)
        self._memory = MemoryBound(SCORING, (models.drop_oldest,))
        self._worker = ThreadWorker(
            models,
            ledger,
            patience=float("inf"),
            threads=turns,
            shares=_Processors().share,
            begins=self._begins,
            told=self._tells,
            rests=self._memory.keep,
        )

    def serve(self) -> None:
        """Reads what the app says until it closes its side of the pipe."""
        threading.Thread(target=self._send, name="explorer-telling", daemon=True).start()
        threading.Thread(target=self._memory.keep_watch, name="explorer-memory", daemon=True).start()
        self._out.put(Ready())
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                return
            if isinstance(message, Load):
                self._sources[message.source.key] = message.source
                if message.wanted:
                    self._load(message.source)
            elif isinstance(message, Forget):
                if message.key in self._sources:
                    self._worker.forget(self._sources[message.key])
            elif isinstance(message, Submit):
                self._submit(message)
            elif isinstance(message, Drop):
                self._drop(message.number)

    def _load(self, source: Source) -> None:
        def tell(loading: Future[ModelOnData]) -> None:
            try:
                self._out.put(Loaded(source.key, described(loading.result())))
            except BaseException as error:
                self._out.put(NotLoaded(source.key, _not_loaded(error)))
            return_freed_memory()  # loading took more than what it made; else the bound is met again and again later
            self._memory.keep()

        self._worker.load(source).add_done_callback(tell)

    def _submit(self, message: Submit) -> None:
        """Puts a request in line once its model is there: after a restart it is loaded first.

        One whose session has asked for something newer meanwhile is not begun: it would end the newer one.
        """
        place = message.session, message.spare
        with self._asking:
            self._newest[place] = message.number

        def begin(loading: Future[ModelOnData]) -> None:
            try:
                evaluator = loading.result()
            except BaseException as error:
                self._out.put(News((message.number,), Failed(_not_loaded(error))))
                return
            try:
                work = message.request.begin(evaluator, self._ledger)
                with self._lock:
                    if message.number in self._unwanted or not self._is_newest(place, message.number):
                        self._unwanted.discard(message.number)
                        return
                    self._jobs[message.number] = self._worker.do(
                        message.session, work, spare=message.spare, number=message.number
                    )
            except Exception as error:
                self._out.put(News((message.number,), Failed(in_words(error))))

        self._worker.load(self._sources[message.key]).add_done_callback(begin)

    def _is_newest(self, place: tuple[str, bool], number: int) -> bool:
        with self._asking:
            return self._newest.get(place) == number

    def _drop(self, number: int) -> None:
        with self._lock:
            job = self._jobs.pop(number, None)
            if job is None:
                self._unwanted.add(number)
        if job is not None:
            self._worker.drop(job)

    def _begins(self, jobs: Sequence[Job[Any]]) -> None:
        # before the turn, which may be this process's last
        self._say(Begun(tuple(job.number for job in jobs), threading.get_ident()))

    def _tells(self, jobs: Sequence[Job[Any]], snapshot: Snapshot[Any]) -> None:
        numbers = tuple(job.number for job in jobs)
        self._out.put(News(numbers, snapshot))
        if not isinstance(snapshot, Running):
            for job in jobs:
                self._jobs.pop(job.number, None)
                with self._asking:
                    if self._newest.get((job.session, job.spare)) == job.number:
                        del self._newest[job.session, job.spare]

    def _send(self) -> None:
        while True:
            self._say(self._out.get())

    def _say(self, message: Any) -> None:
        with self._saying, suppress(OSError):  # the app is gone: `serve` sees it too
            self._pipe.send(message)


class _Processors:
    """The processors that tensors are computed on, shared out among turns.

    Two turns on a processor each take less time than one after the other on both, which wait for each other after each
    product of matrices, the longer the more the app has to do.
    """

    def __init__(self) -> None:
        self._lock, self._all = threading.Lock(), 0

    def share(self, among: int) -> None:
        """Gives the thread that calls this its share."""
        import torch  # it came in with the model whose turn it is

        with self._lock:
            self._all = self._all or torch.get_num_threads()
        torch.set_num_threads(max(1, self._all // among))


def _not_loaded(error: BaseException) -> ExplorerError:
    if isinstance(error, ExplorerError):
        return error
    logging.getLogger(__name__).error("A model could not be loaded", exc_info=error)
    return ExplorerError(f"The model could not be loaded ({type(error).__name__}).", "The app's log has the details.")


def _ledger(place: str) -> Ledger:
    try:
        return Ledger(place)
    except BadLedger:  # the app has said so
        return Ledger(IN_MEMORY)


def main(descriptor: int, ledger: str, turns: int) -> None:
    """Serves until the app is gone. turns: how many are taken at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the app, whose end ends this
    logging.basicConfig(level=logging.WARNING)
    Server(Connection(descriptor), _ledger(ledger), turns).serve()
    os._exit(0)  # a forward pass may be under way: nobody waits for it


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
