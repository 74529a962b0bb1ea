"""Whether a constant that is learnt for the place of what is off keeps more of the score than nothing or its mean."""

from __future__ import annotations

import streamlit as st

from explorer.figures.stand_ins import stand_ins_figure
from explorer.store.schema import Key, Run
from explorer.study.stand_ins import StandInsCompared, caption, meaning, stand_ins_compared
from explorer.ui import cached
from explorer.ui.as_text import plain
from explorer.ui.view import View
from explorer.ui.widgets import degenerate, exhibits, make_here, provenance
from explorer.ui.widgets.words import minus

_KEY = "tickets.constants"


def show(view: View) -> None:
    """Draws the run's random masks under all three stand-ins, with its tickets as a table; says what is not made."""
    run, key = view.run, Key(view.run, "constants")
    shown = _compared(view, run)
    why, _ = cached.way_to(view, key)
    make = make_here.steps_to(view, key)
    if shown is None:
        if view.has(key):
            st.caption(f"The constants that were learnt are of another model or ticket than this run's: {make}")
        elif not why:
            st.caption(f"No constant was learnt for this run yet, to stand in for what is off: {make}")
        return
    metric, line = view.task().metric_words, cached.majority_baseline(view, run.model, run.task)
    words = exhibits.say(meaning(shown, metric, learnt=degenerate.has_learnt(view, run.task)), _KEY)
    st.markdown(words)
    title = f"Random masks of {run.task} with nothing, means and learned constants in the place of what is off"
    figure = stand_ins_figure(
        shown.masks,
        metric=metric,
        full=shown.known.full.score,
        majority=line.score if line else None,
        majority_title=line.title if line else "",
    )
    exhibits.plot(figure, key=_KEY, title=title, caption=caption(shown), data=lambda: shown.masks, alt=words)
    st.caption(plain(caption(shown)))
    title = f"The tickets of {run.task}, seed {run.seed}, under each, n = {shown.n:,}"
    exhibits.table(shown.tickets.map(minus), key=f"{_KEY}.tickets", title=title)
    provenance.made_with(view, [key])


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=cached.BY_BUNDLE)
def _compared(view: View, run: Run) -> StandInsCompared | None:
    """A run's masks under all three; None where no constants were learnt for its own model and ticket."""
    key, own = Key(run, "constants"), cached.tickets(view, run).get(run.seed)
    if own is None or not view.has(key) or not view.has(Key(run, "finetune")):
        return None
    if view.manifests.by_key[key].config["ticket"] != own.code:
        return None
    return stand_ins_compared(cached.artefact(view, key), cached.known(view, run))
