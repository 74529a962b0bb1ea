"""Scores of good, random and bad subnetworks, pruned and retrained, as bars with their spread over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from explorer.figures.palette import FULL_MODEL, THIS_MASK, quiet


@dataclass(frozen=True)
class Bar:
    """One subnetwork's mean over seeds."""

    kind: str
    """good, random, bad."""
    state: str
    """pruned or retrained."""
    mean: float
    sample_sd: float
    n_seeds: int


def ticket_bars(
    bars: Sequence[Bar], *, metric: str, full: float, majority: float | None = None, height: int = 340
) -> go.Figure:
    """Grouped bars; whiskers are one sample standard deviation over seeds, lines the full model and the majority."""
    figure = go.Figure()
    for state, colour in (("pruned", THIS_MASK), ("retrained", FULL_MODEL)):
        rows = [bar for bar in bars if bar.state == state]
        figure.add_bar(
            x=[bar.kind for bar in rows],
            y=[bar.mean for bar in rows],
            name=state,
            marker_color=colour,
            error_y={"type": "data", "array": [bar.sample_sd for bar in rows], "thickness": 1.5},
            customdata=[[bar.sample_sd, bar.n_seeds] for bar in rows],
            hovertemplate="%{x}, "
            + state
            + ": %{y:.3f}<br>sd %{customdata[0]:.3f} over %{customdata[1]} seeds<extra></extra>",
        )
    figure.add_hline(y=full, line={"width": 1.5, "color": "gray"}, annotation_text="full model")
    if majority is not None:
        figure.add_hline(
            y=majority,
            line={"width": 1.5, "dash": "dash", "color": "gray"},
            annotation_text="majority class",
            annotation_position="bottom right",
        )
    figure.update_yaxes(title=metric)
    return quiet(figure, height=height)
