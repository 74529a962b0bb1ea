"""Whether the claims on tickets rest on what stands in for a head that is off: nothing, or its mean."""

from __future__ import annotations

import streamlit as st

from explorer.figures.mean_ablation import mean_ablation_figure
from explorer.figures.print.export import Exhibit
from explorer.store.schema import Key, Run
from explorer.ui import cached
from explorer.ui.as_text import plain
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, make_here, provenance, sections
from explorer.ui.widgets.words import minus

_KEY = "tickets.means"


def show(view: View) -> None:
    """Draws zero against mean for every task that has it, with tables and a sentence; says what is not made yet."""
    sections.heading("means", "Does it matter what stands in for a head that is off?")
    run = view.run
    shown = cached.with_means(view, run.model, run.task)
    make = make_here.steps_to(view, Key(run, "mean-ablated"))
    if shown is None:
        st.caption(f"Nothing was scored yet with means in the place of what is off: {make}")
        return
    words = exhibits.say(minus(shown.words), _KEY)
    st.markdown(words)
    title = "Tickets with nothing, and with means, in the place of what is off"
    figure = mean_ablation_figure(shown.shares)
    exhibits.keep(_KEY, Exhibit(title, shown.caption, figure, shown.shares))
    st.plotly_chart(figure, key=_KEY, config={"displayModeBar": False}, alt=f"{title}. {words}")
    st.caption(shown.caption)
    settings = shown.settings.round(1).map(_print)
    exhibits.table(settings, key=f"{_KEY}.table", title="Pruning and claims (a) and (b), by what stands in")
    with st.expander("The same tickets scored both ways, paired"):
        moved = shown.moved.round(3).map(_print)
        exhibits.table(moved, key=f"{_KEY}.moved", title="Means minus nothing in the same masks")
        st.caption(
            "Rank correlation (Spearman) of what each part alone costs, with nothing and with its mean in its place; "
            "mean over seeds. A part alone turns few examples, so ties are many."
        )
    runs = sorted(shown.runs, key=lambda of: of != (run.task, run.seed))
    provenance.made_with(view, [Key(Run(run.model, *of), "mean-ablated") for of in runs])
    for sentence in shown.unlearnt:
        st.caption(plain(sentence))
    if (run.task, run.seed) not in shown.runs and view.has(Key(run, "finetune")):
        st.caption(f"This run is not among them yet: {make}")


def _print(value: object) -> object:
    return minus(value) if isinstance(value, str) else value
