"""Where a task's sentences come from: a folder in the official TSV layout, then the Hugging Face Hub.

The third source, sentences written for this project, is `explorer.glue.diagnostics`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from explorer.errors import BadData
from explorer.glue.data_hash import examples_sha256
from explorer.glue.tasks import Example, Examples, Split, Task
from explorer.glue.tsv import LAYOUT, read_rows
from explorer.paths import expanded

HUB_DATASET = "nyu-mll/glue"
HUB_SECONDS = 4.0
"""How long an unreachable Hub may keep a person waiting."""
HUB_MEGABYTES = {
    "CoLA": 0.3,
    "SST-2": 3.3,
    "MRPC": 1.0,
    "STS-B": 0.8,
    "QQP": 73.0,
    "MNLI": 57.0,
    "QNLI": 19.0,
    "RTE": 1.3,
    "WNLI": 0.1,
}
"""About what `datasets` downloads for a task, all its splits; from the data set's card, rounded."""
_FOLDER = "or give a folder in the official TSV layout: --glue-dir DIR or GLUE_DIR."


def glue_dir_from_environment() -> Path | None:
    """The folder that GLUE_DIR names, if it is set to anything; raises BadRequest on an unknown home folder."""
    value = os.environ.get("GLUE_DIR", "").strip()
    return expanded(value) if value else None


def folder_examples(glue_dir: Path, task: Task, split: Split, *, file: str | None = None) -> Examples:
    """Reads TASK/dev.tsv or TASK/train.tsv as GLUE ships them.

    file: another file of the task's folder, whose number of rows is then not checked. A dev file with another number of
    rows than GLUE's is read as the person's own: `source` and `is_official` say so. Raises BadData where the file is
    missing, damaged, or a training file that is cut short.
    """
    glue_dir = expanded(glue_dir)
    path = _file_in(glue_dir, task, file or (task.dev_file if split == "dev" else task.train_file))
    rows = read_rows(path, task)
    items = [Example(row.texts, _label(task, row.label, f"Line {row.line} of {path}")) for row in rows]
    if not items:
        raise BadData(f"{path} has no examples.", "Download it again.")
    expected = task.dev_rows if split == "dev" else task.train_rows
    if file is not None or len(items) == expected:
        return _examples(task, split, items, "GLUE folder")
    if split == "train":
        raise BadData(
            f"{path} has {len(items):,} examples; the official train split has {expected:,}.",
            f"If it is cut short, download it again; to train on another file of {path.parent}: `--train-file NAME`.",
        )
    words = f"your own {path.name}, not GLUE's ({len(items):,} examples, GLUE's has {expected:,})"
    return replace(_examples(task, split, items, words), is_official=False)


def require_glue_folder(glue_dir: Path) -> None:
    """Raises BadData where a folder is not there."""
    if not glue_dir.is_dir():
        raise BadData(f"There is no GLUE folder at {glue_dir}.", "Set --glue-dir or GLUE_DIR. " + LAYOUT)


def require_file(task: Task, glue_dir: Path | None, file: str) -> None:
    """Raises BadData where another training file of a task is not in `glue_dir`, else GLUE_DIR, or where neither is."""
    folder = glue_dir or glue_dir_from_environment()
    if folder is None:
        raise BadData(
            f"{file[:80]!r} would be a file in a GLUE folder, and none is named.",
            "Give --glue-dir DIR, or set GLUE_DIR.",
        )
    _file_in(folder, task, file)


def _file_in(glue_dir: Path, task: Task, name: str) -> Path:
    require_glue_folder(glue_dir)
    path = glue_dir / task.name / name
    if not path.is_file():
        raise BadData(
            f"{task.name} has no {name} in {glue_dir}.",
            f"{LAYOUT} Put the file there, or leave out --glue-dir to use the Hugging Face Hub.",
        )
    return path


def hub_examples(task: Task, split: Split) -> Examples:
    """Loads the split through `datasets`: from its local cache, or from the Hub within a few seconds or not at all.

    Raises BadData where the Hub cannot be reached and nothing is cached, or `datasets` is not installed.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise BadData(
            f"{task.name} comes from the Hugging Face Hub through the package datasets, which is not installed.",
            "Run `pip install datasets`, or give a folder in the official TSV layout: --glue-dir DIR or GLUE_DIR.",
        ) from None
    from huggingface_hub import HfApi

    hub_split = split if split == "train" else task.hub_dev_split
    unreached: Exception | None = None
    try:
        HfApi().dataset_info(HUB_DATASET, timeout=HUB_SECONDS)
    except Exception as error:  # whatever it is: what was fetched before is still there
        unreached = error
    try:
        with _cache_only(unreached is not None):
            table = load_dataset(HUB_DATASET, task.hub_config, split=hub_split)
    except Exception as error:
        raise _not_fetched(task, unreached or error) from None
    items = [
        Example(tuple(str(row[column]) for column in task.hub_columns), _hub_label(task, row["label"], number))
        for number, row in enumerate(table, start=1)
    ]
    return _examples(task, split, items, "Hugging Face Hub")


def hub_host() -> str:
    """The host that GLUE is fetched from: the Hugging Face Hub, or what HF_ENDPOINT names in its place."""
    return urlsplit(os.environ.get("HF_ENDPOINT", "")).netloc or "huggingface.co"


def _not_fetched(task: Task, error: BaseException) -> BadData:
    """What went wrong, and what to do: nothing that was begun stands in the way of another try."""
    chain = list(_chain(error))
    codes = [getattr(getattr(one, "response", None), "status_code", None) for one in chain]
    code = next((code for code in codes if isinstance(code, int)), None)
    if any(isinstance(one, OSError) and (one.errno == errno.ENOSPC or "disk space" in str(one)) for one in chain):
        return BadData(
            f"There is no room on the disk to keep {task.name} (about {HUB_MEGABYTES[task.name]:g} MB).",
            "Make room, or name a folder on another disk in HF_HOME, and fetch it again.",
        )
    if code == 404:
        return BadData(
            f"{hub_host()} has no data set {HUB_DATASET} with {task.name} (404).",
            f"If HF_ENDPOINT names a mirror, take it out and fetch it again, {_FOLDER}",
        )
    if code == 429:
        return BadData(
            f"{hub_host()} has had too many requests from this address for now (429).",
            f"Wait a few minutes and fetch {task.name} again, {_FOLDER}",
        )
    names = [type(one).__name__ for one in chain]
    if "RemoteProtocolError" in names or any("Consistency check failed" in str(one) for one in chain):
        return BadData(
            f"The connection to {hub_host()} broke off before {task.name} was here whole.",
            "Fetch it again: what has arrived is kept.",
        )
    if code is not None:
        return BadData(f"{hub_host()} answers with an error ({code}).", f"Fetch {task.name} again later, {_FOLDER}")
    return BadData(
        f"The Hugging Face Hub cannot be reached for {task.name} ({type(error).__name__}).",
        f"Check the connection, {_FOLDER}",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what led to it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    return iter(seen)


@contextmanager
def _cache_only(wanted: bool) -> Iterator[None]:
    """`datasets` from its local cache alone: otherwise it retries an unreachable Hub for half a minute."""
    from datasets import config
    from huggingface_hub import constants

    before = config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = wanted or before[0]
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def load_examples(task: Task, split: Split, glue_dir: Path | None, *, file: str | None = None) -> Examples:
    """The split from `glue_dir`, else from GLUE_DIR, else from the Hub; raises BadData with what to do."""
    folder = glue_dir or glue_dir_from_environment()
    if folder is not None:
        return folder_examples(folder, task, split, file=file)
    if file:
        require_file(task, None, file)
    return hub_examples(task, split)


def _label(task: Task, raw: str, where: str) -> float:
    if task.is_regression:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", raw) or not 0.0 <= float(raw) <= 5.0:
            raise BadData(
                f"{where} has the label {raw[:40]!r}, not a number from 0 to 5.",
                "Correct it, or download the file again.",
            )
        return float(raw)
    if raw not in task.labels:
        mend = "Correct it, or download the file again."
        if task.header is not None and raw == task.label_column:
            mend = f"GLUE's files of {task.name} have no line with the columns' names: take it out."
        raise BadData(f"{where} has the label {raw[:40]!r}, not one of {', '.join(task.labels)}.", mend)
    return float(task.labels.index(raw))


def _hub_label(task: Task, raw: Any, number: int) -> float:
    """The Hub stores class indices and similarities as numbers; -1 stands for a label that is kept secret."""
    label = float(raw) if isinstance(raw, int | float) else float("nan")
    fits = 0.0 <= label <= 5.0 if task.is_regression else label in range(len(task.labels))
    if not fits:
        raise BadData(
            f"Example {number} of {task.name} on the Hub has the label {str(raw)[:40]!r}, which is none of the task's.",
            "Use a folder in the official TSV layout: --glue-dir DIR or GLUE_DIR.",
        )
    return label


def _examples(task: Task, split: Split, items: Sequence[Example], source: str) -> Examples:
    return Examples(task, split, tuple(items), source, examples_sha256(items))
