"""What the paper published for BERT-base, beside ours: survival over five seeds, task by task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from explorer.figures.heatmaps import Panel
from explorer.mask import Mask
from explorer.store.paper.importer import MODEL as BERT_BASE
from explorer.store.paper.published import Published, published
from explorer.store.task_tickets import FAMILIES, Pruned
from explorer.ui.pages.survival.views import mask_panel
from explorer.ui.widgets.panels import panels_row
from explorer.ui.widgets.words import counted, model_name, seeds


def published_panel(task: str, model: str, masks: Mapping[int, Mask], pruned: Pruned) -> None:
    """Ours and the published survival of the task side by side; below, every task as published."""
    figures = published()
    st.markdown(
        f"Survival on **{task}**, here and as published. Two models: compare where heads survive and how evenly, not "
        "head by head."
    )
    row = [mask_panel(model_name(model), list(masks.values()), pruned)] if masks else []
    if not masks:
        st.info(f"{model_name(model)} was not pruned so on {task} yet.")
    same = model == BERT_BASE
    row.append(_panel(figures, task, pruned, "BERT-base", same))
    panels_row(
        row,
        f"published.beside.{task}",
        value="survives in a share of",
        low="never",
        high="always",
        title=f"Survival on {task}, here and as published",
    )
    st.subheader("Every task, as published")
    panels_row(
        [_panel(figures, name, pruned, name, same) for name in figures.tasks],
        "published.all",
        value="survives in a share of",
        low="never",
        high="always",
        title="Survival of BERT-base, as published",
    )
    degenerate = [name for name in figures.tasks if figures.score("full", name).mean < figures.majority(name).mean]
    if degenerate:
        st.caption(
            f"{', '.join(degenerate)} is degenerate: the full model scores below the majority class, so nearly "
            "everything could be pruned."
        )
    st.caption(f"BERT-base uncased, {seeds(len(figures.seeds))}: {figures.paper}. Scores are on the Tickets page.")


def _panel(figures: Published, task: str, pruned: Pruned, title: str, of_selected: bool) -> Panel:
    share = figures.survival(FAMILIES[pruned], task)
    one = next(values for values in (share.heads, share.mlps) if values is not None)
    n_layers = one.shape[0]
    heads = share.heads if share.heads is not None else np.full((n_layers, n_layers), np.nan)
    mlps = share.mlps if share.mlps is not None else np.full(n_layers, np.nan)
    parts = [counted(float(heads.sum()), "head")] if share.heads is not None else []
    parts += [counted(float(mlps.sum()), "MLP")] if share.mlps is not None else []
    return Panel(title, f"{', '.join(parts)}, {seeds(len(figures.seeds))}", heads, mlps, of_selected=of_selected)
