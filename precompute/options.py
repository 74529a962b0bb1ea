"""Options that every stage shares, and what they open."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from explorer.errors import BadRequest
from explorer.glue.sources import load_examples
from explorer.glue.tasks import Examples, Split, Task, task_named
from explorer.store.bundle import Bundle, command_for, versions
from explorer.store.schema import Key, Manifest, Run


@dataclass(frozen=True)
class Options:
    """What a stage works on, and where."""

    task: Task
    seed: int
    bundle: Bundle
    glue_dir: Path | None
    device: str
    """'cpu' or 'cuda', resolved."""

    def examples(self, split: Split, file: str | None = None) -> Examples:
        """The task's split from the folder, GLUE_DIR or the Hub; read once."""
        return _read_once(self.task, split, self.glue_dir, file)


@cache
def _read_once(task: Task, split: Split, glue_dir: Path | None, file: str | None) -> Examples:
    return load_examples(task, split, glue_dir, file=file)


def options(
    task: str, seed: int, bundle: Path, glue_dir: Path | None, device: str, *splits: Split, file: str | None = None
) -> Options:
    """Checks them, and reads the splits that will be needed: all that can be wrong is told before torch is imported.

    Raises BadRequest on an unknown task, an impossible seed or a device that is not there; BadData on the data.
    """
    if not 0 <= seed < 2**31:
        raise BadRequest(f"The seed {seed} is not from 0 to {2**31 - 1}.")
    known = task_named(task)
    for split in splits:
        _read_once(known, split, glue_dir, file if split == "train" else None)
    return Options(known, seed, Bundle(bundle), glue_dir, resolved_device(device))


def resolved_device(device: str) -> str:
    """'auto' is CUDA where there is one."""
    if device not in ("auto", "cpu", "cuda"):
        raise BadRequest(f"There is no device {device!r}.", "Use auto, cpu or cuda.")
    if device == "cpu":
        return device
    import torch  # late: bad options and missing data are told before seconds go into importing it

    if device == "cuda" and not torch.cuda.is_available():
        raise BadRequest("This machine has no usable CUDA device.", "Use --device cpu or --device auto.")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


@dataclass(frozen=True)
class Stopwatch:
    """Seconds of computation over all sittings of a resumable stage."""

    before: float = 0.0
    started: float = 0.0

    @classmethod
    def start(cls, before: float = 0.0) -> Stopwatch:
        """With the seconds of the sittings before this one."""
        return cls(before, time.perf_counter())

    @property
    def seconds(self) -> float:
        """So far."""
        return round(self.before + time.perf_counter() - self.started, 3)


def manifest(
    key: Key,
    config: Any,
    splits: dict[str, Examples],
    *,
    checkpoint_sha256: str,
    device: str,
    seconds: float,
    summary: dict[str, Any],
    complete: bool = True,
) -> Manifest:
    """A manifest for what was just computed, with this machine's versions and the time."""
    run: Run = key.run
    return Manifest(
        model=run.model,
        task=run.task,
        seed=run.seed,
        stage=key.stage,
        variant=key.variant,
        command=command_for(key),
        config=asdict(config) if is_dataclass(config) and not isinstance(config, type) else dict(config),
        versions=versions(),
        data={name: {"source": s.source, "n": len(s), "sha256": s.sha256} for name, s in splits.items()},
        checkpoint_sha256=checkpoint_sha256,
        device=device_words(device),
        seconds=seconds,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        summary=summary,
        complete=complete,
    )


def device_words(device: str) -> str:
    """For people: which device, and how many threads or which GPU."""
    import torch

    if device == "cuda":
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu ({torch.get_num_threads()} threads)"
