"""A row of small models that wraps to the width there is, with one legend for all."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.figures.heatmaps import WIDTH, Panel, kept_legend_html, legend_html, model_panel
from explorer.figures.print.export import Exhibit
from explorer.figures.print.head_grid import panels_figure, panels_table
from explorer.ui.as_text import plain
from explorer.ui.widgets import exhibits


def panels_row(
    panels: Sequence[Panel],
    key: str,
    *,
    value: str,
    low: str,
    high: str,
    span: tuple[float, float] = (0.0, 1.0),
    number: str = ".2f",
    title: str = "",
) -> None:
    """Draws the panels on one colour scale.

    panels: one small model each. key: names the row in the session. value: what a cell's number is, for the hover.
    low, high: the ends of the scale in words. span: the values at these ends. number: the format of a cell's number.
    title: the title of all panels as one figure, where they leave the page.
    """
    dark = is_dark()
    exhibits.keep(
        key,
        Exhibit(
            title or ", ".join(panel.title for panel in panels),
            f"A row a layer, a square a head, the last column MLPs; colour: {value} ({low} to {high}).",
            lambda inches: panels_figure(panels, inches, value=value, low=low, high=high, span=span),
            lambda: panels_table(panels, value),
        ),
    )
    with st.container(horizontal=True, gap="medium"):
        for at, panel in enumerate(panels):
            with st.container(width=WIDTH, gap="xsmall"):
                st.markdown(f"**{plain(panel.title)}** :small[:gray[{plain(panel.note)}]]")
                st.plotly_chart(
                    model_panel(panel, dark=dark, value=value, span=span, number=number),
                    key=f"{key}.{at}",
                    width=WIDTH,
                    config={"displayModeBar": False},
                    alt=f"{panel.title}: {panel.note}. A row a layer, a square a head, the last column MLPs",
                )
    if any(not panel.one_mask for panel in panels):
        st.html(legend_html(low, high, dark=dark))
    if any(panel.one_mask for panel in panels):
        st.html(kept_legend_html(dark=dark))


def is_dark() -> bool:
    """Whether the person's theme is dark; light where the browser has not said yet."""
    return bool(st.context.theme.type == "dark")
