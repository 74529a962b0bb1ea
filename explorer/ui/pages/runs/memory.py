"""What the server takes of this machine's memory now, and within which bound it keeps."""

from __future__ import annotations

import os
from pathlib import Path

from explorer.bert.memory import resident_bytes
from explorer.live.memory_bound import APP, SCORING

_PROC = Path("/proc")


def held_bytes(process: int | None = None) -> int | None:
    """Memory that a process and the processes it started hold, in bytes; None where the system does not say.

    process: its number; by default this one.
    """
    number = os.getpid() if process is None else process
    own = resident_bytes(number)
    if own is None:
        return None
    try:
        started = [
            int(child)
            for task in (_PROC / str(number) / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (OSError, ValueError):  # it has just ended
        return own
    return own + sum(held_bytes(child) or 0 for child in started)


def memory_words() -> str:
    """A sentence or two for the page."""
    now = held_bytes()
    takes = f"The server holds {now / 2**30:.1f} GB of memory now, with the process that scores. " if now else ""
    return (
        f"{takes}Its bound is {(APP + SCORING) / 2**30:.1f} GB ({APP / 2**30:.1f} for pages, {SCORING / 2**30:.1f} "
        "for scoring): beyond that, the model that is unused for longest is dropped, then what was read from the "
        "bundle. Both are loaded again when somebody asks for them. What is in use stays, so that scoring alone may "
        "hold more for a while: 1.8 GB was seen."
    )
