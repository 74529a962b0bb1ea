"""Verb migrate: manifests of schema version 1 to version 2, which say which model a run began with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from explorer.bert.identity import identity_of
from explorer.bert.model_identity import Identity
from explorer.bert.packing import read_packed
from explorer.errors import BadBundle, BadCheckpoint
from explorer.foreign import json_of, text_of
from explorer.store.bundle import CHECKPOINT, MANIFEST
from explorer.store.schema import SCHEMA_VERSION, manifest_from_json

_FROM = 1


@dataclass(frozen=True)
class _Read:
    """A manifest as it lies there, of version 1 or 2."""

    path: Path
    raw: Mapping[str, Any]

    @property
    def run(self) -> tuple[str, str, int]:
        return self.raw["model"], self.raw["task"], self.raw["seed"]


def run_migrate(root: Path) -> int:
    """Rewrites every manifest of version 1 in a bundle; returns how many. What is of version 2 stays as it is.

    `base` is the identity of the model that the run's fine-tuning names, as it is now: its weights must be those that
    the packed checkpoint, or the maps of the pre-trained model, were made with. Only manifest.json changes, and none
    of them before all can be made. Raises BadBundle where a manifest cannot be read, or the model is not here or is
    another one now.
    """
    if not root.is_dir():
        raise BadBundle(f"There is no bundle at {root}.", "Name the folder of a bundle.")
    every = list(_manifests(root))
    old = [one for one in every if one.raw["schema_version"] == _FROM]
    sources = {one.run: str(one.raw["config"].get("model", "")) for one in every if one.raw["stage"] == "finetune"}
    needed = {source for source in sources.values() if source} if old else set()
    bases = {source: _base(source, root) for source in sorted(needed)}
    new = [(one.path, _migrated(one, sources, bases, root)) for one in old]
    for path, text in new:
        partial = path.with_name(".manifest.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return len(new)


def _manifests(root: Path) -> Iterator[_Read]:
    for path in sorted(root.glob(f"*/*/seed_*/*/{MANIFEST}")):
        try:
            raw = json_of(text_of(path))
            version = raw["schema_version"]
            _ = (raw["model"], raw["task"], raw["seed"], raw["stage"], raw["checkpoint_sha256"], dict(raw["config"]))
        except (OSError, ValueError, TypeError, KeyError):
            raise BadBundle(f"{path} is not a manifest.", "Restore it with git, or delete its folder.") from None
        if version not in (_FROM, SCHEMA_VERSION):
            raise BadBundle(f"{path} has schema version {version!r}.", f"Only version {_FROM} can be migrated.")
        yield _Read(path, raw)


def _base(source: str, root: Path) -> Identity:
    try:
        return identity_of(source)
    except BadCheckpoint as error:
        raise BadBundle(
            f"Runs of {root} began with {source!r}, which is not here ({error.wrong})",
            "Give this command where that model can be loaded, so that the bundle can say which one it was.",
        ) from None


def _migrated(
    one: _Read, sources: Mapping[tuple[str, str, int], str], bases: Mapping[str, Identity], root: Path
) -> str:
    raw: dict[str, Any] = {**one.raw, "schema_version": SCHEMA_VERSION, "base": None}
    of_name = [source for run, source in sources.items() if run[0] == one.run[0] and source]
    source = sources.get(one.run) or next(iter(of_name), "")
    if raw["checkpoint_sha256"] and source:
        base = bases[source]
        _require_its_weights(one, base)
        raw["base"] = asdict(base)
        if "model" in raw["config"]:
            raw["config"] = {**raw["config"], "model": base.source}
    text = json.dumps(raw, indent=1, sort_keys=True) + "\n"
    manifest_from_json(text, str(one.path), root)
    return text


def _require_its_weights(one: _Read, base: Identity) -> None:
    """Raises BadBundle where the artefact says which pre-trained weights it was made with, and they are others."""
    packed = one.path.with_name(CHECKPOINT)
    said = ""
    if one.raw["stage"] == "finetune" and packed.is_file():
        said = read_packed(packed).base_sha256
    elif (one.raw["stage"], one.raw["variant"]) == ("attention", "pretrained"):
        said = one.raw["checkpoint_sha256"]
    if said and said != base.weights:
        raise BadBundle(
            f"{one.path.parent} was made with other weights of {base.source} than are there now.",
            "Install the pinned requirements, or put those weights back.",
        )
