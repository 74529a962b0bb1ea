"""Attention maps as pictures: thumbnails of all heads as bytes for the browser, and one map large with its tokens."""

from __future__ import annotations

import html
from collections import Counter
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.arrays import Float32Array, Uint8Array
from explorer.errors import BadRequest
from explorer.figures.palette import QUIET, quiet_layout
from explorer.glue.tokens import Tokens

THUMBNAIL = 40
"""Cells a side that a thumbnail has at most."""
_LONGEST = 18
"""Characters of a token that a label shows."""
INK = {
    "light": ("#f1f5f9", "#a5cde8", "#4f9fd0", "#0b62a3", "#06213f"),
    "dark": ("#1b222c", "#1f4e78", "#2f88c0", "#8ccbf0", "#f6fbff"),
}
"""Colours from nothing to the greatest value, at even steps: one hue, and more is more contrast with the page."""


def thumbnails(maps: Float32Array, size: int = THUMBNAIL) -> Uint8Array:
    """Shrinks maps (L, H, T, T) to (L, H, t, t), t = min(T, size), each as shares of its own greatest value, 0 to 255.

    Where cells fall together the greatest is kept, so that a column or diagonal one cell wide stays to be seen.
    A map without any value above 0 (a head that is off) is all 0. Raises BadRequest on another shape.
    """
    if maps.ndim != 4 or maps.shape[-1] != maps.shape[-2] or not maps.size:
        raise BadRequest(f"Float32Array of shape {maps.shape} are not (layers, heads, tokens, tokens).")
    small = np.nan_to_num(np.asarray(maps, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if (length := maps.shape[-1]) > size:
        starts = np.arange(size) * length // size
        small = np.maximum.reduceat(np.maximum.reduceat(small, starts, axis=-1), starts, axis=-2)
    greatest = small.max(axis=(-2, -1), keepdims=True)
    share = np.divide(small, greatest, out=np.zeros_like(small), where=greatest > 0)
    return np.rint(share * 255).astype(np.uint8)


def ink(*, dark: bool) -> list[tuple[float, str]]:
    """INK as a Plotly colour scale from 0 to 1."""
    stops = INK["dark" if dark else "light"]
    return [(at / (len(stops) - 1), colour) for at, colour in enumerate(stops)]


def plain_label(token: str) -> str:
    """Escapes a token as a label that Plotly shows as it is: Plotly reads tags, entities and $TeX$ in labels."""
    short = token if len(token) <= _LONGEST else token[: _LONGEST - 1] + "…"
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in short)
    return html.escape(shown, quote=False).replace("$", "&#36;")


def map_figure(
    values: Float32Array,
    tokens: Tokens,
    *,
    dark: bool,
    top: float | None = None,
    unit: str = "attention",
    height: int = 0,
) -> go.Figure:
    """Draws one map (T, T) with its tokens: a row reads, a column is read; a line parts the two sentences.

    top: the value that has the strongest colour, the map's own greatest by default. unit: what a value is, for the
    hover. height: in pixels, by default what the labels need, in a laptop's window. Raises BadRequest where map and
    tokens differ.
    """
    if values.shape != (len(tokens), len(tokens)):
        raise BadRequest(f"A map of shape {values.shape} does not go with {len(tokens)} tokens.")
    labels = [plain_label(token) for token in tokens.texts]
    length = len(labels)
    names = _told_apart(labels)
    words = [[f"<b>{row}</b> reads <b>{column}</b>" for column in labels] for row in labels]
    most = float(values.max()) if top is None else top
    gap = 1 if length <= 40 else 0
    cells = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": np.round(values, 5),
        "text": words,
        "colorscale": ink(dark=dark),
        "zmin": 0,
        "zmax": most if most > 0 else 1,
        "colorbar": {"thickness": 8, "outlinewidth": 0, "nticks": 5, "x": 1.01},
        "xgap": gap,
        "ygap": gap,
        "hovertemplate": f"%{{text}}<br>{unit} %{{z:.3f}}<extra></extra>",
    }
    # Names, not numbers: where not all fit, Plotly leaves some out, and shows them once zooming makes room.
    ticks: dict[str, Any] = {
        "type": "category",
        "tickfont": {"size": 12},
        "constrain": "domain",
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
    }
    title = {"font": {"size": 12, "color": QUIET}, "standoff": 6}
    layout = quiet_layout(height or 90 + int(np.clip(length * 16, 340, 620))) | {
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "xaxis": ticks | {"side": "top", "tickangle": -90, "title": title | {"text": "is read"}, "automargin": True},
        "yaxis": ticks
        | {
            "autorange": "reversed",
            "scaleanchor": "x",  # square cells, also after zooming
            "title": title | {"text": "reads"},
            "automargin": True,
        },
        "shapes": _between(tokens),
    }
    return go.Figure([cells], layout)


def _told_apart(labels: list[str]) -> list[str]:
    """The labels with what is not seen behind those that came before: two of one name would be one row."""
    before: Counter[str] = Counter()
    names = []
    for label in labels:
        names.append(label + "\N{ZERO WIDTH SPACE}" * before[label])
        before[label] += 1
    return names


def _between(tokens: Tokens) -> list[dict[str, Any]]:
    """Lines after the first sentence of a pair."""
    if not tokens.is_pair:
        return []
    at, far = float((tokens.segments == 0).sum()) - 0.5, len(tokens) - 0.5
    line = {"type": "line", "line": {"width": 1, "dash": "dot", "color": QUIET}}
    return [line | {"x0": at, "x1": at, "y0": -0.5, "y1": far}, line | {"x0": -0.5, "x1": far, "y0": at, "y1": at}]
