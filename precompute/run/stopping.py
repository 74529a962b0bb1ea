"""Ctrl-C as a question that is asked at a safe moment, never an exception in the middle of a lock."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether Ctrl-C was pressed, or the system asked this process to end, in this block.

    Signals reach the main thread alone: in another one, nothing is ever asked. Whoever presses Ctrl-C again meanwhile
    is heard once as well.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, hear) for number in _SIGNALS}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
