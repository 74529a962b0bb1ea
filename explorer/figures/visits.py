"""Score against size: the masks somebody has visited, among the pruning path and the tickets of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from explorer.figures.palette import QUIET, SEED_COLOURS, THIS_MASK, quiet, whiskers
from explorer.study.landmarks import PATH, TICKET

VISIT = "visit"
_APART = (0.03, 0.06)
"""Parts of the width and of the height by which two numbers of visits lie apart, in the one or the other: closer ones
would overprint each other."""
_SYMBOLS = ("diamond", "square", "triangle-up", "star", "hexagon", "pentagon", "triangle-down")


@dataclass(frozen=True)
class Spot:
    """One mask as a point of the figure."""

    name: str
    kind: str
    """VISIT, PATH or TICKET."""
    code: str
    heads: int
    mlps: int
    share: float
    """How much of the model is left, 0 to 1."""
    score: float
    low: float
    high: float
    n: int
    held: bool = True
    """False for a step of the path that was taken back."""


def visits_figure(
    spots: Sequence[Spot],
    *,
    current: str,
    metric: str,
    size: str,
    line: float | None,
    majority: tuple[str, float] | None = None,
) -> go.Figure:
    """Draws masks as spots; each point's customdata starts with its mask's code.

    current: the code of the mask on the grid, ringed where it is among the visits. size: what `share` is a share of.
    line: the score below which pruning stops, dotted; majority: name and score of what knowing nothing scores, dashed.
    """
    path = [spot for spot in spots if spot.kind == PATH]
    held = [spot for spot in path if spot.held]
    traces = [
        _line(held),
        _points(path, "pruning path", metric, {"size": 8, "color": _filled(path, QUIET), "line": _edge(QUIET)}),
    ]
    tickets = [spot for spot in spots if spot.kind == TICKET]
    for number, spot in enumerate(tickets):
        colour = SEED_COLOURS[number % len(SEED_COLOURS)]
        marker = {"size": 15, "symbol": f"{_SYMBOLS[number % len(_SYMBOLS)]}-open", "color": colour}
        traces.append(_points([spot], spot.name, metric, marker | {"line": _edge(colour)}))
    visits = [spot for spot in spots if spot.kind == VISIT]
    levels = [
        *(spot.score for spot in spots),
        *([line] if line is not None else []),
        *([majority[1]] if majority else []),
    ]
    known = [level for level in levels if level == level]
    traces.append(_visits(visits, metric, max(known, default=1.0) - min(known, default=0.0)))
    here = [spot for spot in visits if spot.code == current]
    ring = {"size": 22, "symbol": "circle-open", "color": THIS_MASK, "line": {"width": 3, "color": THIS_MASK}}
    traces.append(go.Scatter(x=_x(here), y=_y(here), mode="markers", marker=ring, name="on the grid", hoverinfo="skip"))
    figure = quiet(go.Figure(traces), height=420)
    figure.update_xaxes(title=size, tickformat=".0%", range=[1.04, -0.04], zeroline=False)
    figure.update_yaxes(title=metric, zeroline=False)
    marks = [("90% of full", line, "dot")] if line is not None else []
    marks += [(*majority, "dash")] if majority is not None and majority[1] == majority[1] else []
    for words, y, dash in marks:
        figure.add_hline(y=y, line={"width": 1.5, "dash": dash, "color": "gray"}, annotation_text=words)
    return figure.update_layout(legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0})


def visits_table(spots: Sequence[Spot]) -> pd.DataFrame:
    """A row a spot."""
    return pd.DataFrame([asdict(spot) for spot in spots])


def _line(spots: Sequence[Spot]) -> go.Scatter:
    return go.Scatter(
        x=_x(spots),
        y=_y(spots),
        mode="lines",
        line={"color": QUIET, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )


def _visits(spots: Sequence[Spot], metric: str, height: float) -> go.Scatter:
    """The visits with their numbers. height: how far the scores of the figure reach."""
    trace = _points(spots, "visited", metric, {"size": 11, "color": THIS_MASK, "opacity": 0.85})
    below, above = ([abs(spot.score - end) for spot, end in zip(spots, ends, strict=True)] for ends in _ends(spots))
    return trace.update(
        error_y=whiskers(below, above, THIS_MASK, thickness=1),
        mode="markers+text",
        text=_numbers(spots, height),
        textposition="top right",
        textfont={"size": 12},
    )


def _numbers(spots: Sequence[Spot], height: float) -> list[str]:
    """Numbers the visits in their order; of those that lie close together, the newest alone."""
    texts, shown = [""] * len(spots), list[Spot]()
    for at in reversed(range(len(spots))):
        spot, room = spots[at], _APART[1] * (height or 1.0)
        if all(abs(spot.share - of.share) >= _APART[0] or abs(spot.score - of.score) >= room for of in shown):
            texts[at] = str(at + 1)
            shown.append(spot)
    return texts


def _points(spots: Sequence[Spot], name: str, metric: str, marker: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=_x(spots),
        y=_y(spots),
        mode="markers",
        name=name,
        marker=marker,
        unselected={"marker": {"opacity": marker.get("opacity", 1)}},  # a click selects; it must not dim the others
        customdata=[(spot.code, _words(spot)) for spot in spots],
        hovertemplate=f"<b>%{{customdata[1]}}</b><br>{metric} %{{y:.3f}}, %{{x:.0%}} left<extra></extra>",
        showlegend=bool(spots),
    )


def _words(spot: Spot) -> str:
    back = "" if spot.held else ", taken back"
    interval = f"<br>[{spot.low:.3f}, {spot.high:.3f}], n = {spot.n:,}" if spot.low == spot.low else ""
    return f"{spot.name}{back}</b><br>{spot.heads} heads, {spot.mlps} MLPs{interval}<b>"


def _x(spots: Sequence[Spot]) -> list[float]:
    return [spot.share for spot in spots]


def _y(spots: Sequence[Spot]) -> list[float]:
    return [spot.score for spot in spots]


def _ends(spots: Sequence[Spot]) -> tuple[list[float], list[float]]:
    """Lower and upper ends of the intervals; the score itself where there is none."""
    lows = [spot.low if spot.low == spot.low else spot.score for spot in spots]
    return lows, [spot.high if spot.high == spot.high else spot.score for spot in spots]


def _filled(spots: Sequence[Spot], colour: str) -> list[str]:
    return [colour if spot.held else "rgba(0,0,0,0)" for spot in spots]


def _edge(colour: str) -> dict[str, Any]:
    return {"width": 2, "color": colour}
