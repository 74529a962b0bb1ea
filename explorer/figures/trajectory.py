"""Pruning paths: score against how much of the model is left, one line a seed."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from explorer.figures.palette import SEED_COLOURS, quiet
from explorer.tickets.structured import threshold_of


def trajectory_figure(
    steps: pd.DataFrame, *, metric: str, majority: float | None = None, majority_title: str = "majority class"
) -> go.Figure:
    """Draws pruning paths: score against the share that is left, a line a seed.

    steps: one row a step with seed, step, phase, score, low, high, held, heads_kept, mlps_kept, parts_kept (share
    of all heads and MLPs). Hollow points broke the 90% line of their seed, which is dotted.
    majority_title: what the dashed line at `majority` is called.
    """
    figure = go.Figure()
    for number, (seed, rows) in enumerate(steps.groupby("seed", sort=False)):
        colour = SEED_COLOURS[number % len(SEED_COLOURS)]
        held = rows[rows["held"]]
        figure.add_scatter(
            x=held["parts_kept"],
            y=held["score"],
            mode="lines",
            line={"color": colour, "width": 2},
            legendgroup=str(seed),
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=rows["parts_kept"],
            y=rows["score"],
            mode="markers",
            name=f"seed {seed}",
            legendgroup=str(seed),
            marker={
                "size": 9,
                "color": [colour if held else "rgba(0,0,0,0)" for held in rows["held"]],
                "line": {"color": colour, "width": 2},
            },
            customdata=rows[["step", "phase", "heads_kept", "mlps_kept", "low", "high"]].to_numpy(),
            hovertemplate=(
                f"<b>seed {seed}, step %{{customdata[0]}}</b> (%{{customdata[1]}})<br>"
                f"{metric} %{{y:.3f}}  [%{{customdata[4]:.3f}}, %{{customdata[5]:.3f}}]<br>"
                "%{customdata[2]} heads, %{customdata[3]} MLPs kept<extra></extra>"
            ),
        )
        limit = threshold_of(float(rows["score"].iloc[0]))
        figure.add_hline(y=limit, line={"color": colour, "width": 1, "dash": "dot"})
    if majority is not None:
        figure.add_hline(y=majority, line={"width": 1, "dash": "dash", "color": "gray"}, annotation_text=majority_title)
        figure.layout.annotations[-1].update(x=0, xanchor="left", yanchor="top")  # paths begin above it, on the left
    figure.update_xaxes(title="heads and MLPs kept", tickformat=".0%", autorange="reversed")
    figure.update_yaxes(title=metric)
    below = {"y": -0.22, "yanchor": "top"}  # above, a legend of two rows would lie over where the paths begin
    return quiet(figure, height=400).update_layout(legend=below)
