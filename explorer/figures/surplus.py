"""Squares coloured by how far something lies above or below what chance gives, a number in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

_SCALES = {
    "light": ("#f0a878", "#ececec", "#8fc4e6", "#1c1c1c"),
    "dark": ("#8a3d00", "#33332f", "#00507f", "#ffffff"),
}
"""Fewer than by chance, as many, more, and the ink of the numbers: 7:1 or more on each of the three."""


def surplus_squares(
    surplus: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    texts: Sequence[Sequence[str]],
    hover: Sequence[Sequence[str]],
    *,
    title: str,
    least: float,
    told: str,
    dark: bool,
    **colourbar: Any,
) -> go.Figure:
    """Draws the squares, first row on top and names of columns above; a square whose surplus is nan has no colour.

    surplus: (rows, columns). texts: in each square. hover: of each square. title: of the colour bar. least: where the
    colours end at least, on both sides. told: how hovering begins, with %{x} and %{y}. colourbar: what else it has.
    """
    reach = float(np.nanmax(np.abs(surplus), initial=least)) if not np.isnan(surplus).all() else 1.0
    fewer, even, more, ink = _SCALES["dark" if dark else "light"]
    figure = go.Figure(
        go.Heatmap(
            z=surplus,
            x=list(columns),
            y=list(rows),
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
            colorbar={"title": {"text": title}, "thickness": 10, "outlinewidth": 0, **colourbar},
            hovertemplate=f"{told}<br>%{{customdata}}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False)
    return figure
