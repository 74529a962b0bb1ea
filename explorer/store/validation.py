"""A numbered preflight over a whole bundle: every file's hash, and whether its parts agree with each other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.bert.model_folder import POOLER_WEIGHTS, model_folder
from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.bert.model_source import resolve
from explorer.bert.packing import read_packed, require_fits
from explorer.errors import BadBundle, ExplorerError
from explorer.store.bundle import CHECKPOINT, MANIFEST, Bundle, is_altered
from explorer.store.contents import problems_of_contents, problems_of_key
from explorer.store.model_shape import shape_in
from explorer.store.own_tasks import FOLDER, own_tasks
from explorer.store.runs_of_task import is_current
from explorer.store.schema import Manifest, Run, key_at
from explorer.store.whole_folders import leftover_words

LIMIT_BYTES = 100 * 2**20
"""A bundle stays under this, since git keeps every version."""
CHECKPOINT_BYTES = 12 * 2**20
_BESIDE = ("README.md", "LICENSE")
"""Files that may lie anywhere in a bundle."""


@dataclass(frozen=True)
class Check:
    """One numbered check."""

    number: int
    title: str
    problems: tuple[str, ...]
    """Sentences; empty when all is well."""
    detail: str = ""


def validate(bundle: Bundle) -> Iterator[Check]:
    """The checks in order, each as soon as it is done; none raises."""
    manifests, problems = _manifests(bundle)
    problems += _own_tasks(bundle)
    yield Check(1, "manifests read", tuple(problems), f"{len(manifests)} artefacts")
    yield Check(2, "files whole (sha256)", tuple(_altered(bundle, manifests)), f"{_n_files(manifests)} files")
    yield Check(3, "arrays and tables read", tuple(_unreadable(bundle, manifests)))
    mixed = [*_mixed_checkpoints(manifests), *_packed_checkpoints(bundle, manifests)]
    yield Check(4, "one checkpoint a run", tuple(mixed))
    yield Check(5, "nothing unfinished or stray", tuple(_stray(bundle)))
    size = sum(path.lstat().st_size for path in bundle.root.rglob("*") if path.is_file())
    big = [f"The bundle holds {size / 2**20:.0f} MiB, more than {LIMIT_BYTES >> 20}."] if size > LIMIT_BYTES else []
    big += [
        f"{manifest.key.path}/{name} has {entry.bytes / 2**20:.1f} MiB, more than {CHECKPOINT_BYTES >> 20}."
        for manifest in manifests
        for name, entry in manifest.files.items()
        if entry.bytes > CHECKPOINT_BYTES
    ]
    yield Check(6, "small enough to ship", tuple(big), f"{size / 2**20:.1f} MiB")


def _manifests(bundle: Bundle) -> tuple[list[Manifest], list[str]]:
    found, problems = [], []
    if not bundle.root.is_dir():
        return [], [str(BadBundle(f"There is no bundle at {bundle.root}.", "Restore it with `git checkout cache`."))]
    for path in sorted(bundle.root.glob(f"*/*/seed_*/*/{MANIFEST}")):
        if leftover_words(path.parent):
            continue  # named by the fifth check
        try:
            found.append(bundle.manifest_at(path))
        except ExplorerError as error:
            problems.append(str(error))
    if not found and not problems:
        first = bundle.study_command_for(Run(MINILM_NAME, "MRPC", 1337))
        problems.append(f"{bundle.root} holds no artefact. Make one: `{first}`.")
    return found, problems


def _own_tasks(bundle: Bundle) -> Iterator[str]:
    """Sentences on definitions of own tasks that are none, and on the task of a run that is none of the bundle's."""
    for name in own_tasks(bundle.root):
        try:
            bundle.task(name)
        except ExplorerError as error:
            yield str(error)


def _n_files(manifests: list[Manifest]) -> int:
    return sum(len(manifest.files) for manifest in manifests)


def _altered(bundle: Bundle, manifests: list[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        for name, entry in manifest.files.items():
            try:
                path = bundle.checked_file(manifest, name)
            except ExplorerError as error:
                yield str(error)
                continue
            if is_altered(path, entry):
                yield f"{path} was altered: its hash is not the manifest's."


def _unreadable(bundle: Bundle, manifests: list[Manifest]) -> Iterator[str]:
    finetuned = {manifest.key.run: manifest for manifest in manifests if manifest.stage == "finetune"}
    shapes: dict[str, dict[tuple[int, int], Run]] = {}
    for run, manifest in finetuned.items():
        if shape := shape_in(manifest):
            shapes.setdefault(run.model, {}).setdefault(shape, run)
    for found in shapes.values():
        if len(found) > 1:
            runs = " and ".join(str(run.path) for run in found.values())
            yield f"{runs} are of models of different shapes under one name."
    for manifest in manifests:
        try:
            artefact = bundle.read(manifest.key, unfinished=True)
        except ExplorerError as error:
            yield str(error)
            continue
        if not manifest.complete:
            continue
        yield from problems_of_key(manifest)
        own = finetuned.get(manifest.key.run)
        of_model = shapes.get(manifest.model, {})
        shape = shape_in(own) if own else next(iter(of_model), None)
        n = own.data.get("dev", {}).get("n") if own else None
        yield from problems_of_contents(artefact, shape, n)


def _mixed_checkpoints(manifests: list[Manifest]) -> Iterator[str]:
    finetuned = {m.key.run: m for m in manifests if m.stage == "finetune"}
    first = {m.model: m for m in reversed(manifests) if m.base}
    for manifest in manifests:
        if not is_current(manifest, finetuned.get(manifest.key.run)):
            yield f"{manifest.key.path} was computed with another checkpoint than {manifest.key.run.path}/finetune."
        other = first.get(manifest.model)
        if manifest.base and other and other.base and manifest.base.content != other.base.content:
            yield f"{manifest.key.path} began with another model than {other.key.path}, under one name."


def _packed_checkpoints(bundle: Bundle, manifests: list[Manifest]) -> Iterator[str]:
    """Sentences on checkpoints that do not unpack; where the base model lies on this machine, to its very shapes."""
    shapes: dict[str, Mapping[str, tuple[int, ...]] | None] = {}
    for manifest in manifests:
        if manifest.stage != "finetune" or CHECKPOINT not in manifest.files:
            continue
        try:
            packed = read_packed(bundle.checked_file(manifest, CHECKPOINT))
            if packed.base not in shapes:
                shapes[packed.base] = _shapes_here(packed.base)
            require_fits(packed, shapes[packed.base])
        except ExplorerError as error:
            yield str(error)
            continue
        if packed.sha256 != manifest.checkpoint_sha256:
            yield f"{manifest.key.path} has another checkpoint than its numbers were computed with."
        if packed.about.get("task") != manifest.task:
            yield f"The checkpoint of {manifest.key.path} is of another task."


def _shapes_here(source: str) -> Mapping[str, tuple[int, ...]] | None:
    """Shapes of a base model's weights by name; None where it is not on this machine: nothing is downloaded."""
    if source != MINILM and not Path(source).is_dir():
        return None
    found = model_folder(resolve(source).folder)
    drawn = {POOLER_WEIGHTS[0]: (found.hidden, found.hidden), POOLER_WEIGHTS[1]: (found.hidden,)}
    return drawn | {name: header.shape for name, header in found.files.tensors.items()}


def _stray(bundle: Bundle) -> Iterator[str]:
    yield from (f"{path} is {what}: it is no part of the bundle; take it away." for path, what in _foreign(bundle.root))
    for path in sorted(bundle.root.glob("*/*/seed_*/*")) if bundle.root.is_dir() else []:
        if words := leftover_words(path):
            yield words
            continue
        manifest = path / MANIFEST
        if not manifest.is_file():
            yield f"{path} has no manifest, so it is no artefact: delete it."
            continue
        try:
            if not bundle.manifest_at(manifest).complete:
                yield f"{path} is unfinished: run its command again, and it goes on."
            known = {MANIFEST, *bundle.manifest_at(manifest).files}
        except ExplorerError:
            continue  # named by the first check
        yield from (f"{file} is not in the manifest." for file in sorted(path.iterdir()) if file.name not in known)


def _may_lie(path: Path, root: Path) -> bool:
    """Whether a file belongs outside of artefacts: a read-me, a licence, the definition of an own task."""
    return path.name in _BESIDE or (path.parent == root / FOLDER and path.suffix == ".json")


def _foreign(root: Path) -> Iterator[tuple[Path, str]]:
    """Links, pipes and devices anywhere, and files outside of artefacts. Names that begin with '.' are the writer's."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        inside = key_at(here.relative_to(root)) is not None
        for name in sorted((*folders, *files)):
            path = here / name
            if path.is_symlink():
                yield path, "a link, which may lead anywhere"
            elif name in files and not path.is_file():
                yield path, "a pipe or a device"
            elif name in files and not inside and not name.startswith(".") and not _may_lie(path, root):
                yield path, "a file outside of any artefact"
            elif name in folders and inside:
                yield path, "a folder inside an artefact"
        folders[:] = [name for name in folders if not name.startswith(".") and not (here / name).is_symlink()]
