"""A pruning run as a Plotly figure, for paper: on screen it is drawn by explorer.figures.path."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from explorer.figures.palette import FULL_MODEL, QUIET, quiet, whiskers
from explorer.figures.path import path_table
from explorer.tickets.pruning_path import PruningPath


def printed_path(path: PruningPath, *, metric: str, majority: tuple[str, float] | None = None) -> go.Figure:
    """Draws scores with 95% intervals, hollow where a step was taken back; the 90% line and the majority baseline
    (name, score).
    """
    table = path_table(path, 0)
    figure = go.Figure()
    held = table[table["held"]]
    figure.add_scatter(
        x=held["step"], y=held["score"], mode="lines", line={"color": FULL_MODEL, "width": 1.5}, showlegend=False
    )
    for name, rows in (("held", held), ("taken back", table[~table["held"]])):
        if rows.empty:
            continue
        figure.add_scatter(
            x=rows["step"],
            y=rows["score"],
            mode="markers",
            name=name,
            marker={
                "size": 9,
                "color": FULL_MODEL if name == "held" else "white",
                "line": {"color": FULL_MODEL, "width": 1.5},
            },
            error_y=whiskers(
                (rows["score"] - rows["low"]).fillna(0),
                (rows["high"] - rows["score"]).fillna(0),
                FULL_MODEL,
                thickness=1,
            ),
        )
    for text, y, dash in (("90% line", path.line, "dot"), (*(majority or ("", math.nan)), "dash")):
        if not math.isnan(y):
            note = {"text": text, "font": {"size": 12, "color": QUIET}}
            figure.add_hline(
                y=y, line={"width": 1, "dash": dash, "color": QUIET}, annotation=note, annotation_position="bottom left"
            )
    figure.update_xaxes(title="step", zeroline=False)
    figure.update_yaxes(title=metric, zeroline=False)
    return quiet(figure, height=300)
