"""What a worker promises, whether it is a thread of this process (`thread_worker`) or another (`process_worker`).

A session asks for something and follows its job. Work is done in turns (one shard of a dev set each) and ends between
two turns or not at all, so nothing is ever half computed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData, Source
    from explorer.store.ledger import Ledger

_LOG = logging.getLogger(__name__)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

SESSIONS = 256
"""Jobs that may wait at once. Each holds the logits of its mask: 0.3 MB on QQP, the largest dev set of two classes."""
PATIENCE = 60.0
"""Seconds after which a job that nobody asks after is dropped: longer than two looks lie apart on a machine out of
breath, since a job that is dropped between two looks would be asked anew for ever."""


@dataclass(frozen=True)
class Waiting:
    """State of a job whose first turn has not come yet."""

    ahead: int
    """Jobs that are finished first."""
    told: str = ""
    """Why it waits again, where it had begun; empty otherwise."""


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


def under_way(snapshot: Snapshot[Any]) -> bool:
    """Tells whether a state is not final yet."""
    return isinstance(snapshot, Waiting | Running)


class Job(Generic[R]):
    """Work that one session waits for. Its snapshots are frozen: read them from any thread."""

    def __init__(self, session: str, spare: bool, clock: Callable[[], float], ahead: Callable[[Job[Any]], int]) -> None:
        self.session, self.spare = session, spare
        self.number = 0
        """By which another process knows it."""
        self._clock, self._ahead = clock, ahead
        self.asked = clock()
        """When somebody last asked after it."""
        self.snapshot: Snapshot[R] = Waiting(0)
        """Latest state, for the worker: looking at it keeps nothing alive."""
        self._over = threading.Event()

    @property
    def news(self) -> Snapshot[R]:
        """Latest state. Reading it keeps the job alive: a job that nobody asks after is dropped."""
        self.asked = self._clock()
        snapshot = self.snapshot
        return Waiting(self.ahead, snapshot.told) if isinstance(snapshot, Waiting) else snapshot

    @property
    def ahead(self) -> int:
        """Number of jobs that are finished before this one; 0 once it is over."""
        return 0 if self.over else self._ahead(self)

    @property
    def over(self) -> bool:
        """Whether the state is final."""
        return self._over.is_set()

    def wait(self, timeout: float) -> Snapshot[R]:
        """Returns the state once the job is over, after at most `timeout` seconds."""
        self.asked = self._clock() + timeout
        self._over.wait(timeout)
        return self.news

    def become(self, snapshot: Snapshot[R]) -> None:
        """Changes the state, for the worker alone. A job that is over stays as it is."""
        if self.over:
            return
        self.snapshot = snapshot
        if not under_way(snapshot):
            self._over.set()


class Work(Protocol):
    """Something that is computed in turns, for whoever waits for it."""

    @property
    def key(self) -> Hashable:
        """Names everything that the result depends on: equal work is done once. None where nothing is like it."""

    @property
    def alone(self) -> bool:
        """Whether nothing else may be computed during its turns: what it measures is time."""

    def joins(self, other: Work) -> bool:
        """Whether its next turn and the other's are cheaper together, enough that the other need not mind."""

    def turn(self, others: Sequence[Any]) -> list[Snapshot[Any]]:
        """Does the next turn, together with that of others which join; gives the state of itself, then of each.

        What goes wrong is a Failed, never raised.
        """


@dataclass(frozen=True)
class Request(Generic[R_co]):
    """What a session asks for, in a form that another process understands: named by its model, not holding it."""

    model: ModelOnData

    def begin(self, evaluator: Any, ledger: Ledger) -> Work:
        """Makes the work, where the weights are; the evaluator is the model's."""
        raise NotImplementedError


@dataclass(frozen=True)
class Milestone:
    """What a generator yields where one of several things is done: others who wait are served before the next."""

    news: Any


class Worker(Protocol):
    """Computes for many sessions.

    A session has one job: a newer one takes the place of the older. Beside it a session may have one spare job,
    which takes turns only where nobody waits for anything else. Everyone's first turn comes first, then whoever asked
    first is finished first.
    """

    def load(self, source: Source) -> Future[ModelOnData]:
        """Loads a model in the background; the same future for all who ask. It may hold any ExplorerError."""

    def forget(self, source: Source) -> None:
        """Forgets a model, so that it is loaded anew."""

    def submit(self, session: str, request: Request[R], *, spare: bool = False) -> Job[R]:
        """Starts work in place of what the session had asked for. Raises Busy where too many wait."""

    def answer(self, session: str, result: R) -> Job[R]:
        """Returns a job that is done already, in place of what the session had asked for before."""

    def close(self) -> None:
        """Drops every job and stops."""


class Steps(Generic[R]):
    """Work that is a generator: each next() a turn, what it yields news, what it returns the result."""

    def __init__(self, steps: Generator[Any, None, R], key: Hashable = None, *, alone: bool = False) -> None:
        self._steps = steps
        self.key, self.alone = key, alone

    def joins(self, other: Work) -> bool:
        """Never: nothing is known of the generator."""
        return False

    def turn(self, others: Sequence[Any]) -> list[Snapshot[R]]:
        """Takes the generator one step on."""
        return [advance(lambda: next(self._steps))]


def advance(step: Callable[[], Any]) -> Snapshot[Any]:
    """Runs one step: what it returns is news, StopIteration's value the result, any error a Failed in words."""
    try:
        return Running(step())
    except StopIteration as end:
        return Done(end.value)
    except Exception as error:
        return Failed(in_words(error))


def in_words(error: Exception) -> ExplorerError:
    """Gives the error that a person may read; the log gets the rest."""
    if isinstance(error, ExplorerError):
        return error
    _LOG.error("An evaluation failed", exc_info=error)
    return ExplorerError(f"This could not be computed ({type(error).__name__}).", "The app's log has the details.")
