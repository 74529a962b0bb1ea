"""Masks that score otherwise than their parts add up to: surprise against how much is off, a point a mask."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.figures.palette import QUIET, TWO_WAYS, legend_above, quiet, ring
from explorer.study.surprises import Surprises


def surprises_figure(found: Surprises, *, metric: str, marked: str = "") -> go.Figure:
    """Draws each mask as a point; customdata starts with its mask's code. Grey: noise; hollow: one answer to all.

    marked: the code of the mask with a ring.
    """
    figure = go.Figure()
    alike = found.one_answer
    sure = found.beyond_noise & ~alike
    groups = (
        ("within noise", ~sure & ~alike, QUIET, "circle", 5),
        ("one answer", alike, QUIET, "circle-open", 7),
        ("better", sure & (found.value > 0), TWO_WAYS[-1][1], "triangle-up", 9),
        ("worse", sure & (found.value <= 0), TWO_WAYS[0][1], "triangle-down", 9),
    )
    codes = np.array(found.masks, dtype=object)
    for name, which, colour, symbol, size in groups:
        sides = (codes, found.scores, found.low, found.high, found.q)
        told = np.stack([side[which] for side in sides], axis=1, dtype=object)
        figure.add_scatter(
            x=found.off[which],
            y=found.value[which],
            mode="markers",
            name=f"{name} ({which.sum():,})",
            marker={"size": size, "color": colour, "symbol": symbol, "opacity": 0.5 if colour == QUIET else 0.9},
            customdata=told,
            hovertemplate=(
                f"%{{x}} off, {metric} %{{customdata[1]:.3f}}<br>exact minus added up %{{y:+.3f}} "
                "[%{customdata[2]:+.3f}, %{customdata[3]:+.3f}], q = %{customdata[4]:.2g}<extra></extra>"
            ),
        )
    here = np.flatnonzero(codes == marked)
    ring(figure, found.off[here], found.value[here], size=18)
    figure.add_hline(y=0, line={"color": QUIET, "width": 1})
    figure.update_xaxes(title="heads and MLPs off")
    figure.update_yaxes(title=f"{metric}: exact minus added up", tickformat="+.2f", zeroline=False)
    return legend_above(quiet(figure, height=420))
