"""What each part is worth by the chosen criterion, what the mask bank adds, and how stable the choice is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from explorer.arrays import BoolArray
from explorer.figures.heatmaps import Panel
from explorer.stats.stability import stability
from explorer.store.schema import Key
from explorer.study.league import League, stability_over_examples
from explorer.study.mask_bank import bank_words
from explorer.study.tickets_stability import chance_over_seeds, stability_over_seeds
from explorer.study.words import component_names, with_interval
from explorer.tickets.criteria import criterion_named, order_of, sides
from explorer.ui import cached
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, make_here, provenance, sections
from explorer.ui.widgets.panels import panels_row
from explorer.ui.widgets.words import minus, seeds

UNLEARNT = "The full model has learnt nothing that could be told apart: the numbers are shown, and nothing is claimed."


def worth(league: League, name: str, shape: tuple[int, int]) -> None:
    """Draws the worth of every head and MLP by a criterion, measured on all examples."""
    values = league.worth[name]
    criterion = criterion_named(name)
    st.subheader(f"What each part is worth: {criterion.title}", anchor=False)
    panels_row(
        [Panel(criterion.title, "on all examples", *sides(values, shape))],
        "league.worth",
        value="is worth",
        low=minus(f"{values.min():.3g}: goes first"),
        high=f"{values.max():.3g}: stays longest",
        span=(float(values.min()), float(values.max())),
        number=".3g",
        title=f"Worth of heads and MLPs by {criterion.title}",
    )
    st.caption(criterion.says)


def bank(view: View, shape: tuple[int, int], *, learnt: bool) -> None:
    """Says what random masks tell: each part's worth with its interval, and what an additive game misses.

    learnt: whether the full model beats its baseline; where not, nothing is claimed.
    """
    key, run = Key(view.run, "bank"), view.run
    sections.heading("worth", "What random masks say")
    if not view.has(key):
        st.caption(f"The mask bank of this run is not made yet. {make_here.how(view, key)}")
        make_here.offer(view, [key], "bank")
        return
    banked = cached.mask_bank(view, run, shape)
    of = cached.parts_worth(view, run, shape)
    metric, found, reuse = view.task(run.task).metric_words, of.found, banked.worth_by_reuse()
    names = component_names(shape)
    table = pd.DataFrame({"part": names, "worth": found.value, "low": found.low, "high": found.high})
    if reuse is not None:
        table["by sample reuse"], table["reuse low"], table["reuse high"] = reuse.value, reuse.low, reuse.high
    table = table.sort_values("worth", ascending=False, ignore_index=True)
    said = bank_words(of, cached.additivity(view, run, shape), shape, metric)
    st.markdown(exhibits.say(said if learnt else UNLEARNT, "league.bank.words"))
    exhibits.table(
        table.round(4),
        key="league.bank",
        title="Worth of heads and MLPs over random masks",
        height=300,
        column_config={name: st.column_config.NumberColumn(format="%.4f") for name in table.columns[1:]},
    )
    rates = ", ".join(f"{rate:.0%}" for rate in np.unique(banked.rates))
    half = int((banked.rates == 0.5).sum())
    again = (
        f"By sample reuse: another estimate and another question, the Banzhaf value (Wang and Jia 2023) from the "
        f"{half:,} masks that keep half. "
        if reuse is not None
        else ""
    )
    st.caption(
        f"Worth: least squares over masks that keep {rates} of the parts at random; 95% interval of one part alone, "
        f"over masks (HC3), n = {banked.margins.shape[1]:,} examples held fixed. {again}Each mask is foretold from the "
        "others."
    )
    provenance.made_with(view, [key])


def stable(view: View, league: League) -> None:
    """Says how far choices agree over seeds and over bootstrap samples of dev."""
    sections.heading("choice", "How stable is the choice?")
    tickets = cached.tickets(view, view.run)
    lines = []
    if len(tickets) > 1:
        found = stability_over_seeds(tickets)
        words = found.undefined
        if not words:
            low, high = chance_over_seeds(tickets)
            interval = with_interval(found.value, found.low, found.high, ".2f")
            words = f"{interval}, by chance {minus(f'{low:.2f} to {high:.2f}')}."
        lines.append(f"Good tickets of {seeds(len(tickets))}: {words}")
    halves = better_halves(view, league.components // 2)
    if len(halves) > 1:
        over = stability(halves)
        words = with_interval(over.value, over.low, over.high, ".2f")
        lines.append(f"The better half by the paper's criterion, over {seeds(len(halves))}: {words}.")
    gradients = cached.artefact(view, Key(view.run, "league")).arrays["gradients"]
    again = stability_over_examples(gradients, league.components // 2)
    lines.append(
        f"The same half over {again.choices} bootstrap samples of this seed's dev set: {minus(f'{again.value:.2f}')}."
        if len(halves) > 1
        else f"The better half by the paper's criterion, over {again.choices} bootstrap samples of the dev set: "
        f"{minus(f'{again.value:.2f}')}."
    )
    st.markdown(" ".join(lines))
    st.caption(
        "1: the same parts every time; 0: what chance gives (Nogueira et al. 2018, over heads and MLPs together; "
        "intervals over seeds by the jackknife with Student's t; bootstrap samples are no independent choices and have "
        "none). Where the same half comes out of every sample of examples and not of every seed, it is the fine-tuning "
        "that decides which parts matter, more than the dev set."
    )


def better_halves(view: View, keep: int) -> BoolArray:
    """Reads which parts the paper's criterion would keep on all dev examples, a row a seed that has its importance.

    keep: how many. (seeds, C)
    """
    rows = []
    for run in view.runs:
        key = Key(run, "importance", "expected")
        if view.has(key):
            arrays = cached.artefact(view, key).arrays
            worth = np.concatenate([arrays["heads"].ravel(), arrays["mlps"]])
            rows.append(np.isin(np.arange(len(worth)), order_of(worth)[len(worth) - keep :]))
    return np.array(rows, np.bool_)
