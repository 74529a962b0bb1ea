"""Scripts of the components that are drawn in the browser, each with what they share before it."""

from __future__ import annotations

from pathlib import Path

_SHARED = Path(__file__).with_name("make.js")


def script(*paths: Path) -> str:
    """One module's text: the shared `make`, then these files in their order."""
    return "".join(path.read_text(encoding="utf-8") for path in (_SHARED, *paths))
