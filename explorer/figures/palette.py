"""Colours that colour-blind readers can tell apart (Okabe and Ito 2008), and a quiet layout."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

SEED_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
THIS_MASK = "#D55E00"
FULL_MODEL = "#0072B2"
PRUNED, RETRAINED = THIS_MASK, FULL_MODEL
"""A ticket as it is, and retrained."""
QUIET = "#808080"
"""Reference lines and published values: readable on a light page and on a dark one."""
_RAMPS = {
    "light": ("#efebb1", "#c1daa0", "#90c799", "#5db398", "#249c99", "#008299", "#006594", "#1a4788", "#2c2773"),
    "dark": ("#39336f", "#2e4d8a", "#006a9e", "#0087a6", "#00a4a4", "#00bd98", "#6bd185", "#b2e06d", "#f5ea5c"),
}
"""The head grid's ramp (head_grid.css, in OKLCH) at nine stops: more is more contrast with the page."""


def ramp(*, dark: bool) -> list[tuple[float, str]]:
    """A Plotly colour scale from 0 to 1, the same as the head grid's."""
    stops = _RAMPS["dark" if dark else "light"]
    return [(at / (len(stops) - 1), colour) for at, colour in enumerate(stops)]


TWO_WAYS = [(0.0, "#b35806"), (0.5, "#f0f0f0"), (1.0, "#1a5fa8")]
"""A Plotly colour scale for values that go two ways from the middle, the same as the head grid's."""
PATTERN_COLOURS = {
    "heterogeneous": "#0072B2",
    "block": "#CC79A7",
    "diagonal": "#56B4E9",
    "vertical": "#E69F00",
    "vertical+diagonal": "#009E73",
    "uncertain": "#999999",
}
"""Attention patterns (explorer.patterns.classes), on every page the same."""


def whiskers(below: Any, above: Any, colour: str, *, thickness: float = 1.2, width: float = 0) -> dict[str, Any]:
    """Error bars of Plotly: how far each interval reaches below its value, and above it.

    thickness, width: of the bar and of its ends, in pixels.
    """
    bar = {"thickness": thickness, "width": width, "color": colour}
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below} | bar


def ring(figure: go.Figure, x: Any, y: Any, *, size: int) -> None:
    """Puts a ring in the colour of this mask around the point that is marked, where there is one. size: in pixels."""
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": size, "color": "rgba(0,0,0,0)", "line": {"color": THIS_MASK, "width": 3}},
        showlegend=False,
        hoverinfo="skip",
    )


def legend_above(figure: go.Figure) -> go.Figure:
    """Puts the legend above the figure in two columns, on a phone too."""
    columns = {"entrywidth": 0.48, "entrywidthmode": "fraction"}
    return figure.update_layout(legend={"y": 1.02, "yanchor": "bottom", **columns})


def quiet(figure: go.Figure, *, height: int) -> go.Figure:
    """Makes a figure transparent, with tight margins and the legend on top: fit for a light page and a dark one."""
    figure.update_layout(quiet_layout(height))
    return figure


def quiet_layout(height: int) -> dict[str, Any]:
    """Layout of a quiet figure: transparent, tight margins, legend on top, for a figure that is made at once."""
    return {
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "y": 1.12, "x": 0},
    }
