"""Text of others (typed, in a link, in a bundle, in an error) as Markdown that shows just it, and never markup.

Whoever shows such text sends it through here; `tests/ui/test_foreign_text.py` finds who does not.
"""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&])")
_INDENT = re.compile(r"(?m)^[ \t]+")  # would make a line code


def plain(text: str) -> str:
    """Markdown that shows just this text."""
    return _MARKS.sub(r"\\\1", _INDENT.sub("", text))


def code(text: str) -> str:
    """Markdown that shows just this text as code, whatever backticks it holds."""
    text = " ".join(text.split())  # a blank line would end the paragraph, and the code with it
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def with_code(text: str) -> str:
    """Markdown that shows just this text, and what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    return "".join(code(part) if number % 2 else plain(part) for number, part in enumerate(parts))
