"""A task made from a person's own data, as a file of a bundle: names, numbers and hashes, never a sentence."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

from explorer.errors import BadBundle, BadRequest
from explorer.foreign import Unreadable, json_of
from explorer.glue.metrics import OF_VALUES
from explorer.glue.tasks import TASKS, MetricName, OwnData, Task

SCHEMA_VERSION = 1
MOST_CLASSES = 100
"""Predictions are kept in a byte each."""
LONGEST_NAME = 200
"""Characters of a class or a column."""
WORDS = f"1 to {LONGEST_NAME} characters, none of them a tab or another that does not print"
"""What a definition takes as the name of a class or a column, in words."""
RESTORE = "Restore the file, or define the task again: --data FILE --text COLUMN, as it was."
"""What mends a file that is no definition: `own_tasks.write_task` puts a new one in its place."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ENTRIES = ("name", "columns", "label_column", "labels", "label_names", "metric", "dev_rows", "train_rows", "data")


def checked_name(name: str) -> str:
    """Gives the name of an own task back; raises BadRequest where no folder can be called so, or GLUE's tasks are."""
    if not _NAME.fullmatch(name):
        raise BadRequest(f"{name[:80]!r} cannot name a task.", "Use letters, digits, '-', '.' and '_'.")
    if taken := next((task for task in TASKS if task.lower() == name.lower()), ""):
        raise BadRequest(f"{taken} is a task of GLUE.", "Give your own task another name: --task NAME.")
    return name


def task_to_json(task: Task) -> str:
    """Writes an own task's definition: sorted and indented, the same text for the same task."""
    assert task.own is not None
    told = {name: getattr(task, name) for name in _ENTRIES if name != "data"} | {"data": asdict(task.own)}
    return json.dumps({"schema_version": SCHEMA_VERSION, **told}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def task_from_json(text: str, where: str) -> Task:
    """Reads a definition; raises BadBundle naming `where` unless it is one of this schema version, every entry fit."""
    try:
        raw = json_of(text)
    except Unreadable as error:
        raise BadBundle(f"{where} is no definition of a task ({error}).", RESTORE) from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise BadBundle(
            f"{where} has schema version {repr(version)[:20]}; this program reads version {SCHEMA_VERSION}.",
            "Install the version of this program that wrote it.",
        )
    if wrong := _misfit(raw):
        raise BadBundle(f"{where} is no definition of a task ({wrong}).", RESTORE)
    data = raw["data"]
    return Task(
        name=raw["name"],
        columns=tuple(raw["columns"]),
        label_column=raw["label_column"],
        labels=tuple(raw["labels"]),
        label_names=tuple(raw["label_names"]),
        metric=raw["metric"],
        dev_rows=raw["dev_rows"],
        train_rows=raw["train_rows"],
        own=OwnData(data["train_sha256"], data["dev_sha256"], data["dev_share"], data["split_seed"]),
    )


def _misfit(raw: Mapping[str, Any]) -> str:
    """Says which entry no own task has; '' where all fit."""
    if odd := sorted(raw.keys() ^ {"schema_version", *_ENTRIES}):
        return f"{odd[0][:40]!r} is {'missing' if odd[0] in _ENTRIES else 'no entry of it'}"
    try:
        checked_name(raw["name"] if isinstance(raw["name"], str) else "")
    except BadRequest as error:
        return error.wrong.rstrip(".")
    for name in ("columns", "labels", "label_names"):
        if not isinstance(raw[name], list) or not all(map(is_word, raw[name])) or len(set(raw[name])) < len(raw[name]):
            return f"{name} are no list of different names"
    if not 1 <= len(raw["columns"]) <= 2 or not is_word(raw["label_column"]):
        return "it needs one or two text columns and a label column"
    classes = len(raw["labels"])
    if classes == 1 or classes > MOST_CLASSES or len(raw["label_names"]) != classes:
        return f"it needs 2 to {MOST_CLASSES} classes, each with a name, or none for a regression"
    if raw["metric"] not in get_args(MetricName) or (raw["metric"] in OF_VALUES) != (classes == 0):
        return f"{str(raw['metric'])[:40]!r} is no metric of it"
    if (raw["metric"] == "f1" and classes != 2) or (raw["metric"] == "macro_f1" and classes == 2):
        return "f1 is of two classes, macro_f1 of more"
    if not all(type(raw[name]) is int for name in ("dev_rows", "train_rows")) or raw["dev_rows"] < 1:
        return "its numbers of rows are none"
    return _misfit_of_data(raw["data"], raw["train_rows"])


def _misfit_of_data(data: Any, train_rows: int) -> str:
    if not isinstance(data, dict) or data.keys() != {"train_sha256", "dev_sha256", "dev_share", "split_seed"}:
        return "data does not say the hashes and the split"
    hashes = (data["dev_sha256"], data["train_sha256"]) if train_rows else (data["dev_sha256"],)
    if train_rows < 0 or not all(isinstance(one, str) and _SHA256.fullmatch(one) for one in hashes):
        return "data holds no sha256 of each split"
    if not train_rows and data["train_sha256"] != "":
        return "data has a hash of training examples that it has none of"
    share = data["dev_share"]
    if share is not None and not (type(share) is float and math.isfinite(share) and 0 < share < 1):
        return "dev_share is no share"
    if type(data["split_seed"]) is not int or not 0 <= data["split_seed"] < 2**31:
        return "split_seed is no seed"
    return ""


def is_word(value: Any) -> bool:
    """Tells whether a definition can hold it as the name of a class or a column, or as a label."""
    return isinstance(value, str) and bool(value.strip()) and len(value) <= LONGEST_NAME and value.isprintable()
