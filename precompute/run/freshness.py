"""Whether an artefact is there and still made from what is there now."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from explorer.store.bundle import Bundle
from explorer.store.runs_of_task import complete
from explorer.store.schema import ALL_SEEDS, Key
from precompute.run.graph import Job


def fresh(bundle: Bundle, jobs: Sequence[Job]) -> set[Key]:
    """Finds the artefacts of a plan that need not be made: there, finished, and made from what is there.

    An artefact is not fresh where anything that it needs is not, where it was computed with another checkpoint than
    the run's, and, for subnetworks, where other seeds have come in. Raises BadBundle at a manifest that cannot be read.
    """
    planned = {job.key for job in jobs}
    found: set[Key] = set()
    for job in jobs:
        needs_fresh = all(key in found if key in planned else complete(bundle, key) for key in job.needs)
        if needs_fresh and complete(bundle, job.key) and not is_stale(bundle, job):
            found.add(job.key)
    return found


def is_stale(bundle: Bundle, job: Job) -> bool:
    """Tells whether an artefact, finished or not, was computed with something that is no longer there."""
    key = job.key
    if not bundle.has(key):
        return False
    there = bundle.manifest(key)
    finetuned = Key(key.run, "finetune")
    of_run = key.run.seed != ALL_SEEDS and there.checkpoint_sha256 and key != finetuned and bundle.has(finetuned)
    if of_run and there.model_content != bundle.manifest(finetuned).model_content:
        return True
    if key.stage == "subnetworks":
        seeds = {str(need.run.seed) for need in job.needs if need.stage == "structured"}
        return not seeds <= set(there.config.get("tickets", {}))
    return False


def remove_stale(bundle: Bundle, job: Job) -> None:
    """Deletes a stale artefact and the state of its computation, so that its stage makes it anew."""
    if is_stale(bundle, job):
        shutil.rmtree(bundle.root / job.key.path)
        shutil.rmtree(bundle.work_folder(job.key), ignore_errors=True)
