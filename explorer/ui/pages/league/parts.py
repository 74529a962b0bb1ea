"""What each part is worth by the chosen criterion, what the mask bank adds, and how stable the choice is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from explorer.figures.heatmaps import Panel
from explorer.store.schema import Key
from explorer.study.league import League, stability_over_examples
from explorer.study.tickets_stability import stability_over_seeds
from explorer.study.words import component_names
from explorer.tickets.criteria import criterion_named
from explorer.ui import cached
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, make_here
from explorer.ui.widgets.panels import panels_row
from explorer.ui.widgets.words import minus, seeds


def worth(league: League, name: str, shape: tuple[int, int]) -> None:
    """Draws the worth of every head and MLP by a criterion, measured on all examples."""
    values, (layers, heads) = league.worth[name], shape
    of_heads, of_mlps = values[: layers * heads].reshape(shape), values[layers * heads :]
    criterion = criterion_named(name)
    st.subheader(f"What each part is worth: {criterion.title}", anchor=False)
    panels_row(
        [Panel(criterion.title, "on all examples", of_heads, of_mlps)],
        "league.worth",
        value="is worth",
        low=minus(f"{values.min():.3g}: goes first"),
        high=f"{values.max():.3g}: stays longest",
        span=(float(values.min()), float(values.max())),
        number=".3g",
        title=f"Worth of heads and MLPs by {criterion.title}",
    )
    st.caption(criterion.says)


def bank(view: View, shape: tuple[int, int]) -> None:
    """Says what random masks tell: each part's Banzhaf value with its interval, and what an additive game misses."""
    key, run = Key(view.run, "bank"), view.run
    st.subheader("What random masks say", anchor=False)
    if not view.has(key):
        st.caption(f"The mask bank of this run is not made yet. {make_here.how(view, key)}")
        make_here.offer(view, [key], "bank")
        return
    banked = cached.mask_bank(view, run, shape)
    metric, found, reuse = view.task(run.task).metric_words, banked.worth(), banked.worth_by_reuse()
    names = component_names(shape)
    table = pd.DataFrame({"part": names, "worth": found.value, "low": found.low, "high": found.high})
    if reuse is not None:
        table["by sample reuse"], table["reuse low"], table["reuse high"] = reuse.value, reuse.low, reuse.high
    table = table.sort_values("worth", ascending=False, ignore_index=True)
    clear = int(((found.low > 0) | (found.high < 0)).sum())
    best = [float(table[column].iloc[0]) for column in ("worth", "low", "high")]
    left, spread = banked.surprises().std(), banked.scores().std()
    st.markdown(
        f"On average over {len(banked.rates):,} random masks, **{table['part'][0]}** is worth the most: "
        f"{minus(f'{best[0]:.3f} of {metric} [{best[1]:.3f}, {best[2]:.3f}]')}. "
        f"{clear} of {len(names)} parts are worth something beyond noise. Adding up what the parts are worth foretells "
        f"a mask's {metric} to ±{left:.3f} (a standard deviation; the masks differ by ±{spread:.3f}). What is "
        "foretold is never shown as a score."
    )
    exhibits.table(
        table.round(4),
        key="league.bank",
        title="Banzhaf values of heads and MLPs",
        height=300,
    )
    rates = ", ".join(f"{rate:.0%}" for rate in np.unique(banked.rates))
    again = "By sample reuse: the masks that keep half (Wang and Jia 2023), wider since what the other parts do is not "
    st.caption(
        f"Worth: least squares over masks that keep {rates} of the parts at random; 95% interval over masks (HC3), "
        f"n = {banked.margins.shape[1]:,} examples held fixed. {f'{again}taken out.' if reuse is not None else ''}"
    )


def stable(view: View, league: League) -> None:
    """Says how far choices agree over seeds and over bootstrap samples of dev."""
    st.subheader("How stable is the choice?", anchor=False)
    tickets = cached.tickets(view, view.run)
    lines = []
    if len(tickets) > 1:
        found = stability_over_seeds(tickets)
        lines.append(
            f"Good tickets of {seeds(len(tickets))}: {minus(f'{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]')}."
            if not found.undefined
            else f"Good tickets of {seeds(len(tickets))}: {found.undefined}"
        )
    gradients = cached.artefact(view, Key(view.run, "league")).arrays["gradients"]
    again = stability_over_examples(gradients, league.components // 2)
    lines.append(
        f"The better half by the paper's criterion, over {again.choices} bootstrap samples of the dev set: "
        f"{minus(f'{again.value:.2f}')}."
    )
    st.markdown(" ".join(lines))
    st.caption(
        "1: the same parts every time; 0: what chance gives (Nogueira et al. 2018, over heads and MLPs together, with "
        "their 95% interval, which is rough for few seeds). Where examples agree and seeds do not, it is the "
        "fine-tuning that decides which parts matter, not the dev set."
    )
