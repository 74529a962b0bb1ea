"""A head grid with one slider that switches off the least important heads and MLPs, all of it in the browser.

Every stop of the slider is sent once with its score and its sentence, so that moving it asks the server for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.errors import BadMask
from explorer.figures.grid_overlays import Overlay, to_json
from explorer.mask import Mask
from explorer.ui.widgets.scripts import script

_HERE = Path(__file__).parent
_GRID = _HERE.parent / "head_grid"
_component = st.components.v2.component(
    "hero",
    css="".join(path.read_text(encoding="utf-8") for path in (_GRID / "head_grid.css", _HERE / "hero.css")),
    js=script(_GRID / "board.js", _HERE / "curve.js", _HERE / "hero.js"),
)


@dataclass(frozen=True)
class HeroStop:
    """A place of the slider: a mask, its score, and a sentence that says what is seen."""

    mask: Mask
    score: float
    """nan where none is stored."""
    low: float
    high: float
    """95% interval; nan where none is defined."""
    held: bool
    """Whether the score stays on or above the 90% line."""
    sentence: str
    more: str = ""
    """A second, quieter sentence."""
    bound: str = ""
    """What stands in place of a score that is not stored, as '≤ 0.684'."""


@dataclass(frozen=True, eq=False)
class HeroSeed:
    """One run: the stops of its slider, everything off last, and how its grid is coloured."""

    name: str
    stops: Sequence[HeroStop]
    start: int
    """The stop that it opens on."""
    full: float
    line: float
    """The 90% line; nan where none is drawn."""
    fill: Overlay | None
    hover_heads: Sequence[Sequence[str]]
    hover_mlps: Sequence[str]


@dataclass(frozen=True)
class HeroLines:
    """What all seeds of a task share on screen."""

    measure: str
    """What the score is: 'accuracy on 408 dev examples'."""
    baseline: float
    """nan where none is known."""
    baseline_title: str
    lab: str = ""
    """The words of the button that opens the mask in the lab; '' leaves it out."""
    note: str = ""
    """A sentence that stays below: why nothing is claimed here."""


def hero(
    seeds: Sequence[HeroSeed], start: int, lines: HeroLines, *, key: str, on_lab: Callable[[], None] | None = None
) -> None:
    """Shows the grid, the slider, the score and the curve; the first time of a visit it walks to its start by itself.

    seeds: at least one, all of one shape. start: the one that is shown first. key: names it in the session.
    on_lab: called when the person asks for the lab; `asked_for` says which mask.
    """
    _component(key=key, data=hero_data(seeds, start, lines), on_lab_change=on_lab or _nothing)


def hero_data(seeds: Sequence[HeroSeed], start: int, lines: HeroLines) -> dict[str, Any]:
    """What the browser is told, fit for JSON: None for every nan."""
    shape = seeds[0].stops[0].mask.heads.shape
    return {
        "layers": shape[0],
        "heads": shape[1],
        "start": start,
        "measure": lines.measure,
        "baseline": _number(lines.baseline),
        "baselineTitle": lines.baseline_title,
        "lab": lines.lab,
        "note": lines.note,
        "span": list(_span(seeds, lines)),
        "seeds": [
            {
                "name": seed.name,
                "start": seed.start,
                "full": _number(seed.full),
                "line": _number(seed.line),
                "fill": to_json(seed.fill),
                "hover": {"heads": [list(row) for row in seed.hover_heads], "mlps": list(seed.hover_mlps)},
                "stops": [_told(stop) for stop in seed.stops],
            }
            for seed in seeds
        ],
    }


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


def _told(stop: HeroStop) -> dict[str, Any]:
    return {
        "code": stop.mask.code,
        "off": int((~stop.mask.heads).sum() + (~stop.mask.mlps).sum()),
        "score": _number(stop.score),
        "low": _number(stop.low),
        "high": _number(stop.high),
        "held": stop.held,
        "sentence": stop.sentence,
        "more": stop.more,
        "bound": stop.bound,
    }


def _span(seeds: Sequence[HeroSeed], lines: HeroLines) -> tuple[float, float]:
    """The scores at the bottom and the top of the curve, the same for every seed and stop."""
    drawn = [lines.baseline]
    for seed in seeds:
        drawn += [seed.full, seed.line]
        drawn += [value for stop in seed.stops for value in (stop.score, stop.low, stop.high)]
    known = [value for value in drawn if not math.isnan(value)] or [0.0, 1.0]
    margin = 0.08 * ((max(known) - min(known)) or 1.0)
    return min(known) - margin, max(known) + margin


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)


def _nothing() -> None:
    """Streamlit hands a component's state on only where a callback is named (streamlit #14710)."""
