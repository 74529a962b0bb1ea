"""Things that are slow to load, loaded one after another in the background and shared, a bounded number at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

V = TypeVar("V")


class ModelPool(Generic[V]):
    """At most `at_most` values by key; beyond that, the one that was asked for longest ago goes."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Future[V]] = OrderedDict()
        self._loading = ThreadPoolExecutor(1, "explorer-loading")

    def ask(self, key: Hashable, load: Callable[[], V]) -> Future[V]:
        """The value, or what will hold it: the first to ask starts the loading, all share its outcome or its error."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._loading.submit(load)
            self._kept.move_to_end(key)
            while len(self._kept) > self._at_most:
                _, oldest = self._kept.popitem(last=False)
                oldest.cancel()  # of no effect where it has begun
            return self._kept[key]

    def forget(self, key: Hashable) -> None:
        """So that the next to ask has it loaded anew."""
        with self._lock:
            self._kept.pop(key, None)

    def close(self) -> None:
        """Loads nothing more; ends the thread, after what it is loading."""
        self._loading.shutdown(cancel_futures=True)
