"""Files that somebody else made, read with a bound: what is too large, too deep or no plain file is refused at once.

Every refusal is an `Unreadable`, a ValueError whose text is the reason in a few words; whoever asked for the file makes
a sentence of it that also says what to do.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from explorer.arrays import AnyArray

LARGEST_TEXT = 32 * 2**20
"""Bytes of JSON that are read: a tokenizer.json of 100,000 word pieces has 10 MB."""
LARGEST_ARRAYS = 128 * 2**20
"""Bytes that the arrays of one archive may have in memory, together."""
_DIGITS = 19
"""Digits of a whole number that is read: 64 bits."""
_LONG_KEY = re.compile(r"(?:\.[ \t]*[\w\"'-]+[ \t]*){100}")
"""A dotted key of TOML that nests a hundred tables: Python's parser takes the square of their number."""
_PLAIN = "biufSU"
"""Kinds of numpy types that hold no Python objects."""


class Unreadable(ValueError):
    """Why a file is not read, in a few words that fit into brackets."""


def bytes_of(path: Path, largest: int = LARGEST_TEXT) -> bytes:
    """Reads a plain file whole. Raises Unreadable where it has more than `largest` bytes or is none (a pipe would make
    the reader wait for ever), OSError where it cannot be opened."""
    with os.fdopen(_opened(path), "rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise Unreadable(f"more than {largest:,} bytes")
    return data


def lines_of(path: Path, longest: int, largest: int) -> Iterator[bytes]:
    """Yields a plain file's lines without their '\\n', which alone ends a line; no more than one is held in memory.

    Raises Unreadable where a line has more than `longest` bytes, where the file has more than `largest` or is no plain
    file; OSError where it cannot be opened.
    """
    with os.fdopen(_opened(path), "rb") as file:
        if os.fstat(file.fileno()).st_size > largest:
            raise Unreadable(f"more than {largest:,} bytes")
        number = 0
        while line := file.readline(longest + 2):
            number += 1
            line = line.removesuffix(b"\n")
            if len(line) > longest:
                raise Unreadable(f"line {number} has more than {longest:,} bytes")
            yield line


def text_of(path: Path, largest: int = LARGEST_TEXT) -> str:
    """Reads a text in UTF-8, as `bytes_of`."""
    try:
        return bytes_of(path, largest).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("not text in UTF-8") from None


def json_of(text: str | bytes) -> Any:
    """Parses JSON; raises Unreadable where it is none, is nested too deeply, says a key twice, or has a number of too
    many digits."""
    try:
        return json.loads(text, parse_int=_whole, object_pairs_hook=_each_once)
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"not JSON: {str(error)[:120]}") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise Unreadable(f"it says {twice[:40]!r} twice")
    return told


def toml_of(text: str) -> dict[str, Any]:
    """Parses TOML; raises Unreadable where it is none, is nested too deeply, or has a number of too many digits."""
    if _LONG_KEY.search(text):
        raise Unreadable("nested too deeply")
    try:
        read = tomllib.loads(text)
        _check_whole(read)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Unreadable:
        raise
    except ValueError as error:
        raise Unreadable(str(error)[:200]) from None
    return read


def whole_number(text: str) -> int | None:
    """Reads a whole number from 0 on in ASCII digits, as links hold them; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def array_of(data: bytes, largest: int = LARGEST_ARRAYS) -> AnyArray:
    """Reads a .npy file; its size is told by its header before anything is unpacked. Raises Unreadable."""
    with io.BytesIO(data) as file:
        _check_header(file, len(data), largest)
        file.seek(0)
        try:
            array: AnyArray = np.lib.format.read_array(file, allow_pickle=False)
        except Exception as error:  # numpy raises what its parser happens to meet
            raise Unreadable(type(error).__name__) from None
    return array


def arrays_of(path: Path, largest: int = LARGEST_ARRAYS) -> dict[str, AnyArray]:
    """Reads a .npz file, by name; sizes are told by the headers before anything is unpacked.

    Raises Unreadable where it is damaged, holds objects, or has more than `largest` bytes unpacked.
    """
    with os.fdopen(_opened(path), "rb") as file:
        return _members(file, largest)


def _members(file: Any, largest: int) -> dict[str, AnyArray]:
    arrays: dict[str, AnyArray] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if (size := sum(one.file_size for one in members)) > largest:
                raise Unreadable(f"{size:,} bytes unpacked, more than {largest:,}")
            for one in members:
                with archive.open(one) as packed:
                    _check_header(packed, one.file_size, largest)
                with archive.open(one) as packed:
                    name = one.filename.removesuffix(".npy")
                    if name in arrays or name == one.filename:
                        raise Unreadable(f"{one.filename[:40]!r} is twice in it or is no array")
                    arrays[name] = np.lib.format.read_array(packed, allow_pickle=False)
                    packed.read(1)  # the end of the stream, where zipfile compares the checksum
    except Unreadable:
        raise
    except Exception as error:  # a damaged stream surfaces as zlib.error, EOFError, NotImplementedError, ...
        raise Unreadable(type(error).__name__) from None
    return arrays


def _check_header(file: Any, size: int, largest: int) -> None:
    """Raises Unreadable unless a .npy file of `size` bytes begins here, whose array just fills it."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, kind = read(file)
    except Exception as error:  # its header is a Python literal: SyntaxError, RecursionError, TypeError, ...
        raise Unreadable(f"no .npy array: {type(error).__name__}") from None
    if kind.kind not in _PLAIN:
        raise Unreadable(f"holds {str(kind)[:40]}, which are no plain numbers or strings")
    n = 1
    for side in shape:
        n *= side
    if n < 0 or n * kind.itemsize > min(size, largest) or not all(0 <= side < 2**31 for side in shape):
        raise Unreadable("its header promises more than it holds")


def _opened(path: Path) -> int:
    """Opens a plain file, and never waits for a pipe that nobody writes to."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("no plain file")
    return descriptor


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > _DIGITS:
        raise Unreadable(f"a number of {len(digits):,} digits")
    return int(digits)


def _check_whole(value: Any) -> None:
    if isinstance(value, dict):
        for one in value.values():
            _check_whole(one)
    elif isinstance(value, list):
        for one in value:
            _check_whole(one)
    elif isinstance(value, int) and abs(value) >= 10**_DIGITS:
        raise Unreadable("a number of too many digits")
