"""The tickets of a run compared two by two on the same examples."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from explorer.study.conditions import ConditionScore
from explorer.study.ticket_words import PAIRS, STATE_NAMES, in_words, pair_rows, paired_by_words
from explorer.ui import cached
from explorer.ui.view import View
from explorer.ui.widgets import exhibits


def show(view: View, method: str, name: str, by_seed: Mapping[int, Mapping[str, ConditionScore]]) -> None:
    """Draws the paired differences of good, random and bad tickets, seed by seed and over seeds, and in words.

    method: structured, super or magnitude. name: pruned or retrained. by_seed: seed -> condition -> score.
    """
    run = view.run
    paired = {
        (a, b): cached.paired(view, run.model, run.task, f"{method}/{a}/{name}", f"{method}/{b}/{name}")
        for a, b in PAIRS
    }
    if not any(paired.values()):
        st.info(f"No two tickets have a score {STATE_NAMES[name].lower()}: nothing can be compared yet.")
        return
    rows = pair_rows(by_seed, method, name, paired)
    exhibits.table(
        pd.DataFrame(rows),
        key="tickets.pairs",
        title=f"Tickets compared on the same examples, {STATE_NAMES[name].lower()}",
    )
    st.markdown(in_words(paired))
    st.caption(paired_by_words(len(rows), len(by_seed)))
