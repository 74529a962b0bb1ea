"""Which two parts help each other and which stand in for each other, with one of them in the middle."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from explorer.errors import BadRequest
from explorer.figures.interactions import interaction_overlay
from explorer.figures.overlays import dress
from explorer.figures.print.export import Exhibit
from explorer.mask import Mask
from explorer.store.schema import Key
from explorer.study.pairs import Partners, RunPairs, pairs_words
from explorer.study.words import component_names, with_interval
from explorer.ui import cached, state
from explorer.ui.as_text import code, plain
from explorer.ui.pages.league.parts import UNLEARNT
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, partners, sections
from explorer.ui.widgets.switch import switch

_TABLE = "league.pairs"
_EACH = 15
"""Pairs of each sign in the table."""
_MEANING = (
    "Interaction: the score with both off, minus what it would be if their two single losses added up. Below 0 they "
    "stand in for each other (redundancy): one can go, not both. Above 0 they need each other (synergy): once one is "
    "gone, the other is worth less. 0: they add up."
)


def show(view: View, shape: tuple[int, int], *, learnt: bool) -> dict[str, str]:
    """Draws the interaction of every part with the one that is looked at, and the surest pairs; or its command.

    learnt: whether the full model beats its baseline; where not, nothing is claimed. Returns the part of the page's
    address that says what is chosen.
    """
    run = view.run
    sections.heading("pairs", "Which parts stand in for each other?")
    key, bank = Key(run, "pairs"), Key(run, "bank")
    if not view.has(key) and not view.has(bank):
        st.caption(f"Not measured yet, exactly: {code(view.bundle.command_for(key))}")
        return {}
    meaning = exhibits.say(_MEANING, _TABLE)
    at = partners.chosen(shape)
    if not view.has(key):
        exactly = code(view.bundle.command_for(key))
        try:
            of = partners.of_bank(view, run, shape, at)
        except BadRequest:  # fewer masks than there are products to tell apart
            many = cached.artefact(view, bank).table.shape[0]
            st.caption(
                f"{many:,} random masks are too few to say how one part interacts with each other one (a thousand "
                f"would do). Every pair exactly, on top of the full model: {exactly}"
            )
            return {}
        _grid(view, of, shape)
        st.caption(
            f"{meaning} On average over random masks, by least squares over this part's products with all others "
            f"(95% interval over masks, HC3; {partners.FALSE} of what has a colour is false on average among its "
            f"{len(of.value) - 1} partners). Every pair exactly, on top of the full model: {exactly}"
        )
        return {}
    measure = _measure(view)
    found = cached.pairs(view, run, shape, by_margin=measure == "margin")
    st.markdown(exhibits.say(pairs_words(found, shape) if learnt else UNLEARNT, f"{_TABLE}.words"))
    of = found.with_part(int(found.pairs[found.strongest(), 0]) if at is None else at)
    left, right = st.columns([6, 5], gap="large")
    with left:
        _grid(view, of, shape)
    with right:
        _pairs(view, found, shape)
    _provenance(view, found, key, meaning)
    return {"measure": measure} if measure == "margin" else {}


def _measure(view: View) -> str:
    task = view.task(view.run.task)
    metric = task.metric_words
    if task.is_regression:
        return "score"
    names = {"score": metric.capitalize(), "margin": "Margin"}
    return switch("Measured in", names, "measure", "league.pairs.measure")


def _grid(view: View, of: Partners, shape: tuple[int, int]) -> None:
    name = component_names(shape)[of.part]
    overlay = interaction_overlay(of, shape)
    partners.follow()
    st.markdown(f"**With {name}** :small[:gray[a click holds all parts against that one, and opens its card]]")
    exhibits.grid(
        Mask.full(*shape),
        key="league.pairs.grid",
        title=f"Interaction with {name}",
        caption=overlay.meaning,
        revision=f"pairs-{of.part}-{of.measure}-{view.run.path}",
        disabled=True,
        **dress({"interaction": overlay}, "interaction", "", shape).arguments,
    )


def _pairs(view: View, found: RunPairs, shape: tuple[int, int]) -> None:
    """The surest pairs of either sign; a chosen one opens in the lab."""
    table = found.table(shape, _EACH)
    shown = pd.DataFrame(
        {
            "pair": [
                f"{_short(one)} + {_short(other)}" for one, other in zip(table["one"], table["other"], strict=True)
            ],
            "interaction": [
                with_interval(value, low, high, "+.3f")
                for value, low, high in zip(table["interaction"], table["low"], table["high"], strict=True)
            ],
            "q": [f"{q:.2g}" for q in table["q"]],
            "kind": table["kind"],
        }
    )
    title = f"Interactions of two parts in {found.measure}, the surest first"
    exhibits.keep(_TABLE, Exhibit(title, _MEANING, data=lambda: found.table(shape)))
    chosen: Any = st.dataframe(
        shown, key=_TABLE, hide_index=True, height=360, on_select="rerun", selection_mode="single-row"
    )
    rows = chosen["selection"]["rows"]
    lab = view.links.get("lab")
    if lab is None:
        return
    if rows and rows[0] < len(table):
        mask = Mask.from_code(str(table["mask"][rows[0]]), *shape)
        if st.button(f"Open {shown['pair'][rows[0]]} in the lab", icon=":material/toggle_on:", key="league.pairs.lab"):
            state.set_mask(view.run, mask)
            st.switch_page(lab)
    else:
        st.caption("Choose a row to open the pair in the lab.")


def _short(name: str) -> str:
    """'layer 3, head 10' as '3.10', 'layer 3, MLP' as '3.MLP'."""
    return name.removeprefix("layer ").replace(", head ", ".").replace(", ", ".")


def _provenance(view: View, found: RunPairs, key: Key, meaning: str) -> None:
    manifest = cached.artefact(view, key).manifest
    of_score = (
        "1,000 paired resamples of the examples; p by flipping each example's sign, exactly"
        if found.measure == "accuracy"
        else "1,000 paired resamples of the examples; p normal with their standard error"
    )
    how = "normal, paired over examples" if found.measure == "margin" else of_score
    st.caption(
        f"{meaning} Each of {len(found.pairs):,} pairs was scored on all {found.n:,} dev examples, on top of the full "
        f"model of seed {view.run.seed}. 95% intervals of one pair alone ({how}); q: Benjamini and Hochberg's p among "
        f"all pairs, beyond noise below {partners.FALSE}. Margin: the gold class's logit minus the best other's, which "
        f"moves on every example. {manifest.summary['masks']:,} masks, {manifest.seconds / 60:.0f} minutes on "
        f"{plain(manifest.made_on)}. Goes beyond the paper. Made with {code(manifest.command)}"
    )
