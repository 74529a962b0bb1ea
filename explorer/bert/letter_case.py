"""Whether a tokenizer makes letters small where its files do not say: its vocabulary tells. Imports no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.foreign import bytes_of, json_of, text_of


@dataclass(frozen=True)
class LowerCase:
    """Record of what a vocabulary says about capital letters."""

    do: bool | None
    """Whether text is made lower case before it is looked up; None leaves it to the tokenizer's own files."""
    sentence: str


def lower_case(folder: Path) -> LowerCase | None:
    """Decides `do_lower_case` by tokenizer.json, else by vocab.txt, where tokenizer_config.json does not say it.

    None where that says it, or where nothing does. transformers 5 builds a tokenizer anew from the vocabulary and reads
    nothing else of tokenizer.json.

    transformers makes text lower case unless it is told otherwise, so that a cased model without a configuration would
    read unknown words. An entry with a capital letter, such as 'The', can only be met in a cased model. Where the
    configuration says lower case and the vocabulary has such entries, the configuration holds, with a sentence.
    """
    plain, fast = folder / "vocab.txt", folder / "tokenizer.json"
    said = _said(folder / "tokenizer_config.json")
    if fast.is_file():
        normalizer = _said(fast).get("normalizer")
        small = normalizer.get("lowercase") if isinstance(normalizer, dict) else None
        if "do_lower_case" in said or not isinstance(small, bool):
            return None
        return LowerCase(small, "" if small else "Its tokenizer.json does not make text lower case: read as cased.")
    if not plain.is_file():
        return None
    capital = _with_a_capital(plain)
    if "do_lower_case" in said:
        if said["do_lower_case"] and capital:
            return LowerCase(
                None,
                f"Its tokenizer_config.json makes text lower case, though its vocab.txt has {json.dumps(capital)}: "
                "followed as it says. A cased model has do_lower_case false there.",
            )
        return None
    if capital:
        return LowerCase(
            False,
            f"Its tokenizer does not say whether it makes text lower case: its vocab.txt has {json.dumps(capital)}, "
            "so it is read as cased.",
        )
    return LowerCase(
        True,
        "Its tokenizer does not say whether it makes text lower case: its vocab.txt has no capital letter, so it is "
        "read as uncased.",
    )


def _said(file: Path) -> Mapping[str, Any]:
    try:
        told = json_of(text_of(file))
    except (OSError, ValueError, TypeError):
        return {}  # no such file; of a damaged one the loader says it
    return told if isinstance(told, dict) else {}


def _with_a_capital(file: Path) -> str:
    """The first entry with a capital letter that is no special token, such as [CLS]; '' where there is none."""
    try:
        entries = bytes_of(file).decode("utf-8", "ignore").split("\n")
    except (OSError, ValueError):
        return ""
    for entry in (entry.strip() for entry in entries):
        if re.search("[A-Z]", entry) and not (entry.startswith(("[", "<")) and entry.endswith(("]", ">"))):
            return entry[:40]
    return ""
