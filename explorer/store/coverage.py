"""What a bundle holds of a study, run by run and stage by stage, and the commands that make the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.store.bundle import CHECKPOINT, Bundle, command_for
from explorer.store.schema import ALL_SEEDS, PUBLISHED_STAGES, Key, Manifest, Run

Status = Literal["complete", "withheld", "unfinished", "missing"]
STUDY: dict[str, tuple[str, ...]] = {
    "finetune": ("",),
    "importance": ("expected", "published", "batch"),
    "structured": ("together", "heads", "mlps"),
    "ablations": ("",),
    "attention": ("finetuned",),
    "magnitude": ("good", "random", "bad"),
    "subnetworks": ("",),
    "retrained": ("good", "random", "bad"),
}
"""Stage -> variants of one run, in the order in which `precompute study` makes them."""
OVER_SEEDS: dict[str, tuple[str, ...]] = {"attention": ("pretrained",), "baseline": ("",)}
"""The same of a task, once for all seeds."""


@dataclass(frozen=True)
class Part:
    """One artefact, there or not."""

    key: Key
    status: Status
    manifest: Manifest | None = None


def coverage(bundle: Bundle, manifests: Sequence[Manifest], run: Run) -> dict[str, tuple[Part, ...]]:
    """Stage -> its parts: those of the study, then whatever else the bundle holds of the run.

    manifests: of the complete artefacts. withheld: complete, but for a file that does not ship (the checkpoint).
    """
    there = {manifest.key: manifest for manifest in manifests if manifest.key.run == run}
    study = OVER_SEEDS if run.seed == ALL_SEEDS else STUDY
    if there and all(key.stage in PUBLISHED_STAGES for key in there):  # imported: there is nothing to compute
        study = {}
    keys = [Key(run, stage, variant) for stage, variants in study.items() for variant in variants]
    keys += sorted(key for key in there if key not in keys)
    found: dict[str, tuple[Part, ...]] = {}
    for key in keys:
        found[key.stage] = (*found.get(key.stage, ()), _part(bundle, key, there.get(key)))
    return found


def commands(parts: Sequence[Part], bundle_name: str = "") -> list[str]:
    """The command of each part that is not complete, in order; bundle_name: where it is to write, '' = its default."""
    where = f" --bundle {bundle_name}" if bundle_name else ""
    return [
        _with_model(command_for(part.key), part.key) + where
        for part in parts
        if part.status in ("missing", "unfinished")
    ]


def study_command(run: Run, bundle_name: str = "") -> str:
    """The command that makes whatever is missing of a run, and goes on where it was stopped."""
    where = f" --bundle {bundle_name}" if bundle_name else ""
    model = "" if run.model == MINILM_NAME else f" --model {run.model}"
    return f"python -m precompute study --task {run.task} --seed {run.seed}{model}{where}"


def _part(bundle: Bundle, key: Key, manifest: Manifest | None) -> Part:
    if manifest is None:
        return Part(key, "unfinished" if bundle.has(key) else "missing")
    return Part(key, "withheld" if CHECKPOINT in manifest.withheld else "complete", manifest)


def _with_model(command: str, key: Key) -> str:
    if key.run.model in (MINILM, MINILM_NAME):
        return command
    return f"{command} --model{'' if key.stage == 'finetune' else '-name'} {key.run.model}"
