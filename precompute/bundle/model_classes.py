"""The classes of a fine-tuned model and the labels of a person's data, matched by name before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explorer.bert.class_order import output_names, output_number, plain_name
from explorer.bert.model_folder import classes_for, model_folder
from explorer.bert.model_source import resolve
from explorer.errors import BadCheckpoint, BadRequest
from explorer.glue.metrics import OF_VALUES
from explorer.glue.own_data import OwnTask, define, labels_in
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
        reading = replace(reading, metric=reading.metric or "pearson")
    elif not reading.classes:
        names = output_names(found.config.raw, found.n_outputs, model)
        reading = replace(reading, classes=_pairs(model, names, labels_in(own.place, reading)))
    defined = define(name, own.place, reading)
    order = classes_for(found, defined.task, model)
    return defined, (order.sentence,)


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
    if all(number is not None and number < len(names) for number in at.values()) and len(set(at.values())) == len(at):
        spelt = {number: label for label, number in at.items()}
        words = [name if has_names else str(number) for number, name in enumerate(names)]
        return tuple((spelt.get(number, str(number)), word) for number, word in enumerate(words))
    told, ours = ", ".join(names)[:200], ", ".join(labels)[:200]
    if has_names:
        example = ",".join(f"{label}={name}" for label, name in zip(labels, names, strict=False))
        raise BadCheckpoint(
            f"{model} names its outputs {told}; the label column holds {ours}.",
            f"If they are the same classes, say which is which, e.g. --classes '{example[:200]}'.",
        )
    raise BadCheckpoint(
        f"The outputs of {model} have no names ({told}); the label column holds {ours}.",
        f"Give the labels in the order of its {len(names)} outputs: --classes '{','.join(labels)[:200]}'.",
    )
