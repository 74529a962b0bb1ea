"""What a bundle holds, found by key and by run without a walk through all of it: there may be thousands of runs."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

from explorer.store.bundle import MANIFEST
from explorer.store.own_tasks import FOLDER
from explorer.store.schema import Key, Manifest, Run


class Inventory(Sequence[Manifest]):
    """The manifests of a bundle's complete artefacts, in the bundle's order. Frozen, so that all sessions share it."""

    def __init__(self, manifests: Iterable[Manifest] = ()) -> None:
        self._manifests = tuple(manifests)

    @overload
    def __getitem__(self, at: int) -> Manifest: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Manifest, ...]: ...
    def __getitem__(self, at: int | slice) -> Manifest | tuple[Manifest, ...]:
        return self._manifests[at]

    def __len__(self) -> int:
        return len(self._manifests)

    def __iter__(self) -> Iterator[Manifest]:
        return iter(self._manifests)

    @cached_property
    def by_key(self) -> Mapping[Key, Manifest]:
        """Each artefact's manifest."""
        return {manifest.key: manifest for manifest in self._manifests}

    @cached_property
    def by_run(self) -> Mapping[Run, tuple[Manifest, ...]]:
        """Each run's manifests, in the bundle's order."""
        found: dict[Run, list[Manifest]] = defaultdict(list)
        for manifest in self._manifests:
            found[manifest.key.run].append(manifest)
        return {run: tuple(of_run) for run, of_run in found.items()}

    def of_run(self, run: Run) -> tuple[Manifest, ...]:
        """Gives the manifests of one run, () where there are none."""
        return self.by_run.get(run, ())


def stamp_of(root: Path) -> str:
    """Computes a text that changes whenever an artefact or an own task of the bundle comes, goes or is made anew.

    From the path, time and size of each manifest and definition; none is read.
    """
    tasks = [entry.path for entry in _entries(root / FOLDER) if entry.name.endswith(".json")]
    found = sorted(filter(None, map(_stamped, (*tasks, *_places_of_manifests(root)))))
    return hashlib.sha256("\n".join(found).encode(errors="surrogateescape")).hexdigest()[:32]


def _places_of_manifests(root: Path) -> Iterator[str]:
    """Walked by hand: this is asked at every click, and `Path.glob` takes twice as long."""
    for model in _entries(root):
        for task in _entries(model.path):
            for seed in _entries(task.path):
                if seed.name.startswith("seed_"):
                    yield from (f"{stage.path}/{MANIFEST}" for stage in _entries(seed.path))


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    """What lies in a folder; [] where there is none, or where another process took it away just now."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _stamped(path: str) -> str:
    """'' where it is gone, or was never there."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path of each would double the time)
    except OSError:
        return ""
    return f"{path}\0{found.st_mtime_ns}\0{found.st_size}"
