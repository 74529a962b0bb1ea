"""The tickets of a run compared two by two on the same examples."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from explorer.stats.effects import Evidence, gap
from explorer.stats.paired import PairedDifference
from explorer.study.claims import few_seeds
from explorer.study.conditions import TICKET_KINDS, ConditionScore
from explorer.ui import cached
from explorer.ui.view import View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.words import minus

STATE_NAMES = {"pruned": "As pruned", "retrained": "Retrained"}
"""Whether a ticket is scored as pruned or after retraining -> its name on screen."""
_PAIRS = (("good", "random"), ("good", "bad"), ("random", "bad"))


def show(view: View, method: str, name: str, by_seed: Mapping[int, Mapping[str, ConditionScore]]) -> None:
    """Draws the paired differences of good, random and bad tickets, seed by seed and over seeds, and in words.

    method: structured, super or magnitude. name: pruned or retrained. by_seed: seed -> condition -> score.
    """
    run = view.run
    paired = {
        (a, b): cached.paired(view, run.model, run.task, f"{method}/{a}/{name}", f"{method}/{b}/{name}")
        for a, b in _PAIRS
    }
    if not any(paired.values()):
        st.info(f"No two tickets have a score {STATE_NAMES[name].lower()}: nothing can be compared yet.")
        return
    rows: list[dict[str, str]] = []
    for seed in by_seed:
        cells = {_pair(a, b): _difference(paired[a, b].get(seed)) for a, b in _PAIRS}
        if any(cells.values()):
            rows.append({"seed": str(seed), **cells})
    evidence = {kind: _evidence(by_seed, f"{method}/{kind}/{name}") for kind in TICKET_KINDS}
    if len(rows) > 1:
        rows.append({"seed": "mean", **{_pair(a, b): _mean_gap(evidence[a], evidence[b]) for a, b in _PAIRS}})
    exhibits.table(
        pd.DataFrame(rows),
        key="tickets.pairs",
        title=f"Tickets compared on the same examples, {STATE_NAMES[name].lower()}",
    )
    st.markdown(_in_words(paired))
    st.caption(
        "First score minus second, with the 95% interval of the paired bootstrap over examples; ✱ where McNemar's "
        "exact test has p < 0.05 (uncorrected for the number of comparisons). "
        + ("Last row: mean over the seeds that both have, with its 95% t-interval. " if len(rows) > 1 else "")
        + few_seeds(len(by_seed))
    )


def _pair(a: str, b: str) -> str:
    return f"{a} − {b}"


def _difference(found: PairedDifference | None) -> str:
    if found is None:
        return ""
    if math.isnan(found.difference):
        return "undefined"
    star = " ✱" if found.p is not None and found.p < 0.05 else ""
    interval = "" if math.isnan(found.low) else f" [{found.low:+.3f}, {found.high:+.3f}]"
    return minus(f"{found.difference:+.3f}{interval}{star}")


def _evidence(by_seed: Mapping[int, Mapping[str, ConditionScore]], condition: str) -> Evidence:
    known = {seed: scores[condition].score for seed, scores in by_seed.items() if condition in scores}
    return Evidence(by_seed={seed: score for seed, score in known.items() if not math.isnan(score)})


def _mean_gap(a: Evidence, b: Evidence) -> str:
    if not set(a.by_seed) & set(b.by_seed):
        return ""
    effect = gap(a, b)
    interval = "" if math.isnan(effect.low) else f" [{effect.low:+.3f}, {effect.high:+.3f}]"
    return minus(f"{effect.value:+.3f}{interval}, {effect.over}")


def _in_words(paired: Mapping[tuple[str, str], Mapping[int, PairedDifference]]) -> str:
    sentences = []
    for (a, b), by_seed in paired.items():
        if not by_seed:
            continue
        up = sum(not d.within_noise and d.difference > 0 for d in by_seed.values())
        down = sum(not d.within_noise and d.difference < 0 for d in by_seed.values())
        sentences.append(_sentence(a, b, up, down, len(by_seed)))
    return " ".join(sentences)


def _sentence(a: str, b: str, up: int, down: int, n: int) -> str:
    def among(many: int) -> str:
        return f"{many} of {n} seeds" if n > 1 else "the one seed"

    if not up and not down:
        return f"Nothing tells **{a}** from **{b}** in {'any seed' if n > 1 else 'the one seed'}."
    if not down:
        return f"**{a.capitalize()}** is measurably better than **{b}** in {among(up)}."
    if not up:
        return f"**{b.capitalize()}** is measurably better than **{a}** in {among(down)}."
    return f"**{a.capitalize()}** is measurably better than **{b}** in {among(up)}, worse in {down}."
