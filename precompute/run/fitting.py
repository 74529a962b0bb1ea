"""Which artefacts of the study a run cannot have: nothing to train on, no recipe to train again by, no margins."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from explorer.glue.metrics import METRIC_WORDS
from explorer.store.bundle import Bundle
from explorer.store.schema import Key
from explorer.store.stages import stage_named
from explorer.study.mask_bank import told_by_margins
from precompute.run.graph import Job


def unfit(bundle: Bundle, jobs: Sequence[Job], done: Collection[Key] = ()) -> dict[Key, str]:
    """Finds the jobs left that can never be made of their task or their run; key -> a sentence without its stop."""
    found = {}
    for job in jobs:
        if job.key not in done and (why := why_not(bundle, job.key)):
            found[job.key] = why
    return found


def why_not(bundle: Bundle, key: Key) -> str:
    """Says why an artefact can never be made of its task or its run; '' where it can. Raises BadBundle."""
    task, finetuned = bundle.task(key.run.task), Key(key.run, "finetune")
    opened = bundle.has(finetuned) and is_opened(bundle, finetuned)
    if key.stage == "bank" and not told_by_margins(task):
        return f"the margins of a mask do not tell the {METRIC_WORDS[task.metric]} of {task.n_outputs} classes"
    if key.stage == "retrained" and opened:
        return f"{key.run.path} was opened as it is: nothing says how it was trained"
    if task.own and not task.train_rows and "train" in stage_named(key.stage).splits and not opened:
        return f"{task.name} has no training examples"
    return ""


def is_opened(bundle: Bundle, finetuned: Key) -> bool:
    """Tells whether a run is a fine-tuned model that was opened as it is, and was not trained here."""
    return bundle.manifest(finetuned).config.get("recipe", "") is None
