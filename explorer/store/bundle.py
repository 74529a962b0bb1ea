"""Reading and writing a bundle: one folder an artefact, a manifest in each, written whole or not at all.

Long because every sentence that a missing, damaged or unwritable artefact gets stands with what raises it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import os
import platform
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.bert.model_identity import Identity
from explorer.bert.model_names import MINILM_NAME
from explorer.errors import BadBundle, BadRequest
from explorer.foreign import Unreadable, arrays_of, text_of
from explorer.glue.tasks import TASKS, Task
from explorer.store.commands import command_for, given_in, open_command, study_command
from explorer.store.folder_locks import Told
from explorer.store.own_tasks import task_of
from explorer.store.schema import FileEntry, Key, Manifest, Run, key_at, manifest_from_json
from explorer.store.tables import table_of
from explorer.store.user_folders import where_to_get_a_bundle
from explorer.store.whole_folders import put_back, sole_writer, written_aside

MANIFEST = "manifest.json"
ARRAYS = "arrays.npz"
TABLE = "table.parquet"
CHECKPOINT = "checkpoint.safetensors"
LARGEST_MANIFEST = 2**20
"""Bytes; most have 2 KB."""
WORK = ".work"
"""Where unfinished computations keep their state, beside the runs; never part of the bundle."""
_ANY = Run(MINILM_NAME, "MRPC", 1337)
"""The run that is named where there is none yet."""
_COMPUTING = ("torch", "transformers", "tokenizers", "numpy", "scipy", "scikit-learn", "safetensors")


@dataclass(frozen=True)
class Artefact:
    """An artefact as read: its manifest, arrays by name, and its table (empty where it has none)."""

    manifest: Manifest
    arrays: Mapping[str, NDArray[Any]]
    table: pd.DataFrame
    own_task: Task | None = None
    """Task that it was computed for, where that is none of GLUE's."""

    @property
    def task(self) -> Task:
        """The task that its numbers were computed for."""
        return self.own_task or TASKS[self.manifest.task]


@dataclass(frozen=True)
class Bundle:
    """A folder of artefacts: model/task/seed_N/stage[.variant]/."""

    root: Path
    called: str = ""
    """What commands call it where that is not its path: a visitor of a server is not told the server's folders."""

    def manifests(self) -> Iterator[Manifest]:
        """Yields every complete artefact, sorted by path; raises BadBundle at one that cannot be read."""
        if not self.root.is_dir():
            raise BadBundle(
                f"There is no bundle at {self.root}.",
                f"{where_to_get_a_bundle()}, or make one: `{study_command(_ANY, self.place)}`.",
            )
        yield from self._complete("*", "*")

    def manifests_of(self, model: str, task: str) -> Iterator[Manifest]:
        """Yields the complete artefacts of one model and task; raises BadBundle at one that cannot be read."""
        yield from self._complete(model, task)

    def _complete(self, model: str, task: str) -> Iterator[Manifest]:
        for old in self.root.glob(f"{model}/{task}/seed_*/.old-*/*"):
            put_back(old.parent.parent / old.name)
        for path in sorted(self.root.glob(f"{model}/{task}/seed_*/*/{MANIFEST}")):
            if path.parent.name.startswith("."):
                continue
            manifest = self.manifest_at(path)
            if manifest.complete:
                yield manifest

    def has(self, key: Key) -> bool:
        """Whether a manifest of it is there (complete or not)."""
        return self._manifest_path(key).is_file()

    def manifest(self, key: Key) -> Manifest:
        """Raises BadBundle, naming the command that makes it, where it is missing or not readable."""
        path = self._manifest_path(key)
        if not path.is_file():
            raise BadBundle(f"{self.root} has no {key.path}.", f"Make it: `{self.command_for(key)}`.")
        return self.manifest_at(path)

    def _manifest_path(self, key: Key) -> Path:
        path = self.root / key.path / MANIFEST
        if not path.is_file():
            put_back(path.parent)
        return path

    def read(self, key: Key, *, unfinished: bool = False) -> Artefact:
        """Manifest, arrays and table; raises BadBundle where any of it is missing, truncated or altered in size.

        An artefact still under way is read only by its own stage, which asks for it with `unfinished`.
        """
        manifest = self.manifest(key)
        if not (manifest.complete or unfinished):
            raise BadBundle(f"{key.path} is unfinished.", f"Go on with it: `{self.command_for(key)}`.")
        folder = self.root / key.path
        arrays: dict[str, NDArray[Any]] = {}
        table = pd.DataFrame()
        for name in manifest.files:
            path = self.checked_file(manifest, name)
            try:
                if name == ARRAYS:
                    arrays = arrays_of(path)
                elif name == TABLE:
                    table = table_of(path)
            except (Unreadable, OSError) as error:
                raise self._damaged(folder / name, str(error), key) from None
        return Artefact(manifest, arrays, table, None if manifest.task in TASKS else self.task(manifest.task))

    def task(self, name: str) -> Task:
        """Finds a task by the name that manifests have: GLUE's, or one of this bundle's own. Raises BadBundle."""
        return task_of(self.root, name)

    def checked_file(self, manifest: Manifest, name: str) -> Path:
        """The path of one of its files, whose size is checked; raises BadBundle."""
        key = manifest.key
        path = self.root / key.path / name
        if name in manifest.withheld:
            raise BadBundle(
                f"{path} is not shipped with this bundle, to keep it small.",
                f"Make it: `{self.command_for(key)}`.",
            )
        entry = manifest.files.get(name)
        if entry is None or not path.is_file():
            raise BadBundle(f"{path} is missing.", f"Make it again: `{self._again(key)}`.")
        if path.stat().st_size != entry.bytes:
            raise self._damaged(path, f"{path.stat().st_size:,} bytes instead of {entry.bytes:,}", key)
        return path

    def require_unaltered(self, manifest: Manifest, name: str) -> None:
        """Raises BadBundle where one of its files is a link, or holds other bytes than its manifest says."""
        path = self.checked_file(manifest, name)
        if path.is_symlink():
            raise self._damaged(path, "it is a link", manifest.key)
        if is_altered(path, manifest.files[name]):
            raise self._damaged(path, "it was altered", manifest.key)

    def command_for(self, key: Key) -> str:
        """Writes the command line that makes an artefact in this bundle, with the model's source where it is known."""
        if key.stage == "finetune" and self._was_opened(key):
            return open_command(key.run, self.place, self.source_of(key.run))
        there = next(self._readable([self.root / key.path / MANIFEST]), None)
        given = {"train_file": self.train_file_of(key.run)} | (given_in(there.command, key.stage) if there else {})
        return command_for(key, self.place, self.source_of(key.run), given)

    def _was_opened(self, key: Key) -> bool:
        """Whether a run is a fine-tuned model that was opened as it is: no recipe made it."""
        own = next((made for made in self._finetuned(key.run) if made.key == key), None)
        return own is not None and own.config.get("recipe", "") is None

    def study_command_for(self, run: Run) -> str:
        """Writes the command line that makes whatever this bundle lacks of a run."""
        return study_command(run, self.place, self.source_of(run))

    @property
    def place(self) -> str:
        """What commands call it: its path, unless it is called otherwise."""
        return self.called or str(self.root)

    def source_of(self, run: Run) -> str:
        """Reads which folder or Hub id a run's model came from: this run's, else another's; '' where none says it."""
        return next((str(made.config["model"]) for made in self._finetuned(run) if "model" in made.config), "")

    def train_file_of(self, run: Run) -> str:
        """Reads which training file the task's runs were made with, where it is not the task's own; '' else."""
        of_task = (made for made in self._finetuned(run) if made.task == run.task)
        return next((str(made.config.get("train_file") or "") for made in of_task), "")

    def base_of(self, run: Run) -> Identity | None:
        """Reads which pre-trained model a run began with, or any other run under its model's name; None without one."""
        return next((made.base for made in self._finetuned(run) if made.base), None)

    def _finetuned(self, run: Run) -> Iterator[Manifest]:
        """The run's own fine-tuning first, then those of its model's other runs, where they can be read."""
        own = self.root / Key(run, "finetune").path / MANIFEST
        yield from self._readable([own, *sorted(self.root.glob(f"{run.model}/*/seed_*/finetune/{MANIFEST}"))])

    def _readable(self, paths: Iterable[Path]) -> Iterator[Manifest]:
        for path in paths:
            try:
                yield manifest_from_json(text_of(path, LARGEST_MANIFEST), str(path), self.root)
            except (BadBundle, OSError, Unreadable):
                continue

    def require_writable(self, run: Run) -> None:
        """Raises BadRequest where artefacts of that run could not be written: told before hours are spent on them."""
        for folder in (self.root / run.path, self.root / WORK / run.path):
            require_writable(folder, "Name another --bundle, or mend that.")

    def checkpoint(self, run: Run) -> Path:
        """The packed checkpoint of a run; raises BadBundle where the bundle does not hold it."""
        return self.checked_file(self.manifest(Key(run, "finetune")), CHECKPOINT)

    def work_folder(self, key: Key) -> Path:
        """Names the folder in which an unfinished computation of this artefact keeps its state."""
        return self.root / WORK / key.path

    def clear_work(self, key: Key) -> None:
        """Removes the state of an artefact's computation, with the folders that are empty then."""
        folder = self.work_folder(key)
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another computation's state is there
            for parent in list(folder.parents)[: len(key.path.parts)]:
                with suppress(FileNotFoundError):  # gone, where a kill came between two of these
                    parent.rmdir()

    def sole_writer(self, key: Key, on_wait: Told | None = None) -> AbstractContextManager[None]:
        """Makes this thread the one writer of an artefact as long as the block lasts; clears leftovers first.

        on_wait: told who else is writing it, before this waits; None: raises BadBundle instead, with the same words.
        """
        return sole_writer(self.root / key.path, on_wait)

    def write(
        self,
        manifest: Manifest,
        *,
        arrays: Mapping[str, NDArray[Any]] | None = None,
        table: pd.DataFrame | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> Manifest:
        """Writes an artefact whole or not at all, replacing the one before; the manifest with its files filled in.

        Raises BadBundle where it cannot, naming where what was computed is kept instead, or who is writing it.
        """
        contents = dict(blobs or {})
        if arrays is not None:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, allow_pickle=False, **arrays)
            contents[ARRAYS] = buffer.getvalue()
        if table is not None:
            contents[TABLE] = table.to_parquet(index=False)
        filled = replace(manifest, files={name: _entry(data) for name, data in sorted(contents.items())})
        contents[MANIFEST] = filled.to_json().encode()
        target = self.root / manifest.key.path
        try:
            _put(contents, target)
        except OSError as error:
            raise self._kept(contents, target, error, self.work_folder(manifest.key) / "computed") from error
        return filled

    def _kept(self, contents: Mapping[str, bytes], target: Path, error: OSError, beside: Path) -> BadBundle:
        wrong = f"{target} cannot be written ({error.strerror or error})."
        kept = set_aside(contents, beside)
        if kept is None:
            return BadBundle(wrong, "What was computed could not be kept elsewhere either. Make room and try again.")
        move = f"rm -rf {shlex.quote(str(target))} && mv {shlex.quote(str(kept))} {shlex.quote(str(target))}"
        return BadBundle(wrong, f"What was computed is kept in {kept}. When that is mended: `{move}`.")

    def manifest_at(self, path: Path) -> Manifest:
        """Reads one manifest file; raises BadBundle where it is damaged, outdated or in the wrong place."""
        try:
            text = text_of(path, LARGEST_MANIFEST)
        except (OSError, Unreadable):
            raise BadBundle(f"{path} cannot be read.", self._mend(path)) from None
        try:
            manifest = manifest_from_json(text, str(path), self.root)
        except BadBundle as error:
            raise BadBundle(error.wrong, error.mend or self._mend(path)) from None
        if self.root / manifest.key.path != path.parent:
            raise BadBundle(f"{path} belongs at {manifest.key.path}.", "Put the folder back where it was.")
        return manifest

    def _damaged(self, path: Path, what: str, key: Key) -> BadBundle:
        return BadBundle(
            f"{path} is damaged ({what}).",
            f"Restore it with `git checkout {shlex.quote(str(path))}`, or make it again: `{self._again(key)}`.",
        )

    def _mend(self, path: Path) -> str:
        """What mends a manifest that cannot be read: where it lies tells what it was of."""
        restore = f"Restore it with `git checkout {shlex.quote(str(path))}`"
        key = key_at(path.parent.relative_to(self.root))
        return f"{restore}, or make it again: `{self._again(key)}`." if key else f"{restore}."

    def _again(self, key: Key) -> str:
        """Takes away what is there first: the verb alone would call it made."""
        return f"rm -r {shlex.quote(str(self.root / key.path))} && {self.command_for(key)}"


def versions() -> dict[str, str]:
    """Lists the versions of Python and of the packages that the numbers rest on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in _COMPUTING}


@cache
def _version(package: str) -> str:
    """Once a process: each time, its whole description would be parsed."""
    return importlib.metadata.version(package)


def sha256_of(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def is_altered(path: Path, entry: FileEntry) -> bool:
    """Tells whether a file holds other bytes than a manifest's entry says."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256


def require_writable(folder: Path, mend: str) -> None:
    """Raises BadRequest, ending with `mend`, where a folder can neither be written to nor be made; tries it."""
    there = folder
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise BadRequest(f"{there} is a file, not a folder.", mend)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(1 << 16))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BadRequest(f"The folder {there} cannot be written to ({error.strerror or error}).", mend) from None


def require_room(folder: Path, many: int, mend: str) -> None:
    """Raises BadRequest, ending with `mend`, where the disk of a folder, there or to be made, has fewer bytes free."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    if free < many:
        raise BadRequest(f"{folder} needs {many / 2**20:,.0f} MiB, and {free / 2**20:,.0f} are free.", mend)


def set_aside(contents: Mapping[str, bytes], beside: Path | None = None) -> Path | None:
    """Keeps files that could not be written where they belong: in `beside`, else in the system's temporary folder.

    The folder that took them all; None where neither does.
    """
    for where in dict.fromkeys((beside, None)):
        folder = None
        try:
            if where is None:
                folder = Path(tempfile.mkdtemp(prefix="bert-lottery-"))
            else:
                shutil.rmtree(where, ignore_errors=True)
                where.mkdir(parents=True)
                folder = where
            for name, data in contents.items():
                _write_through(folder / name, data)
            return folder
        except OSError:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
    return None


def _put(contents: Mapping[str, bytes], target: Path) -> None:
    with written_aside(target) as partial:
        for name, data in contents.items():
            _write_through(partial / name, data)


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _entry(data: bytes) -> FileEntry:
    return FileEntry(sha256_of(data), len(data))
