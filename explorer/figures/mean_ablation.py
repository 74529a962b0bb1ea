"""What tickets keep of the full score with nothing, and with means, in the place of what is off: a row a ticket."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from explorer.figures.palette import QUIET, quiet, whiskers
from explorer.tickets.structured import THRESHOLD

_LOOKS = (("#0072B2", "circle"), ("#E69F00", "diamond"), ("#D55E00", "diamond-open"))
"""Colour and symbol of what stands in, in the order of the rows."""
_APART = 0.22
_ROW = 34


def mean_ablation_figure(rows: pd.DataFrame) -> go.Figure:
    """Draws shares of the full score with their 95% intervals; rows: as `share_rows` gives them."""
    tasks, kinds = (list(dict.fromkeys(rows[name])) for name in ("task", "ticket"))
    places = {
        (task, kind): (len(kinds) + 0.6) * at + n for at, task in enumerate(tasks) for n, kind in enumerate(kinds)
    }
    figure = go.Figure()
    for number, (words, of) in enumerate(rows.groupby("in the place of what is off", sort=False)):
        colour, symbol = _LOOKS[number]
        y = [places[place] + (number - 1) * _APART for place in zip(of["task"], of["ticket"], strict=True)]
        figure.add_scatter(
            x=of["of the full score"],
            y=y,
            mode="markers",
            name=str(words),
            marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 1.6}},
            error_x=whiskers(of["of the full score"] - of["low"], of["high"] - of["of the full score"], colour),
            customdata=of[["task", "ticket", "score", "full score", "low", "high", "over"]].to_numpy(),
            hovertemplate=(
                f"<b>%{{customdata[0]}}, %{{customdata[1]}}</b>: {words}<br>%{{x:.0%}} of the full model's score "
                "[%{customdata[4]:.0%}, %{customdata[5]:.0%}], %{customdata[6]}<br>"
                "score %{customdata[2]:.3f}, full model %{customdata[3]:.3f}<extra></extra>"
            ),
        )
    figure.add_vline(x=THRESHOLD, line={"color": QUIET, "width": 1, "dash": "dot"})
    figure.add_vline(x=1, line={"color": QUIET, "width": 1})
    figure.update_xaxes(title="of the full model's score (dotted: the 90% line)", tickformat=".0%")
    figure.update_yaxes(
        tickvals=list(places.values()),
        ticktext=[f"{task} {kind}" for task, kind in places],
        range=[max(places.values()) + 0.7, -0.7],
        zeroline=False,
    )
    height = 130 + round(_ROW * (max(places.values()) + 1))
    return quiet(figure, height=height).update_layout(legend={"y": 1.0, "yanchor": "bottom"}, margin={"t": 60})
