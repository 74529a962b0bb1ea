"""Which tasks share more heads than chance: a square a pair of tasks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.figures.palette import quiet
from explorer.stats.overlap import Kind, OverlapMatrix

SCALES = {
    "light": ("#f0a878", "#ececec", "#8fc4e6", "#1c1c1c"),
    "dark": ("#8a3d00", "#33332f", "#00507f", "#ffffff"),
}
"""Fewer than by chance, as many, more, and the ink of the numbers: 7:1 or more on each of the three."""


def overlap_figure(matrix: OverlapMatrix, kind: Kind, *, dark: bool = False) -> go.Figure:
    """Draws counts that two tasks share; colour: the surplus over what chance would share, in bold where chance hardly
    would.

    The diagonal is what a task keeps itself, and has no colour.
    """
    shared, chance = matrix.values(kind), matrix.values(kind, "chance")
    low, high = matrix.values(kind, "chance_low"), matrix.values(kind, "chance_high")
    surplus = shared - chance
    np.fill_diagonal(surplus, np.nan)
    reach = float(np.nanmax(np.abs(surplus), initial=1.0)) if not np.isnan(surplus).all() else 1.0
    n = range(len(matrix.tasks))
    texts = [[_text(shared[i, j], low[i, j], high[i, j], own=i == j) for j in n] for i in n]
    hover = [[_hover(shared[i, j], chance[i, j], low[i, j], high[i, j], own=i == j) for j in n] for i in n]
    fewer, even, more, ink = SCALES["dark" if dark else "light"]
    figure = go.Figure(
        go.Heatmap(
            z=surplus,
            x=list(matrix.tasks),
            y=list(matrix.tasks),
            zmin=-reach,
            zmax=reach,
            colorscale=[(0.0, fewer), (0.5, even), (1.0, more)],
            text=texts,
            texttemplate="%{text}",
            textfont={"color": ink, "size": 13},
            customdata=hover,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            colorbar={"title": {"text": "beyond<br>chance"}, "thickness": 10, "outlinewidth": 0},
            hovertemplate="%{y} and %{x}<br>%{customdata}<extra></extra>",
        )
    )
    for at, task in enumerate(matrix.tasks):
        words = f"keeps<br>{shared[at, at]:.1f}"
        figure.add_annotation(
            x=task, y=task, text=words, showarrow=False, font={"color": "#b8b8b8" if dark else "#5c5c5c"}
        )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False)
    return quiet(figure, height=80 + 58 * len(matrix.tasks)).update_layout(margin={"t": 40})


def _text(shared: float, low: float, high: float, *, own: bool) -> str:
    if own:
        return ""
    if np.isnan(shared):
        return "–"
    return f"{shared:.1f}" if low <= shared <= high else f"<b>{shared:.1f}</b>"


def _hover(shared: float, chance: float, low: float, high: float, *, own: bool) -> str:
    if own:
        return f"{shared:.1f} kept"
    if np.isnan(shared):
        return "no seed in common"
    return f"{shared:.1f} shared; {chance:.1f} by chance, 95% within {low:.1f} to {high:.1f}"
