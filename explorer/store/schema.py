"""What an artefact of a bundle is called and what its manifest says."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, TypeGuard

from explorer.bert.model_identity import Identity
from explorer.errors import BadBundle, BadRequest
from explorer.foreign import json_of
from explorer.store.own_tasks import is_known
from explorer.store.stages import REGISTER, stage_named

SCHEMA_VERSION = 2
"""2: manifests say which model a run began with. `python -m precompute migrate` makes it of a bundle of version 1."""
STAGES = tuple(stage.name for stage in REGISTER)
"""Names of all stages, in the order in which they build on each other."""
PUBLISHED_STAGES = tuple(stage.name for stage in REGISTER if stage.imported)
"""Imported from the authors' files, not computed here: no checkpoint, no data."""
ALL_SEEDS = -1
"""The seed of an artefact that is over all seeds of a task: its folder is seed_all."""
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_PLACE = re.compile(
    r"(?P<model>[^/]+)/(?P<task>[^/]+)/seed_(?P<seed>all|[0-9]{1,10})/(?P<stage>[a-z-]+)(?:\.(?P<variant>[^/]+))?"
)


@dataclass(frozen=True, order=True)
class Run:
    """model x task x seed."""

    model: str
    task: str
    seed: int

    def __post_init__(self) -> None:
        for part in (self.model, self.task):
            if not _PART.fullmatch(part):
                raise BadRequest(f"{part!r} cannot name a folder of a bundle.", "Use letters, digits, '-' and '_'.")

    @property
    def path(self) -> PurePosixPath:
        """Inside the bundle: minilm-l6/MRPC/seed_1337."""
        return PurePosixPath(self.model, self.task, f"seed_{'all' if self.seed == ALL_SEEDS else self.seed}")


@dataclass(frozen=True, order=True)
class Key:
    """One artefact of a run: a stage, and where a stage has several, which."""

    run: Run
    stage: str
    variant: str = ""

    def __post_init__(self) -> None:
        stage_named(self.stage)
        if self.variant and not _PART.fullmatch(self.variant):
            raise BadRequest(f"{self.stage}.{self.variant} names no artefact.", "Use letters, digits, '-' and '_'.")

    @property
    def path(self) -> PurePosixPath:
        """Inside the bundle: minilm-l6/MRPC/seed_1337/structured.together."""
        return self.run.path / (f"{self.stage}.{self.variant}" if self.variant else self.stage)


def key_at(path: PurePath) -> Key | None:
    """Names the artefact whose folder lies at that path inside a bundle; None where no artefact belongs there."""
    match = _PLACE.fullmatch(path.as_posix())
    if match is None:
        return None
    try:
        seed = ALL_SEEDS if match["seed"] == "all" else int(match["seed"])
        return Key(Run(match["model"], match["task"], seed), match["stage"], match["variant"] or "")
    except BadRequest:
        return None


@dataclass(frozen=True)
class FileEntry:
    """A file of an artefact as it was when written."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """Record of how an artefact came about: enough to make it again and to notice that it was altered."""

    model: str
    task: str
    seed: int
    stage: str
    variant: str
    command: str
    """The command that makes it again."""
    config: Mapping[str, Any]
    """Every option that changes the result."""
    versions: Mapping[str, str]
    """Versions of Python and the packages that compute."""
    data: Mapping[str, Any]
    """Per split: source, n and sha256."""
    checkpoint_sha256: str
    """Hash of the weights that every number in it was computed with."""
    device: str
    seconds: float
    """Seconds of computation, over all sittings."""
    created: str
    """UTC, ISO 8601."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """A few numbers for people and listings."""
    complete: bool = True
    """False while a run is under way: the stage goes on from it; nobody else reads it."""
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    withheld: Mapping[str, FileEntry] = field(default_factory=dict)
    """Files that were made but are not shipped with this bundle, to keep it small."""
    base: Identity | None = None
    """The pre-trained model that the run began with; None where no model is in it."""
    schema_version: int = SCHEMA_VERSION

    @property
    def made_on(self) -> str:
        """The device in words: 'cpu (2 threads)'."""
        return self.device.replace("(1 threads)", "(1 thread)")  # as it was written until 2026-11-27

    @property
    def key(self) -> Key:
        """Place of the artefact in a bundle."""
        return Key(Run(self.model, self.task, self.seed), self.stage, self.variant)

    @property
    def model_content(self) -> str:
        """sha256 of the weights, config and tokenizer that every number was computed with; as `Identity.content`."""
        return replace(self.base, weights=self.checkpoint_sha256).content if self.base else self.checkpoint_sha256

    def to_json(self) -> str:
        """Sorted and indented, so that git shows what changed."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def manifest_from_json(text: str, where: str, bundle: Path | None = None) -> Manifest:
    """Raises BadBundle naming `where` unless the text is a manifest of this schema version.

    bundle: the folder that it belongs to, which defines tasks beside GLUE's, and which the command that migrates an
    older one names.
    """
    try:
        raw = json_of(text)
        version = raw["schema_version"]
    except (ValueError, TypeError, KeyError):
        raise BadBundle(f"{where} is not a manifest.") from None
    if version != SCHEMA_VERSION:
        migrate = f"Migrate it, which computes nothing again: `python -m precompute migrate {_quoted(bundle)}`."
        raise BadBundle(
            f"{where} has schema version {repr(version)[:20]}; this program reads version {SCHEMA_VERSION}.",
            migrate if version == 1 else "Install the version of this program that wrote it.",
        )
    if wrong := _misfit(raw, bundle):
        raise BadBundle(f"{where} is not a manifest ({wrong}).")
    try:
        for name in ("files", "withheld"):
            raw[name] = {file: FileEntry(**entry) for file, entry in raw[name].items()}
        raw["base"] = Identity(**raw["base"]) if raw["base"] else None
        manifest = Manifest(**raw)
        _ = manifest.key
    except (TypeError, KeyError, AttributeError, BadRequest) as error:
        raise BadBundle(f"{where} is not a manifest ({error}).") from None
    return manifest


_TEXT = ("model", "task", "stage", "variant", "command", "checkpoint_sha256", "device", "created")
_TABLES = ("config", "versions", "data", "summary", "files", "withheld")


def _misfit(raw: Mapping[str, Any], bundle: Path | None) -> str:
    """Says which entry has a type or a value that no manifest has; '' where all are fit to be made a Manifest of."""
    kinds: dict[str, Any] = dict.fromkeys(_TEXT, str) | dict.fromkeys(_TABLES, dict) | {"complete": bool}
    for name, kind in kinds.items():
        if not isinstance(raw.get(name), kind):
            return f"{name} is {'missing' if name not in raw else 'of another type'}"
    seconds = raw.get("seconds")
    if not _is_number(seconds) or not 0 <= seconds < math.inf:
        return "seconds is no duration"
    if type(raw.get("seed")) is not int or not ALL_SEEDS <= raw["seed"] < 2**31:
        return "seed is no seed"
    if not is_known(bundle if _PART.fullmatch(raw["task"]) else None, raw["task"]):
        return f"{raw['task'][:40]!r} is no GLUE task, nor one that tasks/ in the bundle defines"
    if not all(isinstance(version, str) for version in raw["versions"].values()):
        return "versions holds something else than text"
    for split in raw["data"].values():
        told = split if isinstance(split, dict) else {}
        n, texts = told.get("n"), (told.get("source"), told.get("sha256"))
        if type(n) is not int or n < 0 or not all(isinstance(text, str) for text in texts):
            return "data does not say source, n and sha256 of each split"
    for name, entry in {**raw["files"], **raw["withheld"]}.items():
        if not _FILE.fullmatch(name):  # '../x' would lead out of the bundle
            return f"{name[:40]!r} is no name of a file in its folder"
        if not isinstance(entry, dict) or entry.keys() != {"sha256", "bytes"}:
            return f"{name} is described by something else than sha256 and bytes"
        if not isinstance(entry["sha256"], str) or type(entry["bytes"]) is not int or entry["bytes"] < 0:
            return f"{name} has no sha256 or no size"
    base = raw.get("base")
    if base is not None and not (isinstance(base, dict) and all(isinstance(part, str) for part in base.values())):
        return "base is no identity of a model"
    if not isinstance(raw["config"].get("model", ""), str):
        return "the model in its config is no text"
    return ""


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _quoted(bundle: Path | None) -> str:
    return shlex.quote(str(bundle)) if bundle else "BUNDLE"
