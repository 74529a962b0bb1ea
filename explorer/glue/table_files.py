"""A person's table of labelled sentences (CSV, TSV, JSON lines or Parquet), read within bounds, or why it is none.

Every row keeps the number of its line, so that what is wrong with it can be said of that line.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import BadData
from explorer.foreign import Unreadable, lines_of

LONGEST_LINE, LARGEST_FILE = 100_000, 256 * 2**20
"""Bytes."""
MOST_ROWS, MOST_COLUMNS = 1_000_000, 500
KINDS = (".csv", ".tsv", ".jsonl", ".parquet")
"""Endings of the files that are read."""
_LARGEST_IN_MEMORY = 1024 * 2**20
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Row:
    """One row: the number of its line, or of the row where a file has no lines, and its cells."""

    number: int
    """Counted from 1, as editors do; the header is line 1."""
    cells: tuple[Any, ...]
    """Text from CSV and TSV; from JSON and Parquet whatever stood there, None where nothing did."""


@dataclass(frozen=True)
class Table:
    """A file's columns and rows."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    unit: str = "Line"
    """What a row's number counts: 'Line' or 'Row'."""

    def where(self, row: Row) -> str:
        """Names a row for people: 'Line 7 of reviews.csv'."""
        return f"{self.unit} {row.number} of {self.path.name}"


def read_table(path: Path) -> Table:
    """Reads a file by its ending, one of `KINDS`.

    In CSV and TSV quotes are as RFC 4180 has them; where a TSV does not come out even so, they are text. Raises
    BadData, naming the line, where it is no such file, not UTF-8, too large, has two columns of one name, where a row
    has another number of fields than the header, or where a TSV has fewer rows by its quotes and comes out even without
    them too.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise BadData(f"{path.name} ends in none of {', '.join(KINDS)}.", "Save it as one of these.")
    try:
        if kind == ".parquet":
            table = _parquet(path)
        elif kind == ".jsonl":
            table = _json_lines(path)
        else:
            table = _separated(path, _SEPARATORS[kind])
    except Unreadable as error:
        raise BadData(f"{path.name} is not read: {error}.", "Is it the right file?") from None
    except OSError as error:
        raise BadData(f"{path} cannot be read ({error.strerror}).", "Is it a file, and yours to read?") from None
    _check_columns(table)
    if not table.rows:
        raise BadData(f"{path.name} has no rows.", "It needs a line with the names of its columns, then the examples.")
    return table


def _check_columns(table: Table) -> None:
    if twice := sorted({name for name in table.columns if table.columns.count(name) > 1}):
        raise BadData(f"{table.path.name} has two columns named {twice[0][:40]!r}.", "Rename one of them.")
    if len(table.columns) > MOST_COLUMNS:
        raise BadData(f"{table.path.name} has {len(table.columns):,} columns.", f"At most {MOST_COLUMNS} are read.")


def _lines(path: Path) -> list[str]:
    lines = []
    for number, line in enumerate(lines_of(path, LONGEST_LINE, LARGEST_FILE), start=1):
        if number > MOST_ROWS + 1:
            raise Unreadable(f"more than {MOST_ROWS:,} rows")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise BadData(f"Line {number} of {path.name} is not UTF-8 text.", "Save the file as UTF-8.") from None
        if "\0" in text:
            raise BadData(f"Line {number} of {path.name} holds a NUL character.", "Take it out.")
        lines.append(text.removesuffix("\r"))
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) == 1 and "\r" in lines[0]:
        raise BadData(f"{path.name} ends its lines with carriage returns alone.", "Save it with newlines.")
    return lines


def _separated(path: Path, separator: str) -> Table:
    lines = _lines(path)
    if not lines:
        raise BadData(f"{path.name} is empty.", "It needs a line with the names of its columns, then the examples.")
    try:
        rows = list(_quoted(path, lines, separator))
        table = _rows_of(path, rows)
    except BadData:
        if separator != "\t":
            raise
        return _unquoted(path, lines)
    if separator == "\t" and len(rows) < len(lines):
        _refuse_two_readings(path, rows, lines)
    return table


def _unquoted(path: Path, lines: Sequence[str]) -> Table:
    return _rows_of(path, [Row(number, tuple(line.split("\t"))) for number, line in enumerate(lines, start=1)])


def _refuse_two_readings(path: Path, rows: Sequence[Row], lines: Sequence[str]) -> None:
    """Raises BadData where quotes join lines each of which is a row without them: labels would be lost unseen."""
    try:
        _unquoted(path, lines)
    except BadData:
        return
    ends = [*(row.number - 1 for row in rows[1:]), len(lines)]
    first, last = next((row.number, end) for row, end in zip(rows, ends, strict=True) if end > row.number)
    raise BadData(
        f"{path.name} can be read in two ways: by their quotes its lines {first} to {last} are one row, without them "
        "each is a row.",
        "Save it as CSV or as JSON lines, where quotes have one meaning.",
    )


def _quoted(path: Path, lines: Sequence[str], separator: str) -> Iterator[Row]:
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
    first = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadData(
                f"Line {first} of {path.name} is not read ({error}).",
                'Is a quote opened and not closed? Inside a quoted field, a quote is written twice: "".',
            ) from None
        yield Row(first, tuple(cells))
        first = reader.line_num + 1


def _rows_of(path: Path, rows: Sequence[Row]) -> Table:
    header, *examples = rows
    wanted = len(header.cells)
    for row in examples:
        if len(row.cells) == wanted:
            continue
        if not any(cell.strip() for cell in row.cells):
            raise BadData(f"Line {row.number} of {path.name} is empty.", "Take the line out.")
        raise BadData(
            f"Line {row.number} of {path.name} has {len(row.cells)} fields; its first line has {wanted}.",
            "A text that holds the separator goes in quotes.",
        )
    return Table(path, tuple(name.strip() for name in header.cells), tuple(examples))


def _json_lines(path: Path) -> Table:
    columns: dict[str, None] = {}
    read: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(_lines(path), start=1):
        where = f"Line {number} of {path.name}"

        def once(pairs: list[tuple[str, Any]], where: str = where) -> dict[str, Any]:
            if twice := sorted({name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1}):
                raise BadData(f"{where} has two entries named {twice[0][:40]!r}.", "Take one of them out.")
            return dict(pairs)

        try:
            one = json.loads(line, object_pairs_hook=once)
        except (ValueError, RecursionError):
            raise BadData(f"{where} is no JSON.", "Each line is one example: {...}.") from None
        if not isinstance(one, dict):
            raise BadData(f"{where} is no JSON object.", 'Each line is one example, such as {"text": "…", "label": 1}.')
        if odd := [name for name in one if not is_unicode(name)]:
            raise BadData(f"{where} has half a character in the name {odd[0][:40]!r}.", "Correct the name.")
        if len(one) > MOST_COLUMNS:
            raise BadData(f"{where} has {len(one):,} entries.", f"At most {MOST_COLUMNS} are read.")
        columns |= dict.fromkeys(one)
        if len(columns) > MOST_COLUMNS:
            raise BadData(f"{path.name} has more than {MOST_COLUMNS} columns.", "Leave those out that are not needed.")
        read.append((number, one))
    rows = tuple(Row(number, tuple(one.get(name) for name in columns)) for number, one in read)
    return Table(path, tuple(columns), rows)


def is_unicode(text: str) -> bool:
    """Tells whether text can be written as UTF-8: JSON may hold half of a surrogate pair, which no encoding has."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise Unreadable("no plain file")
    if path.stat().st_size > LARGEST_FILE:
        raise Unreadable(f"more than {LARGEST_FILE:,} bytes")
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > MOST_ROWS or file.metadata.num_columns > MOST_COLUMNS:
                raise Unreadable(f"{file.metadata.num_rows:,} rows x {file.metadata.num_columns:,} columns")
            names, parts, size = file.schema_arrow.names, [], 0
            for part in file.iter_batches(batch_size=4096):
                size += part.nbytes
                if size > _LARGEST_IN_MEMORY:
                    raise Unreadable(f"more than {_LARGEST_IN_MEMORY:,} bytes unpacked")
                parts.append(part)
            cells = [column.to_pylist() for column in pa.Table.from_batches(parts, file.schema_arrow).columns]
    except Unreadable:
        raise
    except Exception as error:  # Arrow raises what its parsers happen to meet
        raise Unreadable(f"damaged: {type(error).__name__}") from None
    rows = tuple(Row(number, of) for number, of in enumerate(zip(*cells, strict=True), start=1))
    return Table(path, tuple(names), rows, "Row")
