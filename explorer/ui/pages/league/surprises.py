"""Which random masks score otherwise than their parts add up to, and any of them in the lab."""

from __future__ import annotations

import streamlit as st

from explorer.errors import BadRequest
from explorer.figures.surprises import surprises_figure
from explorer.mask import Mask
from explorer.store.schema import Key, Run
from explorer.study.surprises import surprise_words
from explorer.ui import cached, link, state
from explorer.ui.pages.league.parts import UNLEARNT
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, sections

_FIGURE, _MARKED = "league.surprises", "league.surprises.marked"


def show(view: View, shape: tuple[int, int], *, learnt: bool) -> dict[str, str]:
    """Draws the surprise of every mask of the run's bank; nothing where there is no bank, or one that is too small.

    learnt: whether the full model beats its baseline; where not, nothing is claimed. Returns the part of the page's
    address that says which mask is marked.
    """
    run = view.run
    if not view.has(Key(run, "bank")):
        return {}
    try:
        found = cached.surprises(view, run, shape)
    except BadRequest:  # the bank, above, says how few they are
        return {}
    sections.heading("masks", "Which masks do not add up?")
    metric = view.task(run.task).metric_words
    st.markdown(exhibits.say(surprise_words(found, metric) if learnt else UNLEARNT, f"{_FIGURE}.words"))
    marked = _marked(run, found.masks)
    at = found.masks.index(marked) if marked else found.surest()
    figure = surprises_figure(found, metric=metric, marked=found.masks[at])
    title = f"Masks that do not add up, seed {run.seed}: {metric} minus the worth of what is on, added up"
    caption = (
        f"Each point is one of {len(found.value):,} random masks, scored exactly on {found.n:,} dev examples; what its "
        "parts add up to, at its keep rate, is fitted to the other masks. Coloured: beyond noise over examples and "
        "over the masks of that fit (5% false on average). Hollow: gives every example the same answer."
    )
    exhibits.points(figure, key=_FIGURE, title=title, caption=caption, data=found.table)
    told = {"marked": marked} if marked else {}
    lab = view.links.get("lab")
    if lab is None:
        return told
    words = f"Open the marked mask in the lab ({found.off[at]} off, {metric} {found.scores[at]:.3f})"
    if st.button(words, icon=":material/toggle_on:", key=f"{_FIGURE}.lab"):
        state.set_mask(run, Mask.from_code(found.masks[at], *shape))
        st.switch_page(lab)
    return told


def _marked(run: Run, masks: tuple[str, ...]) -> str:
    """The code of the point of this run that was clicked last, at first the link's; '' without one."""
    asked = link.one_of("marked", masks)
    if asked is not None:
        st.session_state[_MARKED] = run, asked
    told = exhibits.clicked(_FIGURE)
    if told:  # kept: the browser forgets what was selected once the figure has another ring
        st.session_state[_MARKED] = run, str(told[0])
    of, code = st.session_state.get(_MARKED, (run, ""))
    return str(code) if of == run and code in masks else ""
