"""What is on the page, remembered as it is drawn, so that it can be taken along: figures, tables, words and a mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.figures.print.export import Exhibit
from explorer.figures.print.head_grid import grid_figure, grid_table
from explorer.mask import Mask
from explorer.store.schema import Run
from explorer.ui.widgets.head_grid import head_grid

_KEPT = "exhibits.kept"


@dataclass
class Kept:
    """What one page has shown so far; fragments go on writing to it."""

    title: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    exhibits: dict[str, Exhibit] = field(default_factory=dict)
    caption: str = ""
    """The caption of the figures that are drawn next, where they bring none."""
    mask: tuple[Run, Mask] | None = None
    """The mask that the page is about; None where it is about none."""
    pooled: bool = False
    """Whether its figures are over all seeds of the task, so that none of them speaks of the selected one."""
    drawn_with: str = ""
    """The head or MLP ('3.5', '3.mlp') that something on the page is held against, so that the page is drawn again for
    another one; '' where nothing is."""


def begin(title: str) -> None:
    """Forgets the page before, since a page is drawn anew."""
    st.session_state[_KEPT] = Kept(title)


def kept() -> Kept:
    """What the page in this session shows."""
    found: Kept = st.session_state.setdefault(_KEPT, Kept())
    return found


def say(text: str, key: str = "") -> str:
    """Markdown that introduces the page's figures; gives it back, to be shown."""
    kept().texts[key] = text
    return text


def pool() -> None:
    """Says that the page's figures are over all seeds of the task."""
    kept().pooled = True


def about(run: Run, mask: Mask) -> None:
    """Remembers that the page is about this mask, which can be taken along too."""
    kept().mask = run, mask


def keep(key: str, exhibit: Exhibit) -> None:
    """Remembers a figure or table that the page shows by other means; a later one of the same key takes its place."""
    kept().exhibits[key] = exhibit


def plot(
    figure: go.Figure,
    *,
    key: str,
    title: str,
    caption: str = "",
    data: pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
    **options: Any,
) -> None:
    """st.plotly_chart, remembered. options: its others."""
    keep(key, Exhibit(title, caption or kept().caption, figure, data))
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, **options)


def points(
    figure: go.Figure,
    *,
    key: str,
    title: str,
    caption: str,
    data: pd.DataFrame | Callable[[], pd.DataFrame],
) -> None:
    """Draws a figure whose points can be clicked, with its caption below; `clicked` tells which was."""
    alt = f"{title}. {caption}"
    shared: dict[str, Any] = {"on_select": "rerun", "selection_mode": "points", "alt": alt}
    plot(figure, key=key, title=title, caption=caption, data=data, **shared)
    st.caption(f"{caption} Click a point to mark it.")


def clicked(key: str) -> tuple[Any, ...]:
    """The customdata of the point that was clicked last in a figure of `points`; () without one."""
    chosen: Any = st.session_state.get(key) or {}
    found = chosen.get("selection", {}).get("points", [])
    return tuple(found[0].get("customdata") or ()) if found else ()


def table(data: pd.DataFrame, *, key: str, title: str, caption: str = "", **options: Any) -> None:
    """st.dataframe without its index, remembered."""
    keep(key, Exhibit(title, caption, data=data))
    st.dataframe(data, hide_index=True, **options)


def grid(mask: Mask, *, key: str, title: str, caption: str = "", **options: Any) -> Mask:
    """The head grid, remembered as a figure for print of what it shows. options: `head_grid`'s others."""
    newest = head_grid(mask, key=key, **options)
    shown = {name: options.get(name) for name in ("fill", "ring", "marks")}
    keep(
        key,
        Exhibit(
            title, caption, lambda inches: grid_figure(newest, inches, **shown), lambda: grid_table(newest, **shown)
        ),
    )
    return newest
