"""The head grid for print: heads and MLPs as squares, what is pruned crossed out; one model, or several in a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.arrays import Float64Array
from explorer.figures.grid_overlays import NO_CLASS, Classes, Marks, Overlay
from explorer.figures.heatmaps import Panel
from explorer.figures.palette import THIS_MASK, TWO_WAYS, ramp
from explorer.figures.print.export import DPI
from explorer.mask import Mask

_BETWEEN, _TITLE = 14.0, 40.0
"""Pixels between two panels: across, and down, where a title stands."""
_PLAIN = "#8fb8d8"
"""A kept cell that nothing colours."""


def grid_figure(
    mask: Mask,
    inches: float,
    *,
    fill: Overlay | Classes | None = None,
    ring: Overlay | None = None,
    marks: Marks | None = None,
) -> go.Figure:
    """One model: a row a layer, from 1 on top; `fill` colours, `ring` is a circle whose area is the value."""
    n_layers, n_heads = mask.heads.shape
    figure = go.Figure()
    if isinstance(fill, Classes):
        _classes(figure, fill)
    elif fill is not None:
        scale = _scale(fill.title, fill.low, fill.high)
        if fill.middle:
            scale["colorscale"] = TWO_WAYS
            scale["colorbar"] |= {"tickvals": [0, 0.5, 1], "ticktext": [fill.low, fill.middle, fill.high]}
        figure.add_heatmap(z=_wide(fill.heads, fill.mlps), **scale, xgap=1, ygap=1)
    else:
        z = np.where(_wide(mask.heads.astype(float), mask.mlps.astype(float)) > 0, 1.0, np.nan)
        figure.add_heatmap(z=z, colorscale=[_PLAIN, _PLAIN], showscale=False, xgap=1, ygap=1)
    cell = inches * DPI * 0.78 / (n_heads + 2)
    off = np.argwhere(_wide(~mask.heads, ~mask.mlps, gap=0) > 0)
    if len(off):
        _dots(figure, off, "off", {"symbol": "x-thin", "size": cell * 0.45}, width=1.3)
    if ring is not None:
        _rings(figure, ring, cell)
    if marks is not None and (marks.heads.any() or marks.mlps.any()):
        at = np.argwhere(_wide(marks.heads, marks.mlps, gap=0) > 0)
        _dots(figure, at, marks.title, {"symbol": "square-open", "size": cell * 0.85}, width=2, colour=THIS_MASK)
    _axes(figure, n_layers, n_heads)
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    figure.update_xaxes(constrain="domain")
    named = sum(trace.showlegend is True for trace in figure.data)
    rows = math.ceil(named * 130 / (inches * DPI))  # an entry of the legend takes about so much
    height = cell * n_layers + 60 + 22 * rows
    return figure.update_layout(width=inches * DPI, height=height, legend={"orientation": "h"}, margin={"t": 10})


def _rings(figure: go.Figure, ring: Overlay, cell: float) -> None:
    """Circles whose area is the value; of values that go two ways, how far they are from the middle, in two colours."""
    wide = _wide(ring.heads, ring.mlps)
    down, _, up = (colour for _, colour in TWO_WAYS)
    sides = [(f"circle: {ring.title}", wide, "black")]
    if ring.middle:
        away = np.abs(2 * wide - 1)
        sides = [
            (f"circle: {ring.title}, {words}", np.where(mine, away, np.nan), colour)
            for words, mine, colour in ((ring.low, wide < 0.5, down), (ring.high, wide > 0.5, up))
        ]
    for name, values, colour in sides:
        at = np.argwhere(~np.isnan(values))
        sizes = cell * 0.8 * np.sqrt(values[tuple(at.T)])
        _dots(figure, at, name, {"symbol": "circle-open", "size": sizes}, width=1, colour=colour)


def panels_figure(
    panels: Sequence[Panel], inches: float, *, value: str, low: str, high: str, span: tuple[float, float]
) -> go.Figure:
    """Several small models on one colour scale, as many to a row as there is room for."""
    across = max(1, min(len(panels), round(inches / 1.4)))
    down = math.ceil(len(panels) / across)
    titles = [f"<b>{panel.title}</b>" + (f"<br>{panel.note}" if panel.note else "") for panel in panels]
    n_layers, n_heads = panels[0].heads.shape
    cell = (inches * DPI - 16 - _BETWEEN * (across - 1)) / across / (n_heads + 2)
    inner = down * cell * n_layers + (down - 1) * _TITLE
    figure = make_subplots(
        down,
        across,
        subplot_titles=titles,
        horizontal_spacing=_BETWEEN / (inches * DPI - 16),
        vertical_spacing=_TITLE / inner if down > 1 else 0,
    )
    for number, panel in enumerate(panels):
        row, column = divmod(number, across)
        z = _wide(panel.heads, panel.mlps)
        figure.add_heatmap(z=z, coloraxis="coloraxis", xgap=0.5, ygap=0.5, row=row + 1, col=column + 1)
    figure.update_xaxes(showgrid=False, zeroline=False, showticklabels=False)
    figure.update_yaxes(showgrid=False, zeroline=False, showticklabels=False, autorange="reversed")
    figure.update_annotations(font_size=12)
    top = span[1] if span[1] > span[0] else span[0] + 1
    bar = _scale(value, low, high, (span[0], top))
    lying = {"orientation": "h", "x": 0, "xanchor": "left", "len": min(1.0, 150 / (inches * DPI)), "title_side": "top"}
    lying |= {"y": -8 / inner, "yanchor": "top"}
    figure.update_layout(
        coloraxis={"colorscale": bar["colorscale"], "cmin": span[0], "cmax": top, "colorbar": bar["colorbar"] | lying}
    )
    return figure.update_layout(width=inches * DPI, height=inner + 44 + 72, margin={"t": 44, "b": 72})


def grid_table(
    mask: Mask, fill: Overlay | Classes | None = None, ring: Overlay | None = None, marks: Marks | None = None
) -> pd.DataFrame:
    """A row a head or MLP: which, whether kept, and what the figure shows of it. Numbered from 0, as in all files."""
    n_layers, n_heads = mask.heads.shape
    layer = [*np.repeat(np.arange(n_layers), n_heads), *range(n_layers)]
    columns: dict[str, Any] = {
        "part": ["head"] * mask.heads.size + ["MLP"] * n_layers,
        "layer_from_0": layer,
        "head_from_0": [*np.tile(np.arange(n_heads), n_layers), *([""] * n_layers)],
        "kept": [*mask.heads.ravel().astype(int), *mask.mlps.astype(int)],
    }
    for shown in (fill, ring):
        if isinstance(shown, Classes):
            names = [*(category.name for category in shown.categories), ""]
            columns[shown.title] = [names[at] for at in (*shown.heads.ravel(), *shown.mlps)]
        elif shown is not None:
            columns[f"{shown.title} (0: {shown.low}, 1: {shown.high})"] = [*shown.heads.ravel(), *shown.mlps]
    if marks is not None:
        columns[marks.title] = [*marks.heads.ravel().astype(int), *marks.mlps.astype(int)]
    return pd.DataFrame(columns)


def panels_table(panels: Sequence[Panel], value: str) -> pd.DataFrame:
    """A row a head or MLP of each panel."""
    tables = []
    for panel in panels:
        table = grid_table(Mask.full(*panel.heads.shape)).drop(columns="kept")
        table.insert(0, "panel", panel.title)
        table[value] = [*panel.heads.ravel(), *panel.mlps]
        tables.append(table)
    return pd.concat(tables, ignore_index=True).dropna(subset=[value])


def _wide(heads: NDArray[Any], mlps: NDArray[Any], gap: float = np.nan) -> Float64Array:
    """(L, H + 2): the heads, a gap, and the MLPs in a column of their own."""
    return np.hstack([heads.astype(float), np.full((len(mlps), 1), gap), mlps.astype(float)[:, None]])


def _dots(
    figure: go.Figure,
    at: NDArray[np.int64],
    name: str,
    marker: dict[str, Any],
    *,
    width: float,
    colour: str = "black",
) -> None:
    """Signs on cells, in a white halo: a cell may be as dark as the sign."""
    for line, shown in (({"width": width + 2, "color": "white"}, False), ({"width": width, "color": colour}, True)):
        figure.add_scatter(
            x=at[:, 1],
            y=at[:, 0],
            mode="markers",
            marker={**marker, "color": line["color"], "line": line},
            name=name,
            showlegend=shown,
            legendgroup=name,
            hoverinfo="skip",
        )


def _scale(title: str, low: str, high: str, span: tuple[float, float] = (0.0, 1.0)) -> dict[str, Any]:
    bar = {
        "title_text": title,
        "title_side": "right",
        "thickness": 8,
        "outlinewidth": 0,
        "tickvals": list(span),
        "ticktext": [low, high],
    }
    return {"colorscale": ramp(dark=False), "zmin": span[0], "zmax": span[1], "colorbar": bar}


def _classes(figure: go.Figure, classes: Classes) -> None:
    n, colours = len(classes.categories), [category.colour for category in classes.categories]
    heads, mlps = (np.where(values == NO_CLASS, np.nan, values) for values in (classes.heads, classes.mlps))
    z = _wide(heads, mlps)
    steps = [(edge / n, colour) for at, colour in enumerate(colours) for edge in (at, at + 1)]
    figure.add_heatmap(z=z, zmin=-0.5, zmax=n - 0.5, colorscale=steps, showscale=False, xgap=1, ygap=1)
    for number in sorted({int(at) for at in z[~np.isnan(z)]}):
        marker = {"symbol": "square", "size": 9, "color": colours[number]}
        figure.add_scatter(
            x=[None], y=[None], mode="markers", marker=marker, name=classes.categories[number].name, showlegend=True
        )


def _axes(figure: go.Figure, n_layers: int, n_heads: int) -> None:
    heads = [*range(n_heads), n_heads + 1]
    names = [*(str(head + 1) for head in range(n_heads)), "MLP"]
    quiet: dict[str, Any] = {"showgrid": False, "zeroline": False, "showline": False, "ticks": ""}
    figure.update_xaxes(**quiet, tickvals=heads, ticktext=names, title="head", range=[-0.6, n_heads + 1.6], tickangle=0)
    layers = list(range(n_layers))
    ticktext = [str(layer + 1) for layer in layers]
    figure.update_yaxes(**quiet, tickvals=layers, ticktext=ticktext, title="layer", range=[n_layers - 0.4, -0.6])
