"""Which jobs of a plan can never be made."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from explorer.store.bundle import Bundle
from explorer.store.schema import Key
from explorer.study.fitting import why_not
from precompute.run.graph import Job


def unfit(bundle: Bundle, jobs: Sequence[Job], done: Collection[Key] = ()) -> dict[Key, str]:
    """Finds the jobs left that can never be made of their task or their run; key -> a sentence without its stop."""
    found = {}
    for job in jobs:
        if job.key not in done and (why := why_not(bundle, job.key)):
            found[job.key] = why
    return found
