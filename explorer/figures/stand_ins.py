"""The score of random masks against their keep rate, with a line for each of what may stand in for what is off."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from explorer.figures.palette import QUIET, quiet, whiskers

_LOOKS = (("#0072B2", "circle"), ("#E69F00", "diamond"), ("#009E73", "square"))
"""Colour and symbol of what stands in, in the order of the rows."""
_APART = 0.004


def stand_ins_figure(
    rows: pd.DataFrame, *, metric: str, full: float, majority: float | None = None, majority_title: str = ""
) -> go.Figure:
    """Draws a line with 95% intervals for each stand-in; rows: `masks` of StandInsCompared.

    full: the full model's score. majority: the baseline's, None where there is none.
    """
    figure = go.Figure()
    for number, (words, of) in enumerate(rows.groupby("in the place of what is off", sort=False)):
        colour, symbol = _LOOKS[number]
        figure.add_scatter(
            x=of["rate"] + (number - 1) * _APART,
            y=of["score"],
            mode="lines+markers",
            name=str(words),
            marker={"color": colour, "symbol": symbol, "size": 9},
            line={"color": colour, "width": 2},
            error_y=whiskers(of["score"] - of["low"], of["high"] - of["score"], colour),
            customdata=of[["rate", "low", "high", "masks"]].to_numpy(),
            hovertemplate=(
                f"<b>{words}</b>, keep rate %{{customdata[0]:.0%}}<br>{metric} %{{y:.3f}} "
                "[%{customdata[1]:.3f}, %{customdata[2]:.3f}], mean of %{customdata[3]} masks<extra></extra>"
            ),
        )
    figure.add_hline(
        y=full, line={"color": QUIET, "width": 1}, annotation_text="full model", annotation_position="top left"
    )
    if majority is not None:
        dashed = {"color": QUIET, "width": 1, "dash": "dash"}
        figure.add_hline(y=majority, line=dashed, annotation_text=majority_title, annotation_position="bottom right")
    figure.update_xaxes(title="keep rate of the random masks", tickformat=".0%")
    figure.update_yaxes(title=metric)
    return quiet(figure, height=400).update_layout(legend={"y": 1.02, "yanchor": "bottom"})
