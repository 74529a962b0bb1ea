"""From a person's table to a task and its examples: which columns, which classes, which rows are the dev set.

The sentences stay where they are: of a task, `own_task` keeps names, numbers and hashes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.errors import BadData, BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.hub_tables import HUB
from explorer.glue.metrics import OF_VALUES
from explorer.glue.own_rows import Labelled, Place, Reading, rows_of
from explorer.glue.own_task import MOST_CLASSES, WORDS, checked_name, is_word
from explorer.glue.tasks import Example, Examples, MetricName, OwnData, Split, Task

METRICS = ("accuracy", "f1", "matthews", "pearson", "spearman")
"""As a person names them; f1 of more than two classes is the mean over them, 'macro_f1'."""


@dataclass(frozen=True)
class OwnTask:
    """A task with the examples that it was made from."""

    task: Task
    splits: Mapping[Split, Examples]


def define(name: str, place: Place, reading: Reading) -> OwnTask:
    """Reads the data and makes a task of them.

    Raises BadRequest where the options do not fit together or say no task that a bundle can hold, BadData, naming the
    line, where a row is no example: no text, no label, a class that the training examples lack, a value that is no
    finite number.
    """
    checked_name(name)
    if reading.metric and reading.metric not in METRICS:
        raise BadRequest(f"There is no metric {reading.metric!r}.", f"The metrics are {', '.join(METRICS)}.")
    if not 1 <= len(reading.text) <= 2 or reading.label in reading.text or len(set(reading.text)) < len(reading.text):
        raise BadRequest(
            "A task has one or two text columns and a label column.", "E.g. --text sentence --label label."
        )
    share = reading.dev_share
    if share is not None and not 0 < share < 1:
        raise BadRequest(f"The share {share} is not between 0 and 1.", "E.g. --dev-share 0.2.")
    if not 0 <= reading.split_seed < 2**31:
        raise BadRequest(f"The seed {reading.split_seed} of the split is not from 0 to {2**31 - 1}.")
    rows = rows_of(place, reading)
    everything = [row for of in rows.values() for row in of]
    classes = reading.classes or _classes(everything, reading.metric)
    _check_words(reading, classes)
    labels, names = tuple(raw for raw, _ in classes), tuple(word for _, word in classes)
    metric = _metric(reading.metric, len(labels))
    own = OwnData("", "", float(share) if share is not None else None, reading.split_seed if share is not None else 0)
    task = Task(name, reading.text, reading.label, labels, names, metric, 1, 0, own=own)
    items = {split: _examples_of(task, of) for split, of in rows.items()}
    _check_classes(task, rows, items)
    own = replace(
        own,
        dev_sha256=examples_sha256(items["dev"]),
        train_sha256=examples_sha256(items["train"]) if "train" in items else "",
    )
    task = replace(task, dev_rows=len(items["dev"]), train_rows=len(items.get("train", ())), own=own)
    return OwnTask(task, {split: _examples(task, split, of) for split, of in items.items()})


def labels_in(place: Place, reading: Reading) -> tuple[str, ...]:
    """Lists the labels that the data hold, sorted; raises BadData or BadRequest as `define`."""
    return tuple(sorted({row.label for of in rows_of(place, reading).values() for row in of}))


def read_own(task: Task, place: Place) -> Mapping[Split, Examples]:
    """Reads the splits of a task that is defined already; raises BadData where these are not the data it was made
    from, and as `define`."""
    assert task.own is not None
    reading = Reading(
        task.columns, task.label_column, "", (), task.own.dev_share, task.own.split_seed, dev_only=not task.train_rows
    )
    rows = rows_of(place, reading)
    found: dict[Split, Examples] = {}
    for split, of in rows.items():
        items = _examples_of(task, of)
        expected = task.own.dev_sha256 if split == "dev" else task.own.train_sha256
        if examples_sha256(items) != expected:
            many = task.dev_rows if split == "dev" else task.train_rows
            raise BadData(
                f"The {split} examples in {_called(place, split)} are not those that {task.name} was made from "
                f"({len(items):,} rows, {many:,} then).",
                "Name the file as it was, or define a task of another name: --task NAME.",
            )
        found[split] = _examples(task, split, items)
    return found


def shared_texts(train: Examples, dev: Examples) -> str:
    """Words how many dev texts stand among the training examples too, whatever their labels; '' where none does."""
    trained = {item.texts for item in train.items}
    if not (many := sum(item.texts in trained for item in dev.items)):
        return ""
    return (
        f"{many:,} of the {len(dev):,} dev texts of {dev.task.name} {'are' if many > 1 else 'is'} among its training "
        "examples too: what a model knows by heart raises the score. Take them out of one of the two."
    )


def _called(place: Place, split: Split) -> str:
    source = place.dev if split == "dev" and place.dev else place.data
    return source if source.startswith(HUB) else Path(source).name


def _classes(rows: Sequence[Labelled], metric: str) -> tuple[tuple[str, str], ...]:
    """The classes of a file in order, whole numbers by size, else by the alphabet; () where it holds values."""
    if metric in OF_VALUES:
        return ()
    found = {row.label for row in rows}
    numbers = {label: value for label in found if (value := _value(label)) is not None}
    if not metric and len(numbers) == len(found) and any(not value.is_integer() for value in numbers.values()):
        return ()
    if len(found) > MOST_CLASSES:
        raise BadData(
            f"The label column holds {len(found):,} different labels; at most {MOST_CLASSES} classes are taken.",
            "If they are values, say --metric pearson or --metric spearman.",
        )
    if len(found) < 2:
        raise BadData("The label column holds one label alone.", "A task has two classes or more.")
    if len(numbers) == len(found):
        return tuple((label, label) for label in sorted(found, key=lambda label: (numbers[label], label)))
    return tuple((label, label) for label in sorted(found, key=lambda label: (label.casefold(), label)))


def _metric(asked: str, classes: int) -> MetricName:
    if (asked in OF_VALUES) != (classes == 0) and asked:
        kind = f"has {classes} classes" if classes else "holds values"
        raise BadRequest(f"The metric {asked} does not go with a label column that {kind}.", "Choose another --metric.")
    if asked == "f1" and classes != 2:
        return "macro_f1"
    chosen: MetricName = asked or ("accuracy" if classes else "pearson")  # type: ignore[assignment]
    return chosen


def _check_words(reading: Reading, classes: Sequence[tuple[str, str]]) -> None:
    """Raises BadRequest on columns and classes that no definition in a bundle takes, before anything is written."""
    for column in (*reading.text, reading.label):
        if not is_word(column):
            raise BadRequest(f"The column {column[:40]!r} has no name that is kept: {WORDS}.", "Rename it in the file.")
    for what, words in (("label", [raw for raw, _ in classes]), ("class name", [word for _, word in classes])):
        if odd := [word for word in words if not is_word(word)]:
            raise BadRequest(f"{odd[0][:40]!r} is no {what}: {WORDS}.", "Give another with --classes.")
        if twice := [word for word in words if words.count(word) > 1]:
            raise BadRequest(
                f"The {what} {twice[0][:40]!r} stands twice.", "Give each class another with --classes '0=bad,1=good'."
            )
    if len(classes) == 1 or len(classes) > MOST_CLASSES:
        raise BadRequest(f"A task has 2 to {MOST_CLASSES} classes; here {len(classes)} are named.", "Name each once.")


def _value(label: str) -> float | None:
    try:
        value = float(label)
    except ValueError:
        return None
    return value if math.isfinite(value) and label.isascii() and "_" not in label else None


def _examples_of(task: Task, rows: Sequence[Labelled]) -> list[Example]:
    if task.is_regression:
        items = []
        for row in rows:
            value = _value(row.label)
            if value is None:
                raise BadData(
                    f"{row.where} has the label {row.label[:40]!r}, which is no finite number.", "Correct it."
                )
            items.append(Example(row.texts, value))
        return items
    index = {label: float(number) for number, label in enumerate(task.labels)}
    for row in rows:
        if row.label not in index:
            raise BadData(
                f"{row.where} has the label {row.label[:40]!r}, not one of "
                f"{', '.join(label[:40] for label in task.labels[:12])}.",
                "Correct it, or take the row out.",
            )
    return [Example(row.texts, index[row.label]) for row in rows]


def _check_classes(task: Task, rows: Mapping[Split, Sequence[Labelled]], items: Mapping[Split, list[Example]]) -> None:
    """A class of the dev set that nothing was trained on, or values that are all alike, make no task."""
    if task.is_regression:
        if len({item.label for item in items["dev"]}) < 2:
            raise BadData("The labels of the dev set are all alike.", "A correlation needs two values or more.")
        return
    if "train" not in items:
        return
    trained = {item.label for item in items["train"]}
    for row, item in zip(rows["dev"], items["dev"], strict=True):
        if item.label not in trained:
            raise BadData(
                f"{row.where} has the label {row.label[:40]!r}, and no training example has it.",
                "Take the row out, or add training examples of that class.",
            )


def _examples(task: Task, split: Split, items: Sequence[Example]) -> Examples:
    """Says nothing of where the file lies, since this goes into manifests."""
    assert task.own is not None
    source = "the task's own data"
    if (share := task.own.dev_share) is not None:
        source += f", {share:g} of the rows drawn as dev set by seed {task.own.split_seed}"
    return Examples(task, split, tuple(items), source, examples_sha256(items))
