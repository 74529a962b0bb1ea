"""Which runs of a task are in a bundle, and how far."""

from __future__ import annotations

import re
from collections.abc import Iterable

from explorer.errors import BadBundle
from explorer.store.bundle import Artefact, Bundle
from explorer.store.paper.published import published
from explorer.store.schema import PUBLISHED_STAGES, Key, Manifest, Run

TOGETHER = ("structured", "together")
"""The trajectory that tickets are taken from: heads and MLPs together."""
_SEED = re.compile(r"seed_(0|[1-9][0-9]*)")


def seeds_with(bundle: Bundle, model: str, task: str, stage: str, variant: str = "") -> tuple[int, ...]:
    """Lists the seeds whose complete artefact of a stage is in the bundle, ascending."""
    folders = (bundle.root / Run(model, task, 0).path).parent.glob("seed_*")
    seeds = sorted(int(match[1]) for folder in folders if (match := _SEED.fullmatch(folder.name)))
    return tuple(seed for seed in seeds if complete(bundle, Key(Run(model, task, seed), stage, variant)))


def in_paper_order(seed: int) -> int:
    """Gives a sort key: the paper's seeds as it lists them (1337 first), then any others ascending."""
    paper = published().seeds
    return paper.index(seed) if seed in paper else len(paper) + seed


def complete(bundle: Bundle, key: Key) -> Manifest | None:
    """Returns the manifest of an artefact that is there, finished and of the checkpoint that its run has, else None."""
    if not bundle.has(key) or not (manifest := bundle.manifest(key)).complete:
        return None
    return manifest if is_current(manifest, _finetuned(bundle, key)) else None


def current_artefact(bundle: Bundle, key: Key) -> Artefact:
    """Reads an artefact of the checkpoint that its run has; raises BadBundle where it is not there, or of another."""
    found = bundle.read(key)
    if not is_current(found.manifest, _finetuned(bundle, key)):
        raise BadBundle(
            f"{key.path} was computed with another checkpoint than {key.run.path} has now.",
            f"Make it again: `{bundle.command_for(key)}`.",
        )
    return found


def _finetuned(bundle: Bundle, key: Key) -> Manifest | None:
    """What an artefact is held against: its run's fine-tuning, None where there is none or where it is that itself."""
    own = Key(key.run, "finetune")
    return bundle.manifest(own) if key != own and bundle.has(own) else None


def is_current(manifest: Manifest, finetuned: Manifest | None) -> bool:
    """Tells whether an artefact was made with the checkpoint that its run has now; an imported one was with none.

    finetuned: the run's artefact of stage finetune, None where there is none.
    """
    if finetuned is None or manifest.stage in PUBLISHED_STAGES:
        return True
    return manifest.model_content == finetuned.model_content


def current(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Leaves out what was made with another checkpoint than its run has now: its numbers are of another model."""
    there = list(manifests)
    finetuned = {manifest.key.run: manifest for manifest in there if manifest.stage == "finetune"}
    return [manifest for manifest in there if is_current(manifest, finetuned.get(manifest.key.run))]
