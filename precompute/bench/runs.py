"""What a page reads before its first heatmap in a bundle of very many runs, timed in a folder of copies."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from explorer.errors import BadRequest
from explorer.store.bundle import CHECKPOINT, MANIFEST, Bundle
from explorer.store.coverage import coverage
from explorer.store.inventory import Inventory, stamp_of
from explorer.store.schema import ALL_SEEDS, Manifest, Run
from explorer.store.task_tickets import tickets_by_task

Measured = tuple[str, str]
"""What was measured, and what came out."""
_FIRST_SEED = 100_000


def bench_runs(bundle: Bundle, model: str, runs: int) -> Iterator[Measured]:
    """Copies the runs of a bundle under other seeds until there are so many, then times what pages read of them.

    Copies share their files with the originals where the system has hard links; manifests are their own. Raises
    BadRequest where the bundle holds no run of the model.
    """
    with tempfile.TemporaryDirectory(prefix="bench-runs-") as folder:
        many = copied(bundle, model, runs, Path(folder))
        process = psutil.Process()
        before = process.memory_info().rss
        began = time.perf_counter()
        manifests = Inventory(many.manifests())
        yield _took(f"{len(manifests):,} manifests of {runs:,} runs, read and checked", began)
        began = time.perf_counter()
        stamp_of(many.root)
        yield _took("the stamp of the bundle, at every click", began)
        began = time.perf_counter()
        tickets = tickets_by_task(manifests, model)
        yield _took(f"{sum(map(len, tickets.values())):,} tickets for the first heatmap", began)
        began = time.perf_counter()
        for run in _runs(manifests):
            coverage(many, manifests, run)
        yield _took("what there is of every run, for the Runs page", began)
        mebibytes = (process.memory_info().rss - before) / 2**20
        yield "memory for all of it", f"{mebibytes:,.0f} MiB"


def copied(bundle: Bundle, model: str, runs: int, folder: Path) -> Bundle:
    """Makes a bundle of so many runs from copies with other seeds, without checkpoints; raises BadRequest."""
    originals = [run for run in _runs(bundle.manifests()) if run.model == model]
    if not originals:
        raise BadRequest(f"{bundle.root} holds no run of {model}.", "Name another --bundle or --model.")
    for number in range(runs):
        run = originals[number % len(originals)]
        other = Run(run.model, run.task, _FIRST_SEED + number)
        shutil.copytree(
            bundle.root / run.path,
            folder / other.path,
            copy_function=_linked,
            ignore=shutil.ignore_patterns(CHECKPOINT, ".*"),
        )
        for path in (folder / other.path).glob(f"*/{MANIFEST}"):
            told = json.loads(path.read_text(encoding="utf-8")) | {"seed": other.seed}
            if CHECKPOINT in told["files"]:
                told["withheld"][CHECKPOINT] = told["files"].pop(CHECKPOINT)
            path.unlink()  # it may be the original's own file
            path.write_text(json.dumps(told), encoding="utf-8")
    return Bundle(folder)


def _linked(source: str, copy: str) -> None:
    try:
        Path(copy).hardlink_to(source)
    except OSError:
        shutil.copy2(source, copy)


def _runs(manifests: Iterator[Manifest] | Sequence[Manifest]) -> list[Run]:
    return sorted({one.key.run for one in manifests if one.stage == "finetune" and one.seed != ALL_SEEDS})


def _took(what: str, began: float) -> Measured:
    return what, f"{time.perf_counter() - began:.2f} s"
