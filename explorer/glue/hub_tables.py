"""A data set of the Hugging Face Hub as tables: 'hub:NAME' or 'hub:NAME:CONFIG', through `datasets`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.errors import BadData, BadRequest
from explorer.glue.table_files import MOST_ROWS, Row, Table

HUB = "hub:"
_DEV = ("validation", "dev", "validation_matched", "test")
"""Names of the split that is scored, the first that is there."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")


def hub_tables(source: str) -> Mapping[str, Table]:
    """Loads the training split as 'train' and, where there is one, the split that is scored as 'dev'.

    Raises BadRequest on a name that is none, BadData where the data set cannot be had or has no training split.
    """
    name, _, config = source.removeprefix(HUB).partition(":")
    if not _NAME.fullmatch(name) or (config and not re.fullmatch(r"[\w.+-]{1,96}", config)):
        raise BadRequest(f"{source[:80]!r} names no data set of the Hub.", "E.g. hub:cornell-movie-review-data/NAME.")
    try:
        from datasets import load_dataset
    except ImportError:
        raise BadData(
            "Data sets of the Hub come through the package datasets, which is not installed.",
            "Run `pip install datasets`, or give a file.",
        ) from None
    try:
        found: Any = load_dataset(name, config or None)
        splits = {split: found[split] for split in found}
    except Exception as error:  # datasets raises what its many readers happen to meet
        raise BadData(
            f"{source} cannot be had from the Hugging Face Hub ({type(error).__name__}).",
            "Check the name and the connection, or give a file: CSV, TSV, JSON lines or Parquet.",
        ) from None
    if "train" not in splits:
        raise BadData(f"{source} has no split named train.", f"It has {', '.join(splits)[:200] or 'none'}.")
    scored = next((one for one in _DEV if one in splits), "")
    wanted = {"train": "train"} | ({"dev": scored} if scored else {})
    return {ours: _table(source, theirs, splits[theirs]) for ours, theirs in wanted.items()}


def _table(source: str, split: str, rows: Any) -> Table:
    if len(rows) > MOST_ROWS:
        raise BadData(f"{source} has {len(rows):,} rows in {split}.", f"At most {MOST_ROWS:,} are read.")
    columns = tuple(str(name) for name in rows.column_names)
    names = {name: getattr(rows.features[name], "names", None) for name in columns}

    def cell(name: str, value: Any) -> Any:
        known = names[name]
        return known[value] if known and isinstance(value, int) and 0 <= value < len(known) else value

    cells = tuple(
        Row(number, tuple(cell(name, row[name]) for name in columns)) for number, row in enumerate(rows, start=1)
    )
    return Table(Path(f"{source.replace('/', '-')} ({split})"), columns, cells, "Row")
