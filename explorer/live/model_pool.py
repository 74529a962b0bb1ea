"""Things that are slow to load, loaded one after another in the background and shared, a bounded number at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

V = TypeVar("V")


class ModelPool(Generic[V]):
    """Background loader that keeps at most `at_most` values. Evicts the least recently used value."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Future[V]] = OrderedDict()
        self._loading = ThreadPoolExecutor(1, "explorer-loading")

    def ask(self, key: Hashable, load: Callable[[], V]) -> Future[V]:
        """Returns the future of a value; the first call starts loading, all calls share its result or its error."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._loading.submit(load)
            self._kept.move_to_end(key)
            while len(self._kept) > self._at_most:
                _, oldest = self._kept.popitem(last=False)
                oldest.cancel()  # of no effect where it has begun
            return self._kept[key]

    def forget(self, key: Hashable) -> None:
        """Drops a value, so that the next call loads it again."""
        with self._lock:
            self._kept.pop(key, None)

    def close(self) -> None:
        """Stops loading; waits for the value that is being loaded."""
        self._loading.shutdown(cancel_futures=True)
