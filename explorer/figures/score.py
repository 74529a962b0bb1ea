"""One score beside the full model's, both with their intervals, on the scale that gives them meaning."""

from __future__ import annotations

import plotly.graph_objects as go

from explorer.figures.palette import FULL_MODEL, THIS_MASK, quiet_layout, whiskers
from explorer.stats.intervals import Score


def score_figure(
    this: Score | None,
    other: Score,
    line: float | None,
    *,
    majority: float | None = None,
    majority_title: str = "majority class",
    names: tuple[str, str] = ("this mask", "full model"),
) -> go.Figure:
    """Draws two points with intervals, the 90% line that pruning stops at, and the majority baseline.

    this: None leaves the mask's place empty, for a score that is on its way. other: what it is held against, the full
    model's unless `names` says otherwise. line: where 90% of the full model's score lies; None draws none.
    """
    points = [_point(names[1], other, FULL_MODEL), _point(names[0], this, THIS_MASK)]
    marks = [] if line is None else [(line, "90% of full", "dot")]
    if majority is not None:
        marks.append((majority, majority_title, "dash"))
    above = {"yref": "paper", "yanchor": "bottom", "showarrow": False, "font": {"size": 12}}
    layout = quiet_layout(190) | {
        "margin": {"l": 10, "r": 10, "t": 62, "b": 10},
        "xaxis": {"zeroline": False},
        "yaxis": {"tickfont": {"size": 14}, "showgrid": False, "range": [-0.6, 1.6]},
        "shapes": [
            {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1}
            | {"line": {"width": 1.5, "dash": dash, "color": "gray"}}
            for x, _, dash in marks
        ],
        "annotations": [
            {"x": x, "y": 1.02 + 0.2 * number, "text": text} | above for number, (x, text, _) in enumerate(marks)
        ],
    }
    return go.Figure(points, layout)  # at once: it is drawn anew several times a second


def _point(label: str, score: Score | None, colour: str) -> go.Scatter:
    below, above = _sides(score)
    return go.Scatter(
        x=[None if score is None else score.value],
        y=[label],
        mode="markers",
        marker={"size": 13, "color": colour},
        error_x=whiskers([below], [above], colour, thickness=2.5, width=7),
        hovertemplate=f"{label}: %{{x:.3f}}{_bounds(score)}<extra></extra>",
        showlegend=False,
    )


def _sides(score: Score | None) -> tuple[float, float]:
    """How far the interval goes below the value and above it; 0 where none is defined."""
    if score is None or score.low != score.low:
        return 0.0, 0.0
    return score.value - score.low, score.high - score.value


def _bounds(score: Score | None) -> str:
    return "" if score is None or score.low != score.low else f"  [{score.low:.3f}, {score.high:.3f}]"
