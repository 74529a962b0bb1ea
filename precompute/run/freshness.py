"""Whether an artefact is there and still made from what is there now."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence

from explorer.store.bundle import CHECKPOINT, Bundle
from explorer.store.runs_of_task import complete
from explorer.store.schema import ALL_SEEDS, Key
from explorer.store.stages import stage_named
from precompute.run.graph import Job


def fresh(bundle: Bundle, jobs: Sequence[Job]) -> set[Key]:
    """Finds the artefacts of a plan that need not be made: there, finished, and made from what is there.

    An artefact is not fresh where anything that it needs is not, where it was computed with another checkpoint than
    the run's, for subnetworks, where other seeds have come in, and for a league, where the bank is new or has grown.
    Raises BadBundle at a manifest that cannot be read.
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
    return _is_void(bundle, job) or _is_behind(bundle, job.key)


def _is_behind(bundle: Bundle, key: Key) -> bool:
    """Whether a league lacks its run's bank as it is now; its stage goes on from all else that is kept."""
    if key.stage != "league" or not bundle.has(key):
        return False
    bank = complete(bundle, Key(key.run, "bank"))
    return bank is not None and bank.config.get("masks") != bundle.manifest(key).config.get("bank")


def _is_void(bundle: Bundle, job: Job) -> bool:
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


def without_weights(bundle: Bundle, jobs: Sequence[Job], done: Collection[Key]) -> dict[Key, str]:
    """Finds the jobs left that need a checkpoint which was made but does not lie in this bundle; key -> a sentence."""
    found: dict[Key, str] = {}
    for job in jobs:
        finetuned = next((need for need in job.needs if need.stage == "finetune"), None)
        if job.key in done or finetuned not in done or finetuned is None:
            continue
        loads = stage_named(job.key.stage).loads_checkpoint(job.key.variant)
        if loads and CHECKPOINT in bundle.manifest(finetuned).withheld:
            found[job.key] = (
                f"the checkpoint of {finetuned.run.path} does not ship with this bundle; give the one that holds it, "
                f"or delete {bundle.place}/{finetuned.path} and fine-tune anew, which makes all of that run anew"
            )
    return found


def remove_stale(bundle: Bundle, job: Job) -> None:
    """Deletes a stale artefact of which nothing holds any more and the state of its computation, to be made anew."""
    if _is_void(bundle, job):
        shutil.rmtree(bundle.root / job.key.path)
        shutil.rmtree(bundle.work_folder(job.key), ignore_errors=True)
