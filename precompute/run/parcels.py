"""What travels between the driver of a plan and a machine that shares no disk with it: files as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.bert.model_names import MINILM
from explorer.bert.model_source import resolve
from explorer.errors import BadBundle
from explorer.glue.tasks import task_named
from explorer.store.bundle import MANIFEST, Bundle, sha256_of
from explorer.store.runs_of_task import complete, seeds_with
from explorer.store.schema import Key, Run, manifest_from_json
from explorer.store.stages import stage_named
from explorer.store.whole_folders import written_aside
from precompute.run.graph import Job

Files = Mapping[str, bytes]
"""Path inside a folder -> what the file holds."""
_OF_A_MODEL = ("*.json", "*.txt", "*.safetensors")
"""Files of a model folder; pickles never travel."""


@dataclass(frozen=True)
class Shared:
    """What all jobs of a task need beside artefacts."""

    model: str
    """The model's name for good, as `explorer.bert.model_source` has it."""
    weights: Files
    """The model's folder; {} where every machine has it installed."""
    glue: Files
    """TASK/dev.tsv and so on; {} where they come from the Hub."""


def model_parcel(source: str) -> tuple[str, Files]:
    """Reads a model folder: its name for good, and its files; raises BadCheckpoint where there is none."""
    found = resolve(source)
    if found.name == MINILM:
        return MINILM, {}  # a package that every machine of the cluster has installed
    paths = sorted(path for pattern in _OF_A_MODEL for path in found.folder.glob(pattern) if path.is_file())
    return found.name, {path.name: path.read_bytes() for path in paths}


def glue_parcel(folder: Path | None, task: str, train_file: str) -> Files:
    """Reads a task's training and dev file; {} where there is no folder."""
    if folder is None:
        return {}
    known = task_named(task)
    names = {known.dev_file, known.train_file, *([train_file] if train_file else [])}
    return {f"{task}/{name}": path.read_bytes() for name in names if (path := folder / task / name).is_file()}


def needed(bundle: Bundle, job: Job) -> tuple[Key, ...]:
    """Lists the artefacts that a job reads: its needs, and what its stage reads if it is there, of other seeds too."""
    run, keys = job.key.run, dict.fromkeys((*job.needs, *job.after))
    for name in stage_named(job.key.stage).needs_of_all_seeds:
        stage, _, variant = name.partition(".")
        for seed in seeds_with(bundle, run.model, run.task, stage, variant):
            other = Run(run.model, run.task, seed)
            keys |= dict.fromkeys((Key(other, stage, variant), Key(other, "finetune")))
    return tuple(key for key in keys if complete(bundle, key))


def pack(bundle: Bundle, key: Key, *, checkpoint: bool = True) -> Files:
    """Reads an artefact's files, whose sizes are checked; raises BadBundle where one is missing or damaged.

    checkpoint: whether its weights, the bulk of a run, travel too.
    """
    manifest = bundle.manifest(key)
    names = [name for name in manifest.files if checkpoint or not name.startswith("checkpoint.")]
    files = {name: bundle.checked_file(manifest, name).read_bytes() for name in names}
    return files | {MANIFEST: (bundle.root / key.path / MANIFEST).read_bytes()}


def unpack(bundle: Bundle, key: Key, files: Files) -> None:
    """Writes an artefact that came as bytes into a bundle, whole or not at all, in place of what is there.

    Raises BadBundle where it is not that artefact.
    """
    with written_aside(bundle.root / key.path, on_wait=lambda _words: None) as partial:
        write_files(partial, files)
        told = manifest_from_json(files.get(MANIFEST, b"").decode(errors="replace"), str(key.path))
        if told.key != key or any(sha256_of(files.get(name, b"")) != of.sha256 for name, of in told.files.items()):
            raise BadBundle(f"What came as {key.path} is not whole.", "Give the same command: it is made again.")
    bundle.clear_work(key)  # of an earlier sitting on this machine


def write_files(folder: Path, files: Files) -> None:
    """Writes files by their paths inside a folder."""
    for name, data in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BadBundle(f"{name} does not lie in {folder}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def brings(keys: Iterable[Key], job: Job) -> dict[Key, bool]:
    """Tells of each artefact that a job reads whether its checkpoint must travel too."""
    loads = stage_named(job.key.stage).loads_checkpoint(job.key.variant)
    return {key: loads and key.run.seed == job.seed for key in keys}
