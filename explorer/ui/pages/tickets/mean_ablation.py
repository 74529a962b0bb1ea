"""Whether the claims on tickets rest on what stands in for a head that is off: nothing, or its mean."""

from __future__ import annotations

import streamlit as st

from explorer.figures.mean_ablation import mean_ablation_figure
from explorer.figures.print.export import Exhibit
from explorer.store.schema import Key, Run
from explorer.study.mean_ablation import MeanAblation
from explorer.study.mean_ablation_words import caption, meaning, moved_rows, setting_rows, share_rows
from explorer.ui import cached
from explorer.ui.as_text import code, plain
from explorer.ui.view import View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.words import minus

_KEY = "tickets.means"


def show(view: View) -> None:
    """Draws zero against mean for every task that has it, with tables and a sentence; says what is not made yet."""
    st.subheader("Does it matter what stands in for a head that is off?", anchor=False)
    run = view.run
    tasks = list(dict.fromkeys(one.task for one in view.manifests if one.model == run.model))
    made = [of for task in tasks if (of := cached.mean_ablation(view, run.model, task)) is not None]
    if not made:
        command = view.bundle.command_for(Key(run, "mean-ablated"))
        st.caption(f"Nothing was scored yet with means in the place of what is off: {code(command)}")
        return
    made.sort(key=lambda of: of.task != run.task)  # the selected task first
    words = exhibits.say(minus(meaning(made)), _KEY)
    st.markdown(words)
    title = "Tickets with nothing, and with means, in the place of what is off"
    rows, note = share_rows(made), caption(made)
    figure = mean_ablation_figure(rows)
    exhibits.keep(_KEY, Exhibit(title, note, figure, rows))
    st.plotly_chart(figure, key=_KEY, config={"displayModeBar": False}, alt=f"{title}. {words}")
    st.caption(note)
    table = setting_rows(made)
    exhibits.table(table.map(_print), key=f"{_KEY}.table", title="Pruning and claims (a) and (b), by what stands in")
    with st.expander("The same tickets scored both ways, paired"):
        moved = moved_rows(made)
        exhibits.table(moved.round(3).map(_print), key=f"{_KEY}.moved", title="Means minus nothing in the same masks")
        st.caption(
            "Rank correlation (Spearman) of what each part alone costs, with nothing and with its mean in its place; "
            "mean over seeds. Its score moves by few examples a part, so ties are many."
        )
    for of in made:
        if not of.learnt:
            st.caption(plain(f"{of.task}: {of.claims[next(iter(of.claims))][0].because}"))
    _missing(view, made)


def _print(value: object) -> object:
    return minus(value) if isinstance(value, str) else value


def _missing(view: View, made: list[MeanAblation]) -> None:
    """The command for the selected run, where it is not among them."""
    run: Run = view.run
    if not any(of.task == run.task and run.seed in of.runs for of in made) and view.has(Key(run, "finetune")):
        st.caption(f"This run is not among them yet: {code(view.bundle.command_for(Key(run, 'mean-ablated')))}")
