"""Things that are slow to load, loaded one after another in the background and shared, within a bound on memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from explorer.bert.memory import return_freed_memory

V = TypeVar("V")
ROOM = 1536 * 2**20
"""Bytes for all values of a pool: one of the largest models on a dev set, or several small ones."""


class ModelPool(Generic[V]):
    """Background loader that keeps at most `at_most` values, in `room` bytes. Evicts the least recently used value.

    A value with an attribute `memory_bytes` takes that many. The newest one stays, however large it is.
    """

    def __init__(self, at_most: int, room: int = ROOM) -> None:
        self._at_most, self._room = at_most, room
        self._lock = threading.RLock()  # what is loaded at once calls back while it is being asked for
        self._kept: OrderedDict[Hashable, Future[V]] = OrderedDict()
        self._loading = ThreadPoolExecutor(1, "explorer-loading")

    def ask(self, key: Hashable, load: Callable[[], V]) -> Future[V]:
        """Returns the future of a value; the first call starts loading, all calls share its result or its error."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._loading.submit(load)
                self._kept[key].add_done_callback(self._loaded)
            self._kept.move_to_end(key)
            asked = self._kept[key]
            self._evicted()
        return asked

    def forget(self, key: Hashable) -> None:
        """Drops a value, so that the next call loads it again."""
        with self._lock:
            self._kept.pop(key, None)

    def drop_oldest(self) -> bool:
        """Drops the value that is unused for longest, but never the last one nor one that somebody waits for; says
        whether there was one to drop."""
        with self._lock:
            return len(self._kept) > 1 and self._pop_oldest() is not None

    def _loaded(self, _: Future[V]) -> None:
        with self._lock:
            gone = self._evicted()
        if gone:
            del gone
            return_freed_memory()

    def _evicted(self) -> list[Future[V]]:
        """Drops what is beyond the bounds, least recently used first; gives it. Call it with the lock held.

        What is not loaded yet stays, since somebody waits for it: for a while there may be more than the bounds allow.
        """
        gone: list[Future[V]] = []
        while len(self._kept) > self._at_most or (len(self._kept) > 1 and self._bytes() > self._room):
            oldest = self._pop_oldest()
            if oldest is None:
                break
            gone.append(oldest)
        return gone

    def _pop_oldest(self) -> Future[V] | None:
        """Takes out what is unused for longest of all that is loaded; the newest stays."""
        for key in tuple(self._kept)[:-1]:
            if self._kept[key].done():
                return self._kept.pop(key)
        return None

    def _bytes(self) -> int:
        there = [future for future in self._kept.values() if future.done() and not future.cancelled()]
        values = [future.result() for future in there if future.exception() is None]
        return sum(int(getattr(value, "memory_bytes", 0)) for value in values)

    def close(self) -> None:
        """Stops loading; waits for the value that is being loaded."""
        self._loading.shutdown(cancel_futures=True)
