"""A head grid with one slider that switches off the least important heads and MLPs, all of it in the browser.

Every stop of the slider is sent once with its score and its sentence, so that moving it asks the server for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from explorer.errors import BadMask
from explorer.figures.switching_off import HeroLines, HeroSeed, hero_data
from explorer.mask import Mask
from explorer.ui.widgets.scripts import no_change, script

_HERE = Path(__file__).parent
_GRID = _HERE.parent / "head_grid"
_component = st.components.v2.component(
    "hero",
    css="".join(path.read_text(encoding="utf-8") for path in (_GRID / "head_grid.css", _HERE / "hero.css")),
    js=script(_GRID / "board.js", _HERE / "curve.js", _HERE / "chips.js", _HERE / "hero.js"),
)


def hero(
    seeds: Sequence[HeroSeed], start: int, lines: HeroLines, *, key: str, on_lab: Callable[[], None] | None = None
) -> None:
    """Shows the grid, the slider, the score and the curve; the first time of a visit it walks to its start by itself.

    seeds: at least one, all of one shape. start: the one that is shown first. key: names it in the session.
    on_lab: called when the person asks for the lab; `asked_for` says which mask.
    """
    _component(key=key, data=hero_data(seeds, start, lines), on_lab_change=on_lab or no_change)


def asked_for(state: object, seeds: Mapping[str, tuple[int, int]]) -> tuple[str, Mask] | None:
    """Reads which seed and mask the lab was asked for; None where the browser's message is malformed.

    seeds: name of each seed that is shown -> the shape (L, H) of its model.
    """
    sent = state.get("lab") if isinstance(state, Mapping) else None
    if not isinstance(sent, Mapping) or not isinstance(sent.get("code"), str) or sent.get("seed") not in seeds:
        return None
    try:
        return sent["seed"], Mask.from_code(sent["code"], *seeds[sent["seed"]])
    except BadMask:
        return None
