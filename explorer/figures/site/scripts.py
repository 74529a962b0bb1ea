"""The site's scripts and styles, each as one text to be inlined: the app's own components, and what puts them up."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LOOK = Path(__file__).parent / "look"
COMPONENTS = Path(__file__).parents[2] / "ui" / "widgets"
"""The app's components. They are read as files: nothing of the app is imported, and Streamlit is not needed."""
_MODULE = "export default function ("
"""How a component begins; a page that is opened as a file can load no modules, so here it is a function like any."""


@cache
def script() -> str:
    """Everything that moves on a page, in one scope of its own."""
    grid, hero = COMPONENTS / "head_grid", COMPONENTS / "hero"
    shared = [COMPONENTS / "make.js", COMPONENTS / "linked.js", grid / "board.js"]
    shared += [hero / name for name in ("curve.js", "chips.js", "hero.js")]
    texts = [path.read_text(encoding="utf-8") for path in (*shared, LOOK / "replay.js", LOOK / "site.js")]
    return '"use strict";\n(() => {\n' + "\n".join(texts).replace(_MODULE, "function showHero(") + "\n})();\n"


@cache
def style() -> str:
    """The look of the app's components, then the site's own."""
    paths = (COMPONENTS / "head_grid" / "head_grid.css", COMPONENTS / "hero" / "hero.css", LOOK / "site.css")
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
