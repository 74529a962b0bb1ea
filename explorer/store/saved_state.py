"""What an unfinished computation has come to, kept in a file beside the bundle, so that a killed one goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from explorer.errors import BadBundle

SECONDS = 30.0
"""After which work that is not saved yet is saved."""
_SHARE = 20
"""Saving takes at most one in so many seconds, however large the state is."""
_ABOUT = "about"


class Pace:
    """Tells when it is time to save: when so many seconds have gone by since it was last done.

    seconds: by default SECONDS. clock: counts seconds from anywhere.
    """

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = SECONDS if seconds is None else seconds
        self.clock = clock
        self.started = self._last = clock()
        self._took = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return self.clock() - self._last >= (self.seconds and max(self.seconds, _SHARE * self._took))

    @property
    def so_far(self) -> float:
        """Seconds since this began."""
        return self.clock() - self.started

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Surrounds what saves: from its end on, the seconds are counted anew."""
        began = self.clock()
        yield
        self._last = self.clock()
        self._took = self._last - began


class SavedState:
    """Arrays of an unfinished computation, by name: those that were saved (none at first), and a way to save more.

    path: the file. identity: of which computation, in words; what another one saved there is not read.
    """

    def __init__(self, path: Path, identity: str, pace: Pace | None = None) -> None:
        self.path, self.identity = path, identity
        self.pace = pace or Pace()
        self.arrays: Mapping[str, NDArray[Any]] = {}
        self.seconds = 0.0
        """Seconds of earlier sittings."""
        self._read()

    def _read(self) -> None:
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(str(arrays.pop(_ABOUT)))
            if about["identity"] == self.identity:
                self.arrays, self.seconds = arrays, float(about["seconds"])
        except Exception:  # none yet, or damaged, which surfaces as many an error: begin anew
            return

    def save(self, **arrays: Any) -> None:
        """Writes the state whole or not at all; raises BadBundle where it cannot."""
        about = {"identity": self.identity, "seconds": self.seconds + self.pace.so_far}
        partial = self.path.with_name(f"{self.path.name}.partial")
        with self.pace.saving(), saved_whole(partial, self.path), partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **{**arrays, _ABOUT: np.array(json.dumps(about))})
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def saved_whole(partial: Path, path: Path) -> Iterator[None]:
    """Surrounds what writes `partial`, which takes the place of `path` then; an error of the system is BadBundle."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise BadBundle(
            f"What was computed so far cannot be saved in {path.parent} ({getattr(error, 'strerror', None) or error}).",
            "Make room and give the same command: it goes on from where it was last saved.",
        ) from error
