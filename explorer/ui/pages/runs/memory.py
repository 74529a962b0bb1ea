"""What the server takes of this machine's memory now, and within which bound it keeps."""

from __future__ import annotations

from contextlib import suppress

import psutil

from explorer.live.memory_bound import APP, SCORING


def held_bytes(process: int | None = None) -> int | None:
    """Measures the memory that a process and those it started hold, in bytes; None where the system does not say.

    process: its number; by default this one.
    """
    try:
        own = psutil.Process(process)
        held = int(own.memory_info().rss)
    except psutil.Error:
        return None
    for started in own.children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            held += int(started.memory_info().rss)
    return held


def memory_words() -> str:
    """A sentence or two for the page."""
    now = held_bytes()
    takes = f"The server holds {now / 2**30:.1f} GB of memory now, with the process that scores. " if now else ""
    return (
        f"{takes}Its bound is {(APP + SCORING) / 2**30:.1f} GB ({APP / 2**30:.1f} for pages, {SCORING / 2**30:.1f} "
        "for scoring): beyond that, the model that is unused for longest is dropped, then what was read from the "
        "bundle. Both are loaded again when somebody asks for them. What is in use stays, so that scoring alone may "
        "hold more for a while: 2.1 GB was seen."
    )
