"""The atlas: a thumbnail of every head's map, layer by head, drawn in the browser; one click or key chooses a head.

Filters work in the browser alone: what does not match is dimmed at once, and nothing is computed again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.errors import BadRequest
from explorer.figures.attention import INK, thumbnails
from explorer.figures.palette import PATTERN_COLOURS, ramp
from explorer.patterns.classes import CLASSES, UNCERTAIN
from explorer.ui.widgets.scripts import script

Head = tuple[int, int]
LETTERS = {
    "heterogeneous": "H",
    "block": "B",
    "diagonal": "D",
    "vertical": "V",
    "vertical+diagonal": "VD",
    UNCERTAIN: "?",
}
"""A class in its thumbnail's corner, so that colour is never the only sign."""
_NAMES = (*CLASSES, UNCERTAIN)
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "attention_atlas",
    css=(_HERE / "atlas.css").read_text(encoding="utf-8"),
    js=script(_HERE / "atlas.js"),
)


@dataclass(frozen=True, eq=False)
class Atlas:
    """The maps of every head of a model, and what is said and coloured of each."""

    maps: NDArray[np.float32]
    """(L, H, T, T)"""
    patterns: NDArray[Any]
    """(L, H): names of classes, or 'uncertain'."""
    survives: NDArray[np.int64] | None
    """(L, H): in how many seeds a head is part of the good ticket; None where no seed was pruned."""
    seeds: int
    """The number of seeds that were pruned."""
    chosen: Head
    other: Head | None = None
    """A second head that is compared with the first."""
    colour: Literal["class", "survival"] = "class"


def atlas(shown: Atlas, *, key: str, on_change: Callable[[], None]) -> None:
    """Shows it; on_change runs when a head is chosen: `chosen_of(st.session_state[key], ...)` says which."""
    _component(key=key, data=atlas_data(shown), on_head_change=on_change)


def chosen_of(sent: object, shape: tuple[int, int]) -> Head | None:
    """The head in what the browser sent; None where that is malformed or no head of this model."""
    head = sent.get("head") if isinstance(sent, Mapping) else None
    if not isinstance(head, Sequence) or isinstance(head, str) or len(head) != 2:
        return None
    if not all(isinstance(at, int) and 0 <= at < n for at, n in zip(head, shape, strict=True)):
        return None
    return int(head[0]), int(head[1])


def atlas_data(shown: Atlas) -> dict[str, object]:
    """What the browser is told, fit for JSON; raises BadRequest where the parts have several shapes."""
    layers, heads = shape = shown.maps.shape[:2]
    if shown.patterns.shape != shape or (shown.survives is not None and shown.survives.shape != shape):
        raise BadRequest("Maps, patterns and survival of the atlas are not of one model.")
    small = thumbnails(shown.maps)
    number = {name: index for index, name in enumerate(_NAMES)}
    kinds = [number.get(str(name), len(_NAMES) - 1) for name in shown.patterns.ravel()]
    counts = shown.survives.ravel().tolist() if shown.survives is not None else None
    return {
        "layers": layers,
        "heads": heads,
        "size": small.shape[-1],
        "pixels": base64.b64encode(small.tobytes()).decode(),
        "ink": INK,
        "kinds": kinds,
        "categories": [
            {"name": name, "letter": LETTERS[name], "colour": PATTERN_COLOURS[name], "n": kinds.count(at)}
            for at, name in enumerate(_NAMES)
        ],
        "survives": counts,
        "seeds": shown.seeds,
        "ramps": {name: _steps(shown.seeds, dark=name == "dark") for name in ("light", "dark")},
        "colour": shown.colour if counts is not None else "class",
        "chosen": list(shown.chosen),
        "other": list(shown.other) if shown.other else None,
    }


def _steps(seeds: int, *, dark: bool) -> list[str]:
    """A colour for surviving in 0, 1, ... seeds."""
    stops = ramp(dark=dark)
    return [stops[round(count / max(seeds, 1) * (len(stops) - 1))][1] for count in range(seeds + 1)]
