"""What the server takes of this machine's memory now, and within which bound its models keep."""

from __future__ import annotations

import os
from pathlib import Path

from explorer.live.model_pool import ROOM

_PROC = Path("/proc")


def resident_bytes(process: int | None = None) -> int | None:
    """Memory that a process and the processes it started hold, in bytes; None where the system does not say.

    process: its number; by default this one.
    """
    number = os.getpid() if process is None else process
    try:
        own = int((_PROC / str(number) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        started = [
            int(child)
            for task in (_PROC / str(number) / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (OSError, IndexError, ValueError):  # no Linux, or it has just ended
        return None
    return own + sum(resident_bytes(child) or 0 for child in started)


def memory_words() -> str:
    """A sentence or two for the page."""
    now = resident_bytes()
    takes = f"The server holds {now / 2**30:.1f} GB of memory now, with the processes it started. " if now else ""
    return (
        f"{takes}Models in use keep within {ROOM / 2**30:.1f} GB: beyond that the one unused for longest is dropped, "
        "and loaded again when somebody asks for it."
    )
