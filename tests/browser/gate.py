"""A gate between a test and the app that it serves: work under way in the app is held until the test opens it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from tests.waiting import HANG_SECONDS


def knock(port, word):
    """In the app: says what it works on, and goes on once it is let through; at once where nobody listens any more."""
    try:
        with socket.create_connection(("127.0.0.1", port)) as door:
            door.sendall(f"{word}\n".encode())
            door.recv(1)  # until the test closes it
    except OSError:
        return


class Gate:
    """In the test: open at first."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._holds: Callable[[str], bool] = lambda _: False
        self._reached = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def shut(self, *words):
        """Holds from now on whoever works on one of these; whoever comes, where there are none."""
        with self._lock:
            self._holds = lambda word: not words or word in words

    def until_reached(self):
        """Until somebody is held."""
        assert self._reached.wait(HANG_SECONDS)

    def let_through(self):
        """Whoever is held, once somebody is; who comes after is held again. (Streamlit may have begun several runs.)"""
        self.until_reached()
        with self._lock:
            self._let_go()

    def open(self):
        """Holds nobody any more."""
        with self._lock:
            self._holds = lambda _: False
            self._let_go()

    def close(self):
        """Open for good."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.open()

    def _let_go(self):
        while self._held:
            self._held.pop().close()
        self._reached.clear()

    def _listen(self):
        while True:
            try:
                door, _ = self._listener.accept()
            except OSError:  # closed
                return
            with door.makefile() as said:
                word = said.readline().strip()
            with self._lock:
                if self._holds(word):
                    self._held.append(door)
                    self._reached.set()
                else:
                    door.close()
