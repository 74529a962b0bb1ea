"""The deck: all screens of a talk in the browser at once, so that a key press waits for nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.ui.pages.stage.numbers import Figure
from explorer.ui.pages.stage.scenes import Scene
from explorer.ui.widgets.scripts import no_change, script

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "stage_deck",
    css=(_HERE / "deck.css").read_text(encoding="utf-8"),
    js=script(_HERE / "pictures.js", _HERE / "deck.js"),
)


def deck(
    title: str,
    scenes: Sequence[Scene],
    live: Mapping[int, Figure],
    waiting: Sequence[int],
    start: int,
    *,
    key: str,
    on_leave: Callable[[], None],
) -> None:
    """Shows the talk over everything else; `at` says which screen it is at.

    title: the talk's. scenes: its screens. live: screen -> the score that was computed for it. waiting: the screens
    whose score is still to come. start: the screen that it begins at; from then on the browser decides. key: names
    the deck in the session. on_leave: called when the speaker asks for the way out; see `left_for`.
    """
    data = deck_data(title, scenes, live, waiting, start)
    _component(key=key, data=data, on_step_change=no_change, on_leave_change=on_leave)


def deck_data(
    title: str, scenes: Sequence[Scene], live: Mapping[int, Figure], waiting: Sequence[int], start: int
) -> dict[str, Any]:
    """What the browser is told, fit for JSON."""
    return {
        "title": title,
        "start": start,
        "live": {str(number): _told(figure) for number, figure in live.items()},
        "waiting": list(waiting),
        "scenes": [
            {
                "title": scene.title,
                "text": scene.text,
                "say": scene.say,
                "claim": scene.claim,
                "verdict": scene.verdict,
                "missing": list(scene.missing),
                "figure": _told(scene.figure) if scene.figure else None,
                "picture": scene.picture,
                "scored": scene.mask is not None,
            }
            for scene in scenes
        ],
    }


def at(state: object, n: int, start: int) -> int:
    """The screen in what the browser sent; `start` where that is malformed."""
    step = state.get("step") if isinstance(state, Mapping) else None
    known = isinstance(step, int | float) and not isinstance(step, bool) and 0 <= step < n
    return int(step) if known and step is not None else start


def left_for(state: object) -> str:
    """The place that the speaker went to: 'game', or 'ready'."""
    place = state.get("leave") if isinstance(state, Mapping) else None
    return "game" if place == "game" else "ready"


def _told(figure: Figure) -> dict[str, str]:
    return {"value": figure.value, "words": figure.words, "small": figure.small}
