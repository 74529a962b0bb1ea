"""Which artefacts of the study a run cannot have: nothing to train on, no recipe to train again by, no margins."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.store.bundle import Bundle
from explorer.store.model_shape import full_mask_in
from explorer.store.schema import ALL_SEEDS, Key, Run, key_at
from explorer.store.stages import stage_named
from explorer.study.mask_bank import told_by_margins
from explorer.study.words import counted

_TAKEN_FROM_TRAINING = {"mean-ablated": "means over", "constants": "constants from"}


def why_not(bundle: Bundle, key: Key) -> str:
    """Says why an artefact can never be made of its task or its run; '' where it can. Raises BadBundle."""
    task, finetuned = bundle.task(key.run.task), Key(key.run, "finetune")
    opened = bundle.has(finetuned) and is_opened(bundle, finetuned)
    if key.stage in ("bank", "pairs") and not told_by_margins(task):
        return f"the margins of a mask do not tell the {task.metric_words} of {task.n_outputs} classes"
    if key.stage == "retrained" and opened:
        return f"{key.run.path} was opened as it is: nothing says how it was trained"
    if key.stage in _TAKEN_FROM_TRAINING and task.own and not task.train_rows:
        return f"{task.name} has no training examples to take {_TAKEN_FROM_TRAINING[key.stage]}"
    if (key.stage, key.variant) == ("attention", "pretrained") and any_opened(bundle, key.run):
        return f"{key.run.model} was opened as it is: nothing says what it was before its fine-tuning"
    untold = key.run.seed != ALL_SEEDS and not bundle.has(finetuned)  # a run that would first have to be trained
    if untold and any_opened(bundle, key.run):
        return f"{key.run.model} was opened as it is: no other seed of it can be made"
    gone = int((~full_mask_in(bundle.manifest(finetuned)).heads).sum()) if bundle.has(finetuned) else 0
    if gone and stage_named(key.stage).every_head:
        return f"it needs every head, and {counted(gone, 'head')} of {key.run.path} had been cut out"
    trains = untold or "train" in stage_named(key.stage).splits
    if task.own and not task.train_rows and trains and not opened:
        return f"{task.name} has no training examples"
    return ""


def is_opened(bundle: Bundle, finetuned: Key) -> bool:
    """Tells whether a run is a fine-tuned model that was opened as it is, and was not trained here."""
    return bundle.manifest(finetuned).config.get("recipe", "") is None


def any_opened(bundle: Bundle, run: Run) -> bool:
    """Tells whether any run of the same model and task is a fine-tuned model that was opened as it is."""
    places = sorted((bundle.root / run.model / run.task).glob("seed_*/finetune"))
    keys = [key for place in places if (key := key_at(place.relative_to(bundle.root)))]
    return any(bundle.has(key) and is_opened(bundle, key) for key in keys)


def sorted_out(bundle: Bundle, keys: Sequence[Key]) -> tuple[list[Key], dict[str, list[Key]]]:
    """Splits artefacts into those that can be made and, by the reason, those that never can. Raises BadBundle."""
    can: list[Key] = []
    never: dict[str, list[Key]] = {}
    for key in keys:
        why = why_not(bundle, key)
        (never.setdefault(why, []) if why else can).append(key)
    return can, never
