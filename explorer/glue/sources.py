"""Where a task's sentences come from: a folder in the official TSV layout, then the Hugging Face Hub.

The third source, sentences written for this project, is `explorer.glue.diagnostics`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from explorer.errors import BadData
from explorer.glue.data_hash import examples_sha256
from explorer.glue.tasks import Example, Examples, Split, Task

HUB_DATASET = "nyu-mll/glue"
HUB_SECONDS = 4.0
"""How long an unreachable Hub may keep a person waiting."""
_LAYOUT = "Expected the official TSV layout, e.g. MRPC/dev.tsv."


def glue_dir_from_environment() -> Path | None:
    """GLUE_DIR, if it is set to anything."""
    value = os.environ.get("GLUE_DIR", "").strip()
    return Path(value).expanduser() if value else None


def folder_examples(glue_dir: Path, task: Task, split: Split, *, file: str | None = None) -> Examples:
    """Reads TASK/dev.tsv or TASK/train.tsv as GLUE ships them.

    Quotes are text, a byte-order mark is skipped, CoLA has no header, a last line may lack its newline.
    `file` names another file of the task's folder, whose number of rows is then not checked.
    Raises BadData when the file is missing, short or mangled.
    """
    name = file or (task.dev_file if split == "dev" else task.train_file)
    path = glue_dir / task.name / name
    if not glue_dir.is_dir():
        raise BadData(f"There is no GLUE folder at {glue_dir}.", "Set --glue-dir or GLUE_DIR. " + _LAYOUT)
    if not path.is_file():
        raise BadData(
            f"{task.name} has no {name} in {glue_dir}.",
            f"{_LAYOUT} Put the file there, or leave out --glue-dir to use the Hugging Face Hub.",
        )
    try:
        # As bytes: text mode would turn a lone carriage return inside a sentence into a new line.
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not UTF-8 text ({error.reason}).", "Download it again.") from None
    rows = [line.rstrip("\r").split("\t") for line in lines]
    if rows and rows[-1] == [""]:  # the newline that ends the last line
        rows.pop()
    header = task.header
    first_line = 1
    if header is None:
        if not rows:
            raise BadData(f"{path} is empty.", "Download it again.")
        header, rows, first_line = tuple(rows[0]), rows[1:], 2
    missing = [column for column in (*task.columns, task.label_column) if column not in header]
    if missing:
        raise BadData(f"{path} has no column {missing[0]!r}.", "Is it the official file? " + _LAYOUT)
    text_at = [header.index(column) for column in task.columns]
    label_at = header.index(task.label_column)
    items = []
    for number, row in enumerate(rows, start=first_line):
        if len(row) <= max(*text_at, label_at):
            raise BadData(f"Line {number} of {path} has {len(row)} fields, fewer than it needs.", "Download it again.")
        items.append(Example(tuple(row[i] for i in text_at), _label(task, row[label_at], f"Line {number} of {path}")))
    expected = task.dev_rows if split == "dev" else task.train_rows
    if file is None and len(items) != expected:
        raise BadData(
            f"{path} has {len(items):,} examples; the official {split} split has {expected:,}.",
            "The file is cut short or not the official one: download it again.",
        )
    return _examples(task, split, items, "GLUE folder")


def hub_examples(task: Task, split: Split) -> Examples:
    """Loads the split through `datasets`: from its local cache, or from the Hub within a few seconds or not at all.

    Raises BadData where the Hub cannot be reached and nothing is cached.
    """
    from datasets import load_dataset
    from huggingface_hub import HfApi

    hub_split = split if split == "train" else task.hub_dev_split
    offline = ""
    try:
        HfApi().dataset_info(HUB_DATASET, timeout=HUB_SECONDS)
    except Exception as error:  # any way of not reaching it is the same news to the person
        offline = type(error).__name__
    try:
        with _cache_only(bool(offline)):
            table = load_dataset(HUB_DATASET, task.hub_config, split=hub_split)
    except Exception as error:
        raise BadData(
            f"The Hugging Face Hub cannot be reached for {task.name} ({offline or type(error).__name__}).",
            "Check the connection, or give a folder in the official TSV layout: --glue-dir DIR or GLUE_DIR.",
        ) from None
    items = [Example(tuple(str(row[column]) for column in task.hub_columns), float(row["label"])) for row in table]
    return _examples(task, split, items, "Hugging Face Hub")


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
    return hub_examples(task, split)


def _label(task: Task, raw: str, where: str) -> float:
    if task.is_regression:
        try:
            value = float(raw)
        except ValueError:
            value = float("nan")
        if not 0.0 <= value <= 5.0:
            raise BadData(f"{where} has the label {raw[:40]!r}, not a number from 0 to 5.", "Download it again.")
        return value
    if raw not in task.labels:
        raise BadData(f"{where} has the label {raw[:40]!r}, not one of {', '.join(task.labels)}.", "Download it again.")
    return float(task.labels.index(raw))


def _examples(task: Task, split: Split, items: Sequence[Example], source: str) -> Examples:
    return Examples(task, split, tuple(items), source, examples_sha256(items))
