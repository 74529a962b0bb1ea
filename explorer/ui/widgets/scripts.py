"""Scripts of the components that are drawn in the browser, each with what they share before it."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_SHARED = (_HERE / "make.js", _HERE / "linked.js")


def no_change() -> None:
    """Does nothing: Streamlit hands a component's state on only where a callback is named (streamlit #14710)."""


def script(*paths: Path) -> str:
    """One module's text: the shared `make` and the head that all pages link, then these files in their order."""
    return "".join(path.read_text(encoding="utf-8") for path in (*_SHARED, *paths))
