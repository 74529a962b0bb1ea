"""Colours that colour-blind readers can tell apart (Okabe and Ito 2008), and a quiet layout."""

from __future__ import annotations

import plotly.graph_objects as go

SEED_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
THIS_MASK = "#D55E00"
FULL_MODEL = "#0072B2"


def quiet(figure: go.Figure, *, height: int) -> go.Figure:
    """Transparent, tight margins, legend on top: fit for a light page and a dark one."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )
    return figure
