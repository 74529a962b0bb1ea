"""A model at a glance: heads as squares and MLPs in a column of their own, for small multiples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.figures.palette import quiet_layout, ramp

Floats = NDArray[np.float64]
WIDTH = 250
"""Pixels of one panel: three to a row on a laptop, one on a telephone."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One model: a value for each head (L, H) and MLP (L,); nan = not known, drawn as a gap."""

    title: str
    note: str
    """Beside the title: how much is kept."""
    heads: Floats
    mlps: Floats
    one_mask: bool = False
    """Whether it is what one seed kept: then each cell is on or off, and no scale is drawn."""


KEPT = {"light": "#1c6ea4", "dark": "#4fb3d9"}
"""What one seed kept: the head grid's colour of tiles that no overlay colours."""
_OFF = "rgba(128,128,128,0.28)"


def model_panel(
    panel: Panel, *, dark: bool, value: str, span: tuple[float, float] = (0.0, 1.0), number: str = ".2f"
) -> go.Figure:
    """One panel without its title, on a colour scale from span[0] to span[1]. Layer 1 is on top, as in the head grid.

    value: what a cell's number is, for the hover: 'survives in a share of'; number: its format.
    """
    layers, heads = panel.heads.shape
    cells = np.hstack([panel.heads, np.full((layers, 1), np.nan), panel.mlps[:, None]])  # (L, H + 2)
    names = [
        [*(f"layer {layer + 1}, head {head + 1}" for head in range(heads)), "", f"layer {layer + 1}, MLP"]
        for layer in range(layers)
    ]
    if panel.one_mask:
        names = [
            [f"{name}: {'kept' if value else 'off'}" if name else "" for name, value in zip(row, values, strict=True)]
            for row, values in zip(names, cells, strict=True)
        ]
    cells_of = {
        "type": "heatmap",
        "z": cells,
        "customdata": names,
        "colorscale": [(0.0, _OFF), (1.0, KEPT["dark" if dark else "light"])] if panel.one_mask else ramp(dark=dark),
        "zmin": span[0],
        "zmax": span[1] if span[1] > span[0] else span[0] + 1,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": "%{customdata}<extra></extra>"
        if panel.one_mask
        else f"%{{customdata}}: {value} %{{z:{number}}}<extra></extra>",
    }
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "fixedrange": True}
    layout = quiet_layout(6 + math.ceil(layers * WIDTH / (heads + 2))) | {
        "width": WIDTH,
        "margin": {"t": 3, "b": 3, "l": 0, "r": 0, "pad": 0},
        "xaxis": bare,
        "yaxis": bare | {"autorange": "reversed"},
    }
    return go.Figure([cells_of], layout)


def kept_legend_html(*, dark: bool) -> str:
    """The legend of panels of one mask each, as one line of HTML."""
    box = "display:inline-block;width:.9rem;height:.9rem;border-radius:.15rem;vertical-align:-.1rem;margin-right:.35rem"
    spans = "".join(
        f"<span><i style='{box};background:{colour}'></i>{words}</span>"
        for words, colour in (("kept", KEPT["dark" if dark else "light"]), ("off", _OFF))
    )
    return f"<div style='display:flex;gap:1.2rem;font-size:.875rem'>One seed: {spans}</div>"


def legend_html(low: str, high: str, *, dark: bool) -> str:
    """The panels' colour scale as one line of HTML, for a page to show once; low and high are plain words."""
    stops = ", ".join(colour for _, colour in ramp(dark=dark))
    shape = "width:5rem;height:.6rem;border-radius:.3rem"
    bar = f"<span style='{shape};background:linear-gradient(to right,{stops})'></span>"
    turned = " (lighter is more)" if dark else ""
    return f"<div style='display:flex;gap:.5rem;align-items:center;font-size:.875rem'>{low}{bar}{high}{turned}</div>"
