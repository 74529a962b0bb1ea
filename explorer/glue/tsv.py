"""A TSV file as GLUE writes it, split into rows of exactly as many fields as its header, or why it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import BadData
from explorer.foreign import Unreadable, lines_of
from explorer.glue.tasks import Task

LONGEST_LINE, LARGEST_FILE = 100_000, 512 * 2**20
"""Bytes; the longest line of GLUE has under 8,000, and its largest file, MNLI/train.tsv, 79 MB."""
LAYOUT = "Expected the official TSV layout, e.g. MRPC/dev.tsv."
_PLAIN = (
    "GLUE's files quote nothing. Write it so with pandas: "
    "`table.to_csv(FILE, sep='\\t', index=False, quoting=csv.QUOTE_NONE)`."
)


@dataclass(frozen=True)
class Row:
    """One line with an example."""

    line: int
    """Counted from 1, as editors do."""
    texts: tuple[str, ...]
    label: str


def read_rows(path: Path, task: Task) -> list[Row]:
    """Reads the file's text columns and its labels as they stand.

    Quotes are text, a byte-order mark is skipped, lines may end in CRLF, empty lines at the end are nothing.
    Raises BadData where the file is not readable, lacks a column, is written as CSV, or where a row has another number
    of fields than the header, an empty text or one with control characters. Rows of QQP that are cut short are left
    out, as the Hub's loader does.
    """
    rows = _fields(path)
    header = task.header
    first_line = 1
    if header is None:
        if not rows:
            raise BadData(f"{path} is empty.", "Download it again.")
        header, rows, first_line = tuple(rows[0]), rows[1:], 2
    _check_header(header, path, task)
    text_at = [header.index(column) for column in task.columns]
    label_at = header.index(task.label_column)
    found = []
    for number, row in enumerate(rows, start=first_line):
        if len(row) < len(header) and task.leaves_out_short_rows:
            continue
        if len(row) != len(header):
            raise _another_length(row, len(header), f"Line {number} of {path}")
        if unfit := [name for name, at in zip(task.columns, text_at, strict=True) if not _is_text(row[at])]:
            raise BadData(
                f"Line {number} of {path} has no readable text in its column {unfit[0]!r}.",
                "It is empty or holds control characters: correct it, or download the file again.",
            )
        found.append(Row(number, tuple(row[at] for at in text_at), row[label_at]))
    _refuse_csv([text for row in found for text in row.texts], len(found), path)
    return found


def _is_text(words: str) -> bool:
    return bool(words.strip()) and "\0" not in words


def _fields(path: Path) -> list[list[str]]:
    try:
        # As bytes: text mode would turn a lone carriage return inside a sentence into a new line.
        lines = [line.decode("utf-8") for line in lines_of(path, LONGEST_LINE, LARGEST_FILE)]
    except UnicodeDecodeError as error:
        raise BadData(
            f"{path} is not UTF-8 text ({error.reason}).", "Save it as UTF-8, or download it again."
        ) from None
    except Unreadable as error:
        raise BadData(f"{path} is not read: {error}.", f"Is it the official file? {LAYOUT}") from None
    except OSError as error:
        raise BadData(f"{path} cannot be read ({error.strerror}).", "Is it a file, and yours to read?") from None
    if len(lines) == 1 and lines[0].rstrip("\r").count("\r"):
        raise BadData(f"{path} ends its lines with carriage returns alone.", "Save it with newlines.")
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.rstrip("\r").split("\t") for line in lines]


def _check_header(header: Sequence[str], path: Path, task: Task) -> None:
    if twice := sorted(name for name in set(header) if header.count(name) > 1):
        raise BadData(f"{path} has two columns named {twice[0][:40]!r}.", "Is it the official file? " + LAYOUT)
    missing = [column for column in (*task.columns, task.label_column) if column not in header]
    if not missing:
        return
    bare = [name.strip('"') for name in header]
    if set(missing) <= set(bare):
        raise BadData(f"{path} has its columns' names in quotes: it is written as CSV.", _PLAIN)
    if len(header) == 1 and "," in header[0]:
        raise BadData(f"{path} separates its columns by commas, not by tabs.", LAYOUT)
    raise BadData(f"{path} has no column {missing[0]!r}.", "Is it the official file? " + LAYOUT)


def _another_length(row: Sequence[str], wanted: int, where: str) -> BadData:
    if len(row) == 1 and not row[0].strip():
        return BadData(f"{where} is empty.", "Take the line out, or download the file again.")
    less = "fewer" if len(row) < wanted else "more"
    mend = "Is there a tab inside a sentence? Take it out." if less == "more" else "Is the line cut in two?"
    return BadData(
        f"{where} has {len(row)} fields, {less} than the {wanted} columns of the file.",
        f"{mend} If it is the official file, download it again.",
    )


def _refuse_csv(texts: Sequence[str], n_rows: int, path: Path) -> None:
    """In GLUE's files a quote is text. In CSV, a sentence that holds one is put in quotes, and its own are doubled."""
    quoted = [text for text in texts if '"' in text]
    written = [text for text in quoted if re.fullmatch(r'"(?:[^"]|"")*"', text)]
    if n_rows > 1 and len(written) == len(texts):
        raise BadData(f"{path} has all its sentences in quotes: it is written as CSV.", _PLAIN)
    if len(written) == len(quoted) and any('""' in text[1:-1] for text in written):
        raise BadData(f"{path} doubles the quotes inside its sentences: it is written as CSV.", _PLAIN)
