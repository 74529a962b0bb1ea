"""Three bars that race: the heads that you, the gradient and chance switched off and still held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from explorer.ui.widgets.scripts import script

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "race", css=(_HERE / "race.css").read_text(encoding="utf-8"), js=script(_HERE / "race.js")
)


@dataclass(frozen=True)
class Racer:
    """One bar."""

    kind: Literal["you", "gradient", "chance"]
    name: str
    off: int | None
    """Heads off in the best mask that held; None where there is none yet."""
    words: str
    tried: int | None = None
    """Heads off on the grid now, as a hollow bar; None to draw none."""


def race(racers: Sequence[Racer], heads: int, *, key: str) -> None:
    """Draws the bars on one scale, from 0 to all heads."""
    _component(key=key, data={"heads": heads, "racers": [asdict(racer) for racer in racers]})
