"""A bound on the memory of a process, kept by letting go of what can be loaded again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from explorer.bert.memory import resident_bytes, return_freed_memory

SCORING = 1536 * 2**20
"""Bytes beyond which the scoring process lets go of what is unused: two larger dev sets, or several small ones."""
APP = 1024 * 2**20
"""Bytes beyond which the app's own process does."""
_ROOM = 1.1
_EVERY = 2.0
"""Seconds between two looks of who keeps watch."""


class MemoryBound:
    """Keeps this process within `at_most` bytes: beyond them, what can be loaded again is let go.

    drops: what lets go of something, the first to go first; each is called again for as long as it says True, which
    means that it let go of something and may have more. resident: how much is held now, None where that is unknown.
    """

    def __init__(
        self,
        at_most: int,
        drops: Sequence[Callable[[], bool]],
        *,
        resident: Callable[[], int | None] = resident_bytes,
        hand_back: Callable[[], None] = return_freed_memory,
    ) -> None:
        self._drops, self._resident, self._hand_back = tuple(drops), resident, hand_back
        self._at_most = self._mark = at_most
        self._lock = threading.Lock()

    def keep(self) -> None:
        """Lets go of as much as brings the process within its bound, and no more.

        What is in use cannot go. Where that alone is beyond the bound, the next call does nothing until a tenth more is
        held, or all was within the bound in between: else every call would drop what was just loaded again.
        """
        if (self._resident() or 0) <= self._at_most:
            self._mark = self._at_most
        if not self._beyond() or not self._lock.acquire(blocking=False):  # whoever holds it does the same already
            return
        try:
            self._hand_back()
            for drop in self._drops:
                while self._beyond() and drop():
                    self._hand_back()
                if not self._beyond():
                    return
            self._mark = max(self._mark, int((self._resident() or 0) * _ROOM))
        finally:
            self._lock.release()

    def keep_watch(self, over: threading.Event | None = None, every: float = _EVERY) -> None:
        """Keeps the bound until `over` is set: one large dev set takes minutes to load on a busy machine, and grows."""
        over = over or threading.Event()
        while not over.wait(every):
            self.keep()

    def _beyond(self) -> bool:
        now = self._resident()
        return now is not None and now > self._mark
