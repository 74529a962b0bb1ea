"""The league of criteria: score against how much is off, a line a criterion, chance as a band."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from explorer.figures.palette import QUIET, legend_above, quiet, ring
from explorer.tickets.criteria import CHANCE, CRITERIA

_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#8C6BB1",
    "#F0027F",
    "#B15928",
    "#33A02C",
)
_DASHES = ("solid", "solid", "solid", "dash", "dash", "solid", "solid", "dot", "dot", "dash")


def league_figure(
    curves: pd.DataFrame,
    *,
    metric: str,
    stressed: str = "",
    removed: int | None = None,
    keep: float | None = None,
    majority: float | None = None,
    majority_title: str = "majority class",
) -> go.Figure:
    """Draws each criterion's curve; points carry criterion and number off as customdata.

    curves: as League has them. stressed: the criterion that stands out, with its 95% band. removed: where a ring marks
    the point of the stressed one. keep: 90% of the full model's score, dotted; None where nothing is said by it.
    """
    figure = go.Figure()
    chance = curves[curves["criterion"] == CHANCE]
    _band(figure, chance, QUIET, "20 random orders")
    figure.add_scatter(
        x=chance["removed"],
        y=chance["score"],
        mode="lines",
        name="chance",
        line={"color": QUIET, "width": 2},
        hovertemplate=f"chance, %{{x}} off<br>{metric} %{{y:.3f}}, the mean of 20<extra></extra>",
    )
    there = set(curves["criterion"]) - {CHANCE}
    drawn = [(number, criterion) for number, criterion in enumerate(CRITERIA) if criterion.name in there]
    for number, criterion in sorted(drawn, key=lambda pair: pair[1].name == stressed):
        rows = curves[curves["criterion"] == criterion.name]
        colour, loud = _COLOURS[number % len(_COLOURS)], criterion.name == stressed
        if loud:
            _band(figure, rows, colour, f"95% of {criterion.title}")
        figure.add_scatter(
            x=rows["removed"],
            y=rows["score"],
            mode="lines+markers",
            name=criterion.title,
            opacity=1.0 if loud or not stressed else 0.55,
            line={"color": colour, "width": 3.5 if loud else 1.5, "dash": _DASHES[number % len(_DASHES)]},
            marker={"size": 7 if loud else 4, "color": colour},
            customdata=rows[["criterion", "removed", "low", "high"]].to_numpy(),
            hovertemplate=(
                f"<b>{criterion.title}</b>, %{{x}} off<br>{metric} %{{y:.3f}} "
                "[%{customdata[2]:.3f}, %{customdata[3]:.3f}]<extra></extra>"
            ),
        )
        if loud and removed is not None:
            here = rows[rows["removed"] == removed]
            ring(figure, here["removed"], here["score"], size=16)
    if keep is not None:
        figure.add_hline(y=keep, line={"color": QUIET, "width": 1, "dash": "dot"}, annotation_text="90% line")
    if majority is not None:
        figure.add_hline(y=majority, line={"color": QUIET, "width": 1, "dash": "dash"}, annotation_text=majority_title)
    figure.update_xaxes(title="heads and MLPs off")
    figure.update_yaxes(title=metric)
    return legend_above(quiet(figure, height=500))


def _band(figure: go.Figure, rows: pd.DataFrame, colour: str, name: str) -> None:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    figure.add_scatter(
        x=pd.concat([rows["removed"], rows["removed"][::-1]]),
        y=pd.concat([rows["low"], rows["high"][::-1]]),
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.18)",
        line={"width": 0},
        mode="lines",
        name=name,
        showlegend=False,
        hoverinfo="skip",
    )
