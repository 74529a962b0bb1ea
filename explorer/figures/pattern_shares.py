"""Class shares of groups of heads as stacked bars: ours, all heads beside survivors, and the published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from explorer.arrays import Float64Array
from explorer.figures.palette import PATTERN_COLOURS, quiet_layout

ROW = 34
"""Pixels a bar takes."""


@dataclass(frozen=True, eq=False)
class Bar:
    """One group of heads."""

    section: str
    """'Fine-tuned': bars of one section stand together."""
    group: str
    """Name of the group, such as 'survivors'."""
    shares: Float64Array
    """(C,), sums to 1; nan where the group is empty."""
    note: str
    """Words for the hover: how many heads, and whose."""


def share_bars(bars: Sequence[Bar], classes: Sequence[str]) -> go.Figure:
    """Draws the bars from top to bottom, a colour a class; shares of a tenth or more are written into them."""
    where = [[bar.section for bar in bars], [bar.group for bar in bars]]
    traces: list[dict[str, Any]] = []
    for index, name in enumerate(classes):
        shares = [float(bar.shares[index]) for bar in bars]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": name,
                "y": where,
                "x": shares,
                "customdata": [bar.note for bar in bars],
                "text": [f"{share:.0%}" if share >= 0.1 else "" for share in shares],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "marker": {"color": PATTERN_COLOURS[name], "line": {"width": 0}},
                "hovertemplate": f"%{{y}}: {name} %{{x:.1%}}<br>%{{customdata}}<extra></extra>",
            }
        )
    layout = quiet_layout(36 + ROW * len(bars)) | {
        "barmode": "stack",
        "bargap": 0.25,
        "xaxis": {
            "range": [0, 1],
            "tickformat": ".0%",
            "dtick": 0.25,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {"autorange": "reversed", "automargin": True, "fixedrange": True, "showdividers": False},
        "showlegend": False,
        "margin": {"l": 10, "r": 16, "t": 4, "b": 24},
    }
    return go.Figure(traces, layout)


def classes_html(classes: Sequence[str]) -> str:
    """The colours of the classes as one line of HTML, for a page to show once over several figures."""
    chip = "width:.85rem;height:.85rem;border-radius:.2rem;background:"
    items = "".join(
        f"<span style='display:inline-flex;gap:.35rem;align-items:center'><i style='{chip}{PATTERN_COLOURS[name]}'></i>"
        f"{name}</span>"
        for name in classes
    )
    return f"<div style='display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.875rem'>{items}</div>"
