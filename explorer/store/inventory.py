"""What a bundle holds, found by key and by run without a walk through all of it: there may be thousands of runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

from explorer.store.bundle import MANIFEST
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


def stamp_of(root: Path) -> float:
    """Computes a number that changes whenever a manifest of the bundle does, from how many there are and the newest."""
    times = [path.stat().st_mtime for path in root.glob(f"*/*/seed_*/*/{MANIFEST}")]
    return max(times, default=0.0) + len(times)
