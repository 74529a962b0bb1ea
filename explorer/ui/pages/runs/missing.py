"""What a run lacks: what can be computed here with its time, the commands, and what can never be made."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.glue.tasks import TASKS
from explorer.store.coverage import Part, commands
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.study.fitting import sorted_out
from explorer.ui import visitor
from explorer.ui.view import View
from explorer.ui.widgets import make_here
from explorer.ui.widgets.plain_text import plain


def show(view: View, run: Run, lacking: Sequence[Part]) -> None:
    """Says what cannot be made of a run, and offers the rest: a button where that can be here, and commands."""
    makeable, never = sorted_out(view.bundle, [part.key for part in lacking])
    for why, keys in never.items():
        st.markdown(f"Cannot be made: {plain(', '.join(map(name_of, keys)))}, as {plain(why)}.")
    if not makeable:
        return
    lacking = [part for part in lacking if part.key in makeable]
    st.markdown(f"Missing: {', '.join(map(name_of, makeable))}.")
    _compute(view, run, makeable)
    if run.seed != ALL_SEEDS:
        needs = "It needs GLUE." if run.task in TASKS else f"It needs the data of {plain(run.task)}."
        st.caption("One command makes all of it; stopped, it goes on where it was. " + needs)
        st.code(view.bundle.study_command_for(run), language="bash")
    with st.expander("Or one by one"):
        where = visitor.on_command_line(view.root)
        st.code("\n".join(commands(lacking, where, view.bundle.source_of(run))), language="bash")


def _compute(view: View, run: Run, makeable: Sequence[Key]) -> None:
    """Draws the choice of what to compute here, each with the time it may take; for the selected run alone."""
    if run != view.run or not (here := make_here.makeable(view, makeable)):
        return
    names = {name_of(key): key for key in here}
    times = {name: told.words() for name, key in names.items() if (told := make_here.estimate(view, [key]))}
    chosen = st.multiselect(
        "Compute here, in the background",
        list(names),
        default=list(names),
        format_func=lambda name: f"{name}, {times[name]}" if name in times else name,
        key=f"runs.compute.{run.path}",
    )
    make_here.offer(view, [names[name] for name in chosen], "runs")


def name_of(key: Key) -> str:
    """An artefact as this page calls it: its stage and its variant."""
    return f"{key.stage} {key.variant}".strip()
