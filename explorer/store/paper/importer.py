"""Imports a clone of the authors' repository (github.com/sai-prasanna/bert-experiments) into an ordinary bundle.

Long because each kind of file in the authors' layout has its own checks and its own cause for being skipped.

Their layout: masks/FAMILY/TASK/seed_N/{head_mask,mlp_mask,head_importance,mlp_importance}.npy, and
evaluate_masked/CONDITION/[baseline/]results.json, task -> metric -> [mean, population sd over five seeds].
Pickles are never read. Their files carry no licence: what is imported is for whoever cloned them.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.bert.model_names import BERT_BASE
from explorer.errors import BadData, BadMask
from explorer.foreign import Unreadable, array_of, bytes_of, json_of
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.bundle import Bundle, versions
from explorer.store.commands import import_command
from explorer.store.schema import ALL_SEEDS, Key, Manifest, Run

MODEL = BERT_BASE
N_LAYERS, N_HEADS = 12, 12
SEEDS = (1337, 42, 86, 71, 166)
REPOSITORY = "github.com/sai-prasanna/bert-experiments"
FAMILIES = (
    "heads",
    "mlps",
    "heads_mlps",
    "heads_mlps_bad_1",
    "heads_mlps_random",
    "heads_mlps_super",
    "heads_mlps_super_bizzaro",
    "heads_mlps_super_midling",
)
"""That the paper's figures rest on; any other family with such files is imported too."""
_FOLDERS = {
    "structured": {"good": "head_mlp", "random": "head_mlp_random", "bad": "head_mlp_bad_1"},
    "super": {"good": "head_mlp_super", "random": "head_mlp_super_midling", "bad": "head_mlp_super_bizzaro"},
    "magnitude": {"good": "global_magnitude", "random": "global_random", "bad": "global_bad"},
}
CONDITIONS = {"freq_baseline": "majority_baseline", "no_mask": "full"} | {
    f"{folder}{ending}": f"{method}/{kind}/{state}"
    for method, kinds in _FOLDERS.items()
    for kind, folder in kinds.items()
    for ending, state in (("", "pruned"), ("_retrained", "retrained"))
}
"""Their folder -> the condition as explorer.store.paper names it."""
_TASK_METRIC = {"CoLA": "mcc", "MNLI": "mnli_acc", "STS-B": "pearson"}
"""Their name of the task's own metric; 'acc' elsewhere."""
_SEED = re.compile(r"seed_(0|[1-9][0-9]{0,8})")
_FILES = ("mask", "importance")
_LARGEST = 2**20
"""Bytes; a mask has 1,280."""


@dataclass(frozen=True)
class Skipped:
    """A path inside the clone that was not imported, and why."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} {self.why}"


@dataclass(frozen=True)
class Cause:
    """Why things were skipped."""

    why: str
    """What is the same in all of them."""
    many: int
    example: str
    """The first of them, in full."""

    def __str__(self) -> str:
        return self.example if self.many == 1 else f"{self.many} times: {self.why} For example {self.example}"


def _kind_of(why: str) -> str:
    """A reason without what differs from file to file: names after a colon, numbers, quoted words."""
    why = re.sub(r": .*", ".", why)
    return re.sub(r"'[^']*'|\([^)]*\)|\d[\d,]*", "…", why)


@dataclass(frozen=True)
class ImportReport:
    """What became of a clone."""

    written: tuple[str, ...]
    """Artefacts, as paths inside the bundle."""
    skipped: tuple[Skipped, ...]
    """Missing and malformed parts, each by name."""

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why things were skipped, each cause once, the rarest first: what is odd about one file is not drowned."""
        by_kind: dict[str, list[Skipped]] = {}
        for one in self.skipped:
            by_kind.setdefault(_kind_of(one.why), []).append(one)
        causes = [Cause(why, len(alike), str(alike[0])) for why, alike in by_kind.items()]
        return tuple(sorted(causes, key=lambda cause: cause.many))


@dataclass(frozen=True)
class _Import:
    clone: Path
    bundle: Bundle
    written: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=versions)
    on_written: Callable[[int], object] | None = None

    def skip(self, path: Path, why: str) -> None:
        self.skipped.append(Skipped(path.relative_to(self.clone).as_posix(), why))

    def write(self, key: Key, config: dict[str, Any], summary: dict[str, Any], **contents: Any) -> None:
        manifest = Manifest(
            model=key.run.model,
            task=key.run.task,
            seed=key.run.seed,
            stage=key.stage,
            variant=key.variant,
            command=import_command(),
            config={"repository": REPOSITORY, **config},
            versions=self.versions,
            data={},
            checkpoint_sha256="",
            device="none: imported",
            seconds=0.0,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            summary=summary,
        )
        self.bundle.write(manifest, **contents)
        self.written.append(str(key.path))
        if self.on_written is not None:
            self.on_written(len(self.written))


def import_clone(clone: Path, bundle: Bundle, on_written: Callable[[int], object] | None = None) -> ImportReport:
    """Writes published-masks.FAMILY for each run and published-scores for each task; replaces what is there.

    A family that prunes only heads (or only MLPs) has a mask that keeps all of the other kind; one whose files say
    otherwise is left out. That, and what is missing or malformed, is named in the report, and the rest is kept.
    on_written: told how many artefacts are written.
    Raises BadData where there is nothing to import.
    """
    job = _Import(clone, bundle, on_written=on_written)
    if not (clone / "masks").is_dir() and not (clone / "evaluate_masked").is_dir():
        raise BadData(
            f"{clone} has neither masks/ nor evaluate_masked/.",
            f"Give a clone: `git clone https://{REPOSITORY}`.",
        )
    for family in _children(job, clone / "masks", FAMILIES):
        for task in _children(job, family, tuple(TASKS)):
            if task.name not in TASKS:
                job.skip(task, "is not a GLUE task.")
                continue
            for seed in _children(job, task, tuple(f"seed_{seed}" for seed in SEEDS)):
                _import_masks(job, family.name, task.name, seed)
    _import_scores(job)
    if not job.written:
        rarest = ImportReport((), tuple(job.skipped)).causes[0].example
        raise BadData(f"Nothing in {clone} could be imported; {rarest}", "Is the clone complete?")
    return ImportReport(tuple(job.written), tuple(job.skipped))


def _children(job: _Import, folder: Path, expected: tuple[str, ...]) -> Iterator[Path]:
    """Lists subfolders: the expected in their order, each that is missing skipped by name, then any others."""
    try:
        found = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        job.skip(folder, "is missing or not readable.")
        return
    for name in expected:
        if name not in found:
            job.skip(folder / name, "is missing.")
    yield from (
        folder / name for name in [*(n for n in expected if n in found), *(n for n in found if n not in expected)]
    )


def _import_masks(job: _Import, family: str, task: str, folder: Path) -> None:
    match = _SEED.fullmatch(folder.name)
    if match is None or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", family):
        job.skip(folder, "is not named seed_N inside a family.")
        return
    shapes = {"head": (N_LAYERS, N_HEADS), "mlp": (N_LAYERS,)}
    pruned = [part for part in shapes if f"{part}s" in family.split("_")] or [
        part for part in shapes if (folder / f"{part}_mask.npy").exists()
    ]
    arrays: dict[str, NDArray[Any]] = {}
    hashes: dict[str, str] = {}
    for part in pruned:
        array = _array(job, folder / f"{part}_mask.npy", shapes[part], hashes, required=True)
        if array is not None:
            arrays[f"{part}s"] = array
    others = sorted({p.name for p in folder.iterdir()} - {f"{part}_{what}.npy" for part in shapes for what in _FILES})
    if others:
        job.skip(folder, f"holds {len(others)} other files, which are not read: {', '.join(others[:3])}.")
    if len(arrays) < max(1, len(pruned)) or not _keep_all(job, folder, set(shapes) - set(pruned), shapes, hashes):
        job.skip(folder, "has no usable mask.")
        return
    try:
        mask = Mask(arrays.get("heads", np.ones(shapes["head"])), arrays.get("mlps", np.ones(shapes["mlp"])))
    except BadMask as error:
        job.skip(folder, f"has no usable mask: {error.wrong}")
        return
    contents: dict[str, NDArray[Any]] = {"heads": mask.heads, "mlps": mask.mlps}
    for part in pruned:
        values = _array(job, folder / f"{part}_importance.npy", shapes[part], hashes, required=False)
        if values is not None:
            contents[f"importance_{part}s"] = values.astype(np.float32)
    config = {"family": family, "prunes": [f"{part}s" for part in pruned], "sha256": hashes}
    summary = {"ticket": mask.code, "heads_kept": mask.heads_kept, "mlps_kept": mask.mlps_kept}
    key = Key(Run(MODEL, task, int(match[1])), "published-masks", family)
    job.write(key, config, summary, arrays=contents)


def _keep_all(
    job: _Import, folder: Path, parts: Collection[str], shapes: Mapping[str, tuple[int, ...]], hashes: dict[str, str]
) -> bool:
    """Whether masks of the parts that a family does not prune keep everything, where there are any; else half of what
    the files say would be imported."""
    for part in sorted(parts):
        path = folder / f"{part}_mask.npy"
        if not path.exists():
            continue
        array = _array(job, path, shapes[part], hashes, required=True)
        if array is None:
            return False
        if not (array == 1).all():
            off = "heads" if part == "head" else "MLPs"
            job.skip(path, f"switches {off} off; by its name, the family {folder.parent.parent.name} prunes none.")
            return False
    return True


def _array(
    job: _Import, path: Path, shape: tuple[int, ...], hashes: dict[str, str], *, required: bool
) -> NDArray[Any] | None:
    """A finite numeric array of that shape, its file's hash noted; None, and skipped by name, where it is not."""
    if not path.exists() and not required:
        return None
    data = _bytes(job, path)
    if data is None:
        return None
    try:
        array = array_of(data, _LARGEST)
    except Unreadable:
        job.skip(path, "is not a plain .npy array (pickles are never read).")
        return None
    if array.dtype.kind not in "biuf" or array.shape != shape:
        job.skip(path, f"holds {array.dtype} {array.shape} instead of numbers of shape {shape}.")
        return None
    if not np.isfinite(array).all():
        job.skip(path, "holds a value that is not a finite number.")
        return None
    hashes[path.name] = hashlib.sha256(data).hexdigest()
    return array


def _bytes(job: _Import, path: Path) -> bytes | None:
    try:
        return bytes_of(path, _LARGEST)
    except Unreadable as error:
        job.skip(path, f"is not read: {error}.")
        return None
    except OSError:
        job.skip(path, "is missing or not readable.")
        return None


def _import_scores(job: _Import) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    hashes: dict[str, dict[str, str]] = {}
    for folder in _children(job, job.clone / "evaluate_masked", tuple(CONDITIONS)):
        nested = folder / "baseline" / "results.json"
        path = nested if nested.exists() else folder / "results.json"
        data = _bytes(job, path)
        for task, row in _score_rows(job, path, data, folder.name) if data else ():
            rows.setdefault(task, []).append(row)
            hashes.setdefault(task, {})[folder.name] = hashlib.sha256(data or b"").hexdigest()
    for task in TASKS:
        if task in rows:
            key = Key(Run(MODEL, task, ALL_SEEDS), "published-scores")
            config = {"conditions": list(hashes[task]), "sha256": hashes[task]}
            job.write(key, config, {"conditions": len(hashes[task])}, table=pd.DataFrame(rows[task]))


def _score_rows(job: _Import, path: Path, data: bytes, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Task and row for each metric of each task; what is malformed is skipped by name."""
    try:
        results = json_of(data)
    except Unreadable:
        job.skip(path, "is not JSON.")
        return
    if not isinstance(results, dict):
        job.skip(path, "is not an object of tasks.")
        return
    for task, metrics in results.items():
        if task not in TASKS or not isinstance(metrics, dict):
            job.skip(path, f"has {task!r:.40}, which is not a GLUE task with its metrics.")
            continue
        for metric, entry in metrics.items():
            numbers = entry if isinstance(entry, list) else []
            plain = all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in numbers)
            if not plain or len(numbers) not in (1, 2) or not -1 <= numbers[0] <= 1 or min(numbers[1:], default=0) < 0:
                job.skip(path, f"has no mean and standard deviation as {metric!r:.40} of {task}.")
                continue
            yield (
                task,
                {
                    "folder": folder,
                    "condition": CONDITIONS.get(folder, ""),
                    "metric": metric,
                    "is_task_metric": metric == _TASK_METRIC.get(task, "acc"),
                    "mean": float(numbers[0]),
                    "population_sd": float(numbers[1]) if len(numbers) == 2 else math.nan,
                    "n_seeds": len(SEEDS),
                },
            )
    for task in TASKS:
        if task not in results:
            job.skip(path, f"has no {task}.")
