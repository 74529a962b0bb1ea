"""What a bundle holds of a study, run by run and stage by stage, and the commands that make the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from explorer.store.bundle import CHECKPOINT, Bundle
from explorer.store.commands import command_for
from explorer.store.inventory import Inventory
from explorer.store.schema import ALL_SEEDS, Key, Manifest, Run
from explorer.store.stages import computed, is_imported

Status = Literal["complete", "withheld", "unfinished", "missing"]


@dataclass(frozen=True)
class Part:
    """One artefact, there or not."""

    key: Key
    status: Status
    manifest: Manifest | None = None


def coverage(bundle: Bundle, manifests: Inventory, run: Run) -> dict[str, tuple[Part, ...]]:
    """Stage -> its parts: those of the study, then whatever else the bundle holds of the run.

    manifests: of the complete artefacts. withheld: complete, but for a file that does not ship (the checkpoint).
    """
    there = {manifest.key: manifest for manifest in manifests.of_run(run)}
    imported = bool(there) and all(is_imported(key.stage) for key in there)  # there is nothing to compute
    keys = [] if imported else study_keys(run)
    keys += sorted(key for key in there if key not in keys)
    found: dict[str, tuple[Part, ...]] = {}
    for key in keys:
        found[key.stage] = (*found.get(key.stage, ()), _part(bundle, key, there.get(key)))
    return found


def study_keys(run: Run) -> list[Key]:
    """Lists what the study makes of a run, or of a task over all seeds, in the order of the register."""
    over_all = run.seed == ALL_SEEDS
    return [
        Key(run, stage.name, variant)
        for stage in computed()
        for variant in (stage.over_seeds if over_all else stage.variants)
    ]


def commands(parts: Sequence[Part], bundle: Path | str = "", source: str = "") -> list[str]:
    """Writes the command of each part that is not complete, in order; bundle, source: as `command_for` takes them."""
    return [command_for(part.key, bundle, source) for part in parts if part.status in ("missing", "unfinished")]


def _part(bundle: Bundle, key: Key, manifest: Manifest | None) -> Part:
    if manifest is None:
        return Part(key, "unfinished" if bundle.has(key) else "missing")
    return Part(key, "withheld" if CHECKPOINT in manifest.withheld else "complete", manifest)
