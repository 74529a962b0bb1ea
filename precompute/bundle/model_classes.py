"""The classes of a fine-tuned model and the labels of a person's data, matched by name before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from explorer.bert.class_order import output_names, output_number, plain_name
from explorer.bert.model_folder import classes_for, model_folder
from explorer.bert.model_source import resolve
from explorer.errors import BadCheckpoint, BadRequest
from explorer.glue.metrics import OF_VALUES
from explorer.glue.own_data import OwnTask, define, labels_in
from explorer.study.words import counted
from precompute.options import OwnGiven


def matched(name: str, model: str, own: OwnGiven) -> tuple[OwnTask, tuple[str, ...]]:
    """Defines the task of the data with the classes of the model, and gives sentences on how they were matched.

    Raises BadCheckpoint where it is no fine-tuned BERT classifier or its classes are not those of the data, and as
    `own_data.define`.
    """
    reading = own.reading
    if not reading.text:
        raise BadRequest("Nothing says which column holds the text.", "Give --text COLUMN, or two: --text A,B.")
    found = model_folder(resolve(model).folder)
    if not found.n_outputs:
        raise BadCheckpoint(
            f"{model} has no classifier: it is a pre-trained model, not a fine-tuned one.",
            "Fine-tune it on your data: `python -m precompute finetune --data FILE --dev FILE --text COLUMN …`.",
        )
    if found.n_outputs == 1:
        if reading.metric and reading.metric not in OF_VALUES:
            raise BadRequest(
                f"{model} has one output, a value: {reading.metric} is of classes.", "Use --metric pearson."
            )
        labels = labels_in(own.place, reading)
        if reading.classes or not any(map(_is_value, labels)):
            raise BadCheckpoint(
                f"{model} has one output, a value; the label column holds {_some(labels)}: classes.",
                "Give a model with an output for each class, or data whose labels are values.",
            )
        reading = replace(reading, metric=reading.metric or "pearson")
        defined = define(name, own.place, reading)
        return defined, (classes_for(found, defined.task, model).sentence,)
    labels = labels_in(own.place, reading)
    _refuse_values(model, found.n_outputs, reading.metric, labels)
    if not reading.classes:
        names = output_names(found.config.raw, found.n_outputs, model)
        reading = replace(reading, classes=_pairs(model, names, labels))
    elif len(reading.classes) != found.n_outputs:
        raise BadCheckpoint(
            f"{model} has {counted(found.n_outputs, 'output')}; --classes names {len(reading.classes)}.",
            "Name a class for each output, in their order. One that no row has may be among them.",
        )
    defined = define(name, own.place, reading)
    remarks = [classes_for(found, defined.task, model).sentence]
    if absent := [word for raw, word in reading.classes if raw not in labels]:
        remarks.append(f"No row has the class {_some(absent)}: what the model knows of it is not scored.")
    return defined, tuple(remarks)


def _refuse_values(model: str, outputs: int, metric: str, labels: Sequence[str]) -> None:
    """Raises BadCheckpoint where a model of classes is given values, or metric asks for values."""
    numbers = [label for label in labels if _is_value(label)]
    are_values = len(numbers) == len(labels) and any(not float(label).is_integer() for label in labels)
    if metric in OF_VALUES or are_values:
        what = (
            f"--metric {metric} is of values"
            if metric in OF_VALUES
            else f"the label column holds values: {_some(labels)}"
        )
        raise BadCheckpoint(
            f"{model} has {outputs} outputs, a class each; {what}.",
            "Give a model with one output, or data whose labels are classes.",
        )


def _counted_from(labels: Sequence[str], n: int) -> list[str]:
    """'0' to 'n - 1', or '1' to 'n', whichever holds all labels; [] where neither does."""
    for first in (0, 1):
        counted_so = [str(number) for number in range(first, first + n)]
        if set(labels) <= set(counted_so) and (first == 1 or "0" in labels):
            return counted_so
    return []


def _is_value(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def _some(labels: Sequence[str]) -> str:
    """The first few of them, each cut short."""
    told = ", ".join(label[:40] for label in labels[:6])
    return told + (f" and {len(labels) - 6} more" if len(labels) > 6 else "")


def _pairs(model: str, names: Sequence[str], labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(label as it stands in the data, name of the class) in the order of the model's outputs."""
    numbers = [output_number(name) for name in names]
    has_names = numbers != list(range(len(names)))
    if has_names:
        by_name = {plain_name(name): number for number, name in enumerate(names)}
        at = {label: by_name.get(plain_name(label)) for label in labels}
        if None not in at.values() and len(set(at.values())) == len(at):
            spelt = {number: label for label, number in at.items()}
            return tuple((spelt.get(number, name), name) for number, name in enumerate(names))
    at = {label: output_number(label) for label in labels}
    numbered = all(number is not None and number < len(names) for number in at.values())
    if not has_names and numbered and len(set(at.values())) == len(at):  # '1' of 'one star' need not be output 1
        spelt = {number: label for label, number in at.items()}
        return tuple((spelt.get(number, str(number)), str(number)) for number in range(len(names)))
    told, ours = _some(names), _some(labels)
    if len(labels) > len(names):
        raise BadCheckpoint(
            f"{model} has {len(names)} classes ({told}); the label column holds {len(labels)} labels ({ours}).",
            "Leave out the rows of other classes, or give a model that knows them all.",
        )
    if has_names:
        spelt_as = _counted_from(labels, len(names)) or [*labels, *names[len(labels) :]]
        example = ",".join(f"{label}={name}" for label, name in zip(spelt_as, names, strict=True))
        raise BadCheckpoint(
            f"{model} names its outputs {told}; the label column holds {ours}.",
            f"If they are the same classes, say which is which, e.g. --classes '{example[:200]}'.",
        )
    listed = [*labels, *(f"other{number}" for number in range(1, len(names) - len(labels) + 1))]
    raise BadCheckpoint(
        f"The outputs of {model} have no names ({told}); the label column holds {ours}.",
        f"Give the labels in the order of its {len(names)} outputs: --classes '{','.join(listed)[:200]}'.",
    )
