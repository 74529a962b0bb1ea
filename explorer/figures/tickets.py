"""Scores of good, random and bad subnetworks, pruned and retrained, as bars with every seed as a point."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from explorer.figures.palette import PRUNED, QUIET, RETRAINED, quiet

_NAME_PIXELS = 48
"""Lines closer than that have names that would touch: one has two lines of text."""


@dataclass(frozen=True)
class Bar:
    """One subnetwork's mean over seeds."""

    kind: str
    """good, random, bad."""
    state: str
    """pruned or retrained."""
    mean: float
    sample_sd: float
    """nan with one seed."""
    n_seeds: int
    by_seed: Mapping[int, float] = field(default_factory=dict)
    """Seed -> score; empty where only the mean was published."""


def ticket_bars(
    bars: Sequence[Bar],
    *,
    metric: str,
    full: float,
    majority: float | None = None,
    majority_title: str = "majority class",
    height: int = 360,
    y_range: tuple[float, float] | None = None,
) -> go.Figure:
    """Draws grouped bars from 0; whiskers are one sample standard deviation over seeds, rings the seeds themselves.

    Lines: the full model (solid) and what answers without reading score (dashed, named by majority_title).
    A nan is left out.
    y_range: give two figures the same, so that they can be compared.
    """
    figure = go.Figure()
    for state, name, colour in (("pruned", "as pruned", PRUNED), ("retrained", "retrained", RETRAINED)):
        rows = [bar for bar in bars if bar.state == state]
        if all(math.isnan(bar.mean) for bar in rows):
            continue  # no entry of the legend that no bar goes with
        figure.add_bar(
            x=[bar.kind for bar in rows],
            y=[None if math.isnan(bar.mean) else bar.mean for bar in rows],
            name=name,
            offsetgroup=state,
            marker={"color": colour, "opacity": 0.85},
            error_y={"type": "data", "array": [bar.sample_sd for bar in rows], "thickness": 1.5, "color": QUIET},
            customdata=[_words(bar) for bar in rows],
            hovertemplate=f"<b>%{{x}}, {name}</b>: %{{y:.3f}}<br>%{{customdata}}<extra></extra>",
        )
        points = [(bar.kind, seed, score) for bar in rows for seed, score in bar.by_seed.items()]
        figure.add_scatter(
            x=[kind for kind, _, _ in points],
            y=[score for _, _, score in points],
            mode="markers",
            offsetgroup=state,
            marker={"size": 8, "color": "rgba(255,255,255,0.75)", "line": {"color": "#222222", "width": 1.2}},
            customdata=[str(seed) for _, seed, _ in points],
            hovertemplate=f"%{{x}}, {name}, seed %{{customdata}}: %{{y:.3f}}<extra></extra>",
            showlegend=False,
        )
    low, high = y_range or shared_range(bars, [full, math.nan if majority is None else majority])
    # Names of lines that are close go apart, so that they can be read.
    close = majority is not None and abs(full - majority) / (high - low) * height < _NAME_PIXELS
    apart = (12 if majority is not None and full >= majority else -12) if close else 0
    _line(figure, full, "solid", "full model", apart)
    if majority is not None:
        _line(figure, majority, "dash", majority_title.replace(" ", "<br>"), -apart)
    figure.update_yaxes(title=metric, range=y_range, zeroline=True)
    figure.update_xaxes(categoryorder="array", categoryarray=list(dict.fromkeys(bar.kind for bar in bars)))
    return quiet(figure, height=height).update_layout(
        scattermode="group", bargap=0.25, scattergap=0.25, margin={"r": 74}
    )


def shared_range(bars: Sequence[Bar], lines: Sequence[float]) -> tuple[float, float]:
    """Range from 0 (or below, for correlations) to just above everything drawn."""
    highs = [bar.mean + (0.0 if math.isnan(bar.sample_sd) else bar.sample_sd) for bar in bars]
    lows = [bar.mean - (0.0 if math.isnan(bar.sample_sd) else bar.sample_sd) for bar in bars]
    points = [score for bar in bars for score in bar.by_seed.values()]
    known = [value for value in (*highs, *lows, *points, *lines) if not math.isnan(value)]
    low, high = min([0.0, *known]), max([0.1, *known])
    return (low * 1.08, high + 0.08 * (high - low))


def _words(bar: Bar) -> str:
    if math.isnan(bar.sample_sd):
        return "one seed"
    return f"sd {bar.sample_sd:.3f} over {bar.n_seeds} seeds"


def _line(figure: go.Figure, y: float, dash: str, text: str, shift: int) -> None:
    """Draws a line across the bars, its name in the margin on the right, that many pixels above it."""
    if math.isnan(y):
        return
    line = {"width": 1.5, "dash": dash, "color": QUIET}
    figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=y, y1=y, line=line)
    font = {"size": 12, "color": QUIET}
    figure.add_annotation(
        x=1.01, xref="paper", xanchor="left", align="left", y=y, yshift=shift, text=text, showarrow=False, font=font
    )
