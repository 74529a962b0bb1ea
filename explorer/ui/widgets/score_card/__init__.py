"""The score card: one mask's score on an axis that stays, a verdict, two lines of words, the rest folded.

Its place is as high whatever it says. It knows which mask it tells of: from the click on that makes the grid show
another one until Python's answer about that one, it tells nothing; see `showsMask` in make.js.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from explorer.ui.widgets.scripts import script

Kind = Literal["above", "below", "full", "none", "wait"]

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "score_card",
    css=(_HERE / "score_card.css").read_text(encoding="utf-8"),
    js=script(_HERE / "score_card.js"),
)


@dataclass(frozen=True)
class Spot:
    """A place on the axis, with the ends of its interval; None where it has none."""

    at: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Axis:
    """The axis of a task's scores: the same for every mask, so that only the dot moves."""

    low: float
    high: float
    full: Spot
    baseline: float
    baseline_title: str
    line: float | None
    """The 90% line; None where the full model does not beat the baseline, so that there is nothing to keep."""


@dataclass(frozen=True)
class Stored:
    """The bundle's own score of the mask, where the live one below is on other sentences."""

    title: str
    value: str
    about: str


@dataclass(frozen=True)
class Card:
    """What the card says."""

    code: str
    """The mask that all of it is about."""
    title: str
    value: str = "…"
    against: str = ""
    """The difference from the full model, or that this is the full model."""
    interval: str = ""
    axis: Axis | None = None
    dot: Spot | None = None
    chip: tuple[Kind, str] = ("wait", "…")
    lines: tuple[str, ...] = ()
    """Two lines at most."""
    folded: tuple[str, ...] = ()
    """Paragraphs that open on a press."""
    progress: float | None = None
    stored: Stored | None = None

    @property
    def data(self) -> dict[str, object]:
        """The card for the browser: text and numbers only, fit for JSON."""
        return asdict(self)


def score_card(card: Card, *, key: str) -> None:
    """Draws the card; with the same key it stays where it is, and the dot glides to its new place."""
    _component(key=key, data=card.data)


_until_told = st.components.v2.component(
    "until_told",
    css=":host { display: none; }",
    js=script(_HERE / "until_told.js"),
)


def tells_of(code: str, *, place: str, key: str) -> None:
    """Says that the container of the key `place` tells of this mask: while the grid shows another, it is not seen."""
    _until_told(key=key, data={"code": code, "place": place})
