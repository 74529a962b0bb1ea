"""Stage publish: finished artefacts into the bundle that ships, with the checkpoints that the lab runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from explorer.errors import BadRequest
from explorer.store.bundle import ARRAYS, CHECKPOINT, TABLE, Bundle
from explorer.store.commands import command_for
from explorer.store.schema import PUBLISHED_STAGES, Manifest


def run_publish(source: Bundle, target: Bundle, checkpoints: Collection[str]) -> list[str]:
    """Copies every finished artefact whose content differs; names what was copied.

    checkpoints: 'TASK:SEED' of the runs whose checkpoint ships; the manifests of others say it is withheld.
    """
    manifests = list(source.manifests())
    known = {f"{m.task}:{m.seed}" for m in manifests}
    unknown = set(checkpoints) - known
    if unknown:
        raise BadRequest(
            f"There is no run {sorted(unknown)[0]!r} in {source.root}.", f"Runs: {', '.join(sorted(known))}."
        )
    copied = []
    for manifest in manifests:
        ships = f"{manifest.task}:{manifest.seed}" in checkpoints
        if _is_there(target, manifest, ships):
            continue
        artefact = source.read(manifest.key)
        blobs, withheld = {}, {}
        if CHECKPOINT in manifest.files:
            if ships:
                blobs[CHECKPOINT] = Path(source.checked_file(manifest, CHECKPOINT)).read_bytes()
            else:
                withheld[CHECKPOINT] = manifest.files[CHECKPOINT]
        target.write(
            replace(manifest, withheld=withheld, command=_command(manifest, target)),
            arrays=artefact.arrays if ARRAYS in manifest.files else None,
            table=artefact.table if TABLE in manifest.files else None,
            blobs=blobs,
        )
        copied.append(str(manifest.key.path))
    return copied


def _command(manifest: Manifest, target: Bundle) -> str:
    """The command that makes it in the bundle that ships: it names no folder of whoever computed it but the model's."""
    if manifest.stage in PUBLISHED_STAGES:
        return manifest.command
    root = "" if target.root.is_absolute() else target.root
    return command_for(manifest.key, root, manifest.base.source if manifest.base else "")


def _is_there(target: Bundle, manifest: Manifest, ships: bool) -> bool:
    if not target.has(manifest.key):
        return False
    there = target.manifest(manifest.key)
    ships_checkpoint = ships and CHECKPOINT in manifest.files
    return there.created == manifest.created and (CHECKPOINT in there.files) == ships_checkpoint
