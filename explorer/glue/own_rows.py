"""The rows of a person's data, as texts with labels, split into training examples and dev set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.errors import BadData, BadRequest
from explorer.glue.hub_tables import HUB, hub_tables
from explorer.glue.own_task import LONGEST_NAME
from explorer.glue.table_files import Row, Table, is_unicode, read_table
from explorer.glue.tasks import Split
from explorer.paths import expanded

LONGEST_TEXT = 100_000
"""Characters."""


@dataclass(frozen=True)
class Place:
    """Where a task's data lie on this machine. It is never written into a bundle's artefacts."""

    data: str
    """A file, or 'hub:NAME[:CONFIG]'."""
    dev: str = ""
    """The file with the dev set; '' where `data` holds it: whole, a part by a stated split, or a split of the Hub."""


@dataclass(frozen=True)
class Reading:
    """What a person says of a table."""

    text: tuple[str, ...] = ()
    """One or two columns."""
    label: str = "label"
    metric: str = ""
    """'' takes accuracy for classes and pearson for values."""
    classes: tuple[tuple[str, str], ...] = ()
    """(label as it stands in the file, name of the class), in the order of the classes; () takes them from the file."""
    dev_share: float | None = None
    split_seed: int = 0
    dev_only: bool = False
    """Whether the file is the dev set and nothing is trained on: it has no training examples then."""


@dataclass(frozen=True)
class Labelled:
    """A row with its texts and its label as it stands there."""

    where: str
    """In words: 'Line 7 of reviews.csv'."""
    texts: tuple[str, ...]
    label: str


def rows_of(place: Place, reading: Reading) -> dict[Split, list[Labelled]]:
    """Reads each split's rows in the order of the file; raises BadRequest and BadData as `own_data.define`."""
    if place.data.startswith(HUB):
        tables = dict(hub_tables(place.data))
        if place.dev:
            raise BadRequest("The dev set of a data set of the Hub is a split of its own.", "Leave out --dev.")
    else:
        tables = {"train": read_table(expanded(place.data))}
        if place.dev:
            tables["dev"] = read_table(expanded(place.dev))
    if reading.dev_only:
        if place.dev or reading.dev_share is not None:
            raise BadRequest("Nothing is trained here: all of --data is scored.", "Leave out --dev and --dev-share.")
        return {"dev": _labelled(tables.get("dev", tables["train"]), reading)}
    if reading.dev_share is not None:
        if place.dev:
            raise BadRequest("There is a file of dev examples and a share to draw as such.", "Give one of the two.")
        return _split(_labelled(tables["train"], reading), reading.dev_share, reading.split_seed)
    if "dev" not in tables:
        raise BadRequest(
            "Nothing says which rows are the dev set.",
            "Give --dev FILE, or --dev-share 0.2 to draw a fifth of the rows.",
        )
    return {"train": _labelled(tables["train"], reading), "dev": _labelled(tables["dev"], reading)}


def _split(rows: Sequence[Labelled], share: float, seed: int) -> dict[Split, list[Labelled]]:
    many = round(share * len(rows))
    if not 1 <= many < len(rows):
        raise BadRequest(f"A share of {share:g} of {len(rows)} rows leaves a split empty.", "Give another --dev-share.")
    drawn = set(np.random.default_rng(seed).permutation(len(rows))[:many].tolist())
    parts: dict[Split, list[Labelled]] = {"train": [], "dev": []}
    for at, row in enumerate(rows):
        parts["dev" if at in drawn else "train"].append(row)
    return parts


def _labelled(table: Table, reading: Reading) -> list[Labelled]:
    for name in (*reading.text, reading.label):
        if name not in table.columns:
            raise BadData(
                f"{table.path.name} has no column {name[:40]!r}.",
                f"Name one that it has: {', '.join(one[:40] for one in table.columns[:20])}.",
            )
    text_at = [table.columns.index(name) for name in reading.text]
    label_at = table.columns.index(reading.label)
    return [
        Labelled(
            table.where(row),
            tuple(_text(table, row, name, at) for name, at in zip(reading.text, text_at, strict=True)),
            _label(table, row, reading.label, label_at),
        )
        for row in table.rows
    ]


def _text(table: Table, row: Row, name: str, at: int) -> str:
    text = row.cells[at]
    if not isinstance(text, str):
        what = "no text" if text is None else f"a value of type {type(text).__name__} and no text"
        raise BadData(f"{table.where(row)} has {what} in its column {name[:40]!r}.", "Correct the row, or take it out.")
    if not text.strip() or "\0" in text:
        raise BadData(
            f"{table.where(row)} has no readable text in its column {name[:40]!r}.", "Correct the row, or take it out."
        )
    if not is_unicode(text):
        raise BadData(
            f"{table.where(row)} has half a character in its column {name[:40]!r} (a lone surrogate, as \\ud83d).",
            "Write the whole character, or take the row out.",
        )
    if len(text) > LONGEST_TEXT:
        raise BadData(
            f"{table.where(row)} has a text of {len(text):,} characters.", f"At most {LONGEST_TEXT:,} are read."
        )
    return text


def _label(table: Table, row: Row, name: str, at: int) -> str:
    """The label as text: a whole number without a point, whichever way the file kept it."""
    raw: Any = row.cells[at]
    if isinstance(raw, float) and math.isfinite(raw) and raw.is_integer() and abs(raw) < 2**53:
        raw = int(raw)
    told = raw.strip() if isinstance(raw, str) else "" if raw is None or raw != raw else str(raw)
    if not told or told.lower() == "nan":
        raise BadData(f"{table.where(row)} has no label in its column {name[:40]!r}.", "Give it one, or take it out.")
    if isinstance(raw, list | dict | bytes) or len(told) > LONGEST_NAME or not told.isprintable():
        raise BadData(f"{table.where(row)} has a label that is no name and no number.", "Correct the row.")
    return told
