"""Stage publish: finished artefacts into the bundle that ships, with the checkpoints that the lab runs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS
from explorer.store.bundle import ARRAYS, CHECKPOINT, TABLE, Bundle, require_room, require_writable
from explorer.store.commands import command_for, given_in, open_command
from explorer.store.own_tasks import write_task
from explorer.store.schema import PUBLISHED_STAGES, Manifest


@dataclass(frozen=True)
class _Planned:
    """An artefact to copy, and whether its checkpoint goes along."""

    manifest: Manifest
    ships: bool

    @property
    def bytes(self) -> int:
        files = self.manifest.files.items()
        return sum(entry.bytes for name, entry in files if name != CHECKPOINT or self.ships)


def run_publish(
    source: Bundle,
    target: Bundle,
    checkpoints: Collection[str] = (),
    withhold: Collection[str] = (),
    on_wait: Callable[[str], object] | None = None,
) -> list[str]:
    """Copies every finished artefact whose content differs; names what was copied.

    checkpoints, withhold: 'TASK:SEED' of the runs whose checkpoint is to ship, and no longer. That of any other run
    ships where the target has it already; else the manifest says that it is withheld. on_wait: told who else is writing
    an artefact before this waits for that. Raises BadRequest, before anything is written, where one bundle is the other
    or lies in it, where a run or a checkpoint is not there, and where the target takes nothing or has no room.
    """
    _require_apart(source.root, target.root)
    manifests = list(source.manifests())
    known = {_name(m) for m in manifests}
    if unknown := sorted({*checkpoints, *withhold} - known):
        raise BadRequest(f"There is no run {unknown[0]!r} in {source.root}.", f"Runs: {', '.join(sorted(known))}.")
    if both := sorted(set(checkpoints) & set(withhold)):
        raise BadRequest(f"{both[0]} is named to ship and to be withheld.", "Name it once.")
    planned = [
        one for manifest in manifests if (one := _planned(source, target, manifest, checkpoints, withhold)) is not None
    ]
    if planned:
        require_writable(target.root, "Name another bundle to ship, or mend that.")
        require_room(target.root, sum(one.bytes for one in planned), "Make room, or name another bundle to ship.")
    for name in sorted({one.manifest.task for one in planned} - TASKS.keys()):
        write_task(target.root, source.task(name))
    for one in planned:
        with target.sole_writer(one.manifest.key, on_wait):
            _copy(source, target, one)
    return [str(one.manifest.key.path) for one in planned]


def _require_apart(source: Path, target: Path) -> None:
    one, other = source.resolve(), target.resolve()
    if one == other:
        raise BadRequest(f"{source} and {target} are the same folder.", "Name another bundle to ship.")
    if one in other.parents or other in one.parents:
        raise BadRequest(f"Of {source} and {target}, one lies in the other.", "Name bundles that lie side by side.")


def _name(manifest: Manifest) -> str:
    return f"{manifest.task}:{manifest.seed}"


def _planned(
    source: Bundle, target: Bundle, manifest: Manifest, checkpoints: Collection[str], withhold: Collection[str]
) -> _Planned | None:
    """What is to be done about one artefact; None where it is there as it should be."""
    there = target.manifest(manifest.key) if target.has(manifest.key) else None
    shipped = there is not None and CHECKPOINT in there.files
    asked = _name(manifest) in checkpoints and CHECKPOINT in {**manifest.files, **manifest.withheld}
    ships = asked or (shipped and _name(manifest) not in withhold)
    if there is not None and there.created == manifest.created and shipped == ships:
        return None
    if ships and CHECKPOINT not in manifest.files:
        why = "is to ship" if asked else f"ships in {target.root}, and would be lost"
        raise BadRequest(
            f"The checkpoint of {manifest.key.path} {why}, but {source.root} does not hold it.",
            f"Make it: `{source.command_for(manifest.key)}`, or give --withhold {_name(manifest)}.",
        )
    return _Planned(manifest, ships)


def _copy(source: Bundle, target: Bundle, planned: _Planned) -> None:
    manifest = planned.manifest
    for name in manifest.files:  # else what was altered would get new checksums, and be whole
        source.require_unaltered(manifest, name)
    artefact = source.read(manifest.key)
    blobs, withheld = {}, dict(manifest.withheld)
    if CHECKPOINT in manifest.files:
        if planned.ships:
            blobs[CHECKPOINT] = source.checked_file(manifest, CHECKPOINT).read_bytes()
        else:
            withheld[CHECKPOINT] = manifest.files[CHECKPOINT]
    target.write(
        replace(manifest, withheld=withheld, command=_command(manifest, target)),
        arrays=artefact.arrays if ARRAYS in manifest.files else None,
        table=artefact.table if TABLE in manifest.files else None,
        blobs=blobs,
    )


def _command(manifest: Manifest, target: Bundle) -> str:
    """The command that makes it in the bundle that ships: it names no folder of whoever computed it but the model's."""
    if manifest.stage in PUBLISHED_STAGES:
        return manifest.command
    root = "" if target.root.is_absolute() else target.root
    if manifest.stage == "finetune" and manifest.config.get("recipe", "") is None:
        return open_command(manifest.key.run, root, manifest.base.source if manifest.base else "")
    source = manifest.base.source if manifest.base else ""
    return command_for(manifest.key, root, source, given_in(manifest.command, manifest.stage))
