"""A numbered preflight over a whole bundle: every file's hash, and whether its parts agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.bert.model_names import MINILM_NAME
from explorer.errors import BadBundle, ExplorerError
from explorer.store.bundle import MANIFEST, Bundle, sha256_of
from explorer.store.schema import PUBLISHED_STAGES, Manifest, Run
from explorer.store.whole_folders import leftover_words

LIMIT_BYTES = 100 * 2**20
"""A bundle stays under this, since git keeps every version."""
CHECKPOINT_BYTES = 12 * 2**20


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
    yield Check(1, "manifests read", tuple(problems), f"{len(manifests)} artefacts")
    yield Check(2, "files whole (sha256)", tuple(_altered(bundle, manifests)), f"{_n_files(manifests)} files")
    yield Check(3, "arrays and tables read", tuple(_unreadable(bundle, manifests)))
    yield Check(4, "one checkpoint a run", tuple(_mixed_checkpoints(manifests)))
    yield Check(5, "nothing unfinished or stray", tuple(_stray(bundle)))
    size = sum(path.stat().st_size for path in bundle.root.rglob("*") if path.is_file())
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
            if sha256_of(path.read_bytes()) != entry.sha256:
                yield f"{path} was altered: its hash is not the manifest's."


def _unreadable(bundle: Bundle, manifests: list[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        try:
            bundle.read(manifest.key, unfinished=True)
        except ExplorerError as error:
            yield str(error)


def _mixed_checkpoints(manifests: list[Manifest]) -> Iterator[str]:
    finetuned = {m.key.run: m for m in manifests if m.stage == "finetune"}
    first = {m.model: m for m in reversed(manifests) if m.base}
    for manifest in manifests:
        own = finetuned.get(manifest.key.run) if manifest.stage not in PUBLISHED_STAGES else None
        if own and manifest.model_content != own.model_content:
            yield f"{manifest.key.path} was computed with another checkpoint than {manifest.key.run.path}/finetune."
        other = first.get(manifest.model)
        if manifest.base and other and other.base and manifest.base.content != other.base.content:
            yield f"{manifest.key.path} began with another model than {other.key.path}, under one name."


def _stray(bundle: Bundle) -> Iterator[str]:
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
