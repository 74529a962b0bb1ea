"""What the paper published for BERT-base: survival over five seeds, and the scores of its tickets."""

from __future__ import annotations

import streamlit as st

from explorer.figures.tickets import Bar, ticket_bars
from explorer.glue.metrics import METRIC_WORDS
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.paper import MAJORITY, Published, published
from explorer.ui.head_grid import Overlay, head_grid

_KINDS = ("good", "random", "bad")


def published_panel(task_name: str) -> None:
    """A task of the nine (the page's own first), its heatmap and its bars, with the paper cited."""
    figures = published()
    names = list(figures.tasks)
    task = st.selectbox("Task", names, index=names.index(task_name), key=f"published.task.{task_name}")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _grid(figures, task)
    with right:
        _bars(figures, task)
    st.caption(
        f"BERT-base uncased, five seeds, as published: {figures.paper}. Whiskers are sample standard deviations "
        "over seeds (the published ones are population standard deviations and were converted)."
    )


def _grid(figures: Published, task: str) -> None:
    survival = figures.survival("heads_mlps", task)
    if survival.heads is None or survival.mlps is None:
        st.info(f"No survival was published for {task}.")
        return
    shape = survival.heads.shape

    def words(share: float) -> str:
        return f"Survives in {round(share * len(figures.seeds))} of {len(figures.seeds)} seeds"

    head_grid(
        Mask.full(shape[0], shape[1]),
        revision=f"published-{task}",
        key=f"published.grid.{task}",
        fill=Overlay(survival.heads, survival.mlps, f"BERT-base on {task}: survives, of 5 seeds", "never", "always"),
        hover_heads=[[words(share) for share in row] for row in survival.heads],
        hover_mlps=[words(share) for share in survival.mlps],
        disabled=True,
    )


def _bars(figures: Published, task: str) -> None:
    bars = []
    for kind in _KINDS:
        for state in ("pruned", "retrained"):
            score = figures.score(f"structured/{kind}/{state}", task)
            bars.append(Bar(kind, state, score.mean, score.sample_sd, score.n_seeds))
    full = figures.score("full", task)
    st.plotly_chart(
        ticket_bars(
            bars,
            metric=METRIC_WORDS[TASKS[task].metric],
            full=full.mean,
            majority=figures.score(MAJORITY, task).mean,
            height=420,
        ),
        key=f"published.bars.{task}",
    )
    if full.mean < figures.score(MAJORITY, task).mean:
        st.caption(
            f"{task} is degenerate: the full model ({full.mean:.3f}) scores below the majority class, "
            "so nearly everything could be pruned."
        )
