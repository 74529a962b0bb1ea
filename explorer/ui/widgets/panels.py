"""A row of small models that wraps to the width there is, with one legend for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from explorer.figures.grid_overlays import Overlay
from explorer.figures.heatmaps import WIDTH, Panel, kept_legend_html, legend_html
from explorer.figures.print.export import Exhibit
from explorer.figures.print.head_grid import panels_figure, panels_table
from explorer.mask import Mask
from explorer.ui.as_text import plain
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.head_grid import head_grid
from explorer.ui.widgets.words import minus


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
    exhibits.keep(
        key,
        Exhibit(
            title or ", ".join(panel.title for panel in panels),
            f"A row a layer, a square a head, the last column MLPs; colour: {value} ({low} to {high}).",
            lambda inches: panels_figure(panels, inches, value=value, low=low, high=high, span=span),
            lambda: panels_table(panels, value),
        ),
    )
    with st.container(horizontal=True, gap="medium", key=f"panels-{key}"):  # frame.css: one in a row on a phone
        for at, panel in enumerate(panels):
            with st.container(width=WIDTH, gap="xsmall"):
                st.markdown(f"**{plain(panel.title)}** :small[:gray[{plain(panel.note)}]]")
                _small_grid(panel, f"{key}.{at}", value=value, span=span, number=number)
    if any(not panel.one_mask for panel in panels):
        st.html(legend_html(low, high, dark=is_dark()))
    if any(panel.one_mask for panel in panels):
        st.html(kept_legend_html(dark=is_dark()))


def _small_grid(panel: Panel, key: str, *, value: str, span: tuple[float, float], number: str) -> None:
    """One panel as a head grid without words, whose cells open their cards like those of any other."""
    low, width = span[0], (span[1] - span[0]) or 1.0
    known = panel.one_mask and not (np.isnan(panel.heads).any() or np.isnan(panel.mlps).any())
    mask = Mask(panel.heads > 0, panel.mlps > 0) if known else Mask.full(*panel.heads.shape)

    def words(cell: float) -> str:
        if np.isnan(cell):
            return "not pruned here"
        return ("kept" if cell else "off") if panel.one_mask else minus(f"{value} {cell:{number}}")

    head_grid(
        mask,
        revision=f"{mask.code}-{panel.title}",
        key=key,
        fill=None
        if known
        else Overlay(
            np.clip((panel.heads - low) / width, 0, 1), np.clip((panel.mlps - low) / width, 0, 1), value, gap=""
        ),
        hover_heads=None if known else [[words(cell) for cell in row] for row in panel.heads],
        hover_mlps=None if known else [words(cell) for cell in panel.mlps],
        name=f"{panel.title}: {panel.note}",
        cards=panel.of_selected,
        disabled=True,
        size="small",
    )


def is_dark() -> bool:
    """Whether the person's theme is dark; light where the browser has not said yet."""
    return bool(st.context.theme.type == "dark")
