"""Which jobs of a plan can never be made."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from explorer.store.bundle import Bundle
from explorer.store.schema import ALL_SEEDS, Key
from explorer.study.fitting import why_not
from precompute.run.graph import Job, without_orphans


def unfit(bundle: Bundle, jobs: Sequence[Job], done: Collection[Key] = ()) -> dict[Key, str]:
    """Finds the jobs left that can never be made of their task or their run; key -> a sentence without its stop."""
    found = {}
    for job in jobs:
        if job.key not in done and (why := why_not(bundle, job.key)):
            found[job.key] = why
    return found


def applicable(
    bundle: Bundle, jobs: Sequence[Job], done: Collection[Key] = ()
) -> tuple[tuple[Job, ...], dict[Key, str]]:
    """Takes out of a plan what does not apply to a run that is there, with what needs it; what is left, key -> why.

    A run that would first have to be trained, and cannot be, stays: its plan is at fault, not its kind.
    """
    there = {job.key.run for job in jobs if job.key.stage == "finetune" and job.key in done}
    found = {
        key: why for key, why in unfit(bundle, jobs, done).items() if key.run in there or key.run.seed == ALL_SEEDS
    }
    kept = without_orphans(jobs, found)
    left_out = {job.key for job in jobs} - {job.key for job in kept}
    return tuple(kept), {key: found.get(key, "what it is made from does not apply") for key in sorted(left_out)}
