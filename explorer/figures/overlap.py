"""Which tasks share more heads than chance: a square a pair of tasks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.figures.palette import quiet
from explorer.figures.surplus import surplus_squares
from explorer.stats.overlap import Kind, OverlapMatrix


def overlap_figure(matrix: OverlapMatrix, kind: Kind, *, dark: bool = False) -> go.Figure:
    """Draws counts that two tasks share; colour: the surplus over what chance would share, in bold where chance hardly
    would.

    The diagonal is what a task keeps itself, and has no colour.
    """
    shared, chance = matrix.values(kind), matrix.values(kind, "chance")
    low, high = matrix.values(kind, "chance_low"), matrix.values(kind, "chance_high")
    surplus = shared - chance
    np.fill_diagonal(surplus, np.nan)
    n = range(len(matrix.tasks))
    texts = [[_text(shared[i, j], low[i, j], high[i, j], own=i == j) for j in n] for i in n]
    hover = [[_hover(shared[i, j], chance[i, j], low[i, j], high[i, j], own=i == j) for j in n] for i in n]
    told, title = "%{y} and %{x}", "beyond<br>chance"
    figure = surplus_squares(
        surplus, matrix.tasks, matrix.tasks, texts, hover, title=title, least=1.0, told=told, dark=dark
    )
    for at, task in enumerate(matrix.tasks):
        words = f"keeps<br>{shared[at, at]:.1f}"
        figure.add_annotation(
            x=task, y=task, text=words, showarrow=False, font={"color": "#b8b8b8" if dark else "#5c5c5c"}
        )
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
