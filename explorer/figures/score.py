"""One score beside the full model's, both with their intervals, on the scale that gives them meaning."""

from __future__ import annotations

import plotly.graph_objects as go

from explorer.analysis.intervals import Score
from explorer.figures.palette import FULL_MODEL, THIS_MASK, quiet


def score_figure(
    this: Score | None, full: Score, *, majority: float | None = None, majority_title: str = "majority class"
) -> go.Figure:
    """Two points with intervals, the 90% line that pruning stops at, and what knowing nothing scores.

    this: None leaves the mask's place empty, for a score that is on its way.
    """
    figure = go.Figure()
    for label, score, colour in (("full model", full, FULL_MODEL), ("this mask", this, THIS_MASK)):
        value = None if score is None else score.value
        sides = _sides(score)
        figure.add_scatter(
            x=[value],
            y=[label],
            mode="markers",
            marker={"size": 13, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [sides[1]],
                "arrayminus": [sides[0]],
                "thickness": 2.5,
                "width": 7,
                "color": colour,
            },
            hovertemplate=f"{label}: %{{x:.3f}}{_bounds(score)}<extra></extra>",
            showlegend=False,
        )
    marks = [(0.9 * full.value, "90% of full", "dot")] if full.value > 0 else []
    if majority is not None:
        marks.append((majority, majority_title, "dash"))
    for number, (x, text, dash) in enumerate(marks):
        figure.add_vline(x=x, line={"width": 1.5, "dash": dash, "color": "gray"})
        figure.add_annotation(
            x=x, y=1.02 + 0.2 * number, yref="paper", yanchor="bottom", text=text, showarrow=False, font={"size": 12}
        )
    figure.update_yaxes(tickfont={"size": 14}, showgrid=False, range=[-0.6, 1.6])
    figure.update_xaxes(zeroline=False)
    return quiet(figure, height=190).update_layout(margin={"t": 62})


def _sides(score: Score | None) -> tuple[float, float]:
    """How far the interval goes below the value and above it; 0 where none is defined."""
    if score is None or score.low != score.low:
        return 0.0, 0.0
    return score.value - score.low, score.high - score.value


def _bounds(score: Score | None) -> str:
    return "" if score is None or score.low != score.low else f"  [{score.low:.3f}, {score.high:.3f}]"
