"""Page: switch heads and MLPs off and see the dev score for exactly that mask."""

from __future__ import annotations

import streamlit as st

from explorer.figures.overlays import dress
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, cached_models, notices, state
from explorer.ui.pages.lab import compare, details, history, mask_files, own_text, presets, score, stand_in
from explorer.ui.scoring import checkpoint_words, dev_data, opening, request
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, imported, overlay_picker, page_title
from explorer.ui.widgets.words import model_name

FILL = "loss"
"""What colours the cells until somebody chooses otherwise."""
_TOLD = "lab.ledger_told"
_GONE = "lab.gone"
"""Whether somebody has just tried to switch on a head that the model does not have."""
_STYLE = """<style>
[data-testid=stMainBlockContainer] { padding: 2.2rem 1.6rem 3rem; }
.st-key-lab-top h2 { font-size: 1.5rem; padding: 0; }
.st-key-lab-tools, .st-key-lab-top { row-gap: .4rem; }
.st-key-lab-tools button { min-height: 2.1rem; padding-block: .1rem; }
.st-key-lab-tools [data-testid=stSelectbox] :is([role=group], input) { height: 2.1rem; box-sizing: border-box; }
@media (max-width: 640px) {
  [data-testid=stMainBlockContainer] { padding: 6rem .5rem 3rem; } /* the pinned score is over it */
  .st-key-lab-tools { flex-wrap: nowrap !important; overflow-x: auto; scrollbar-width: none; }
  .st-key-lab-tools > * { flex: none !important; }
  .st-key-lab-tools > :has(> [data-testid=stSpace]) { display: none; } /* nothing to stretch in a row that scrolls */
}
</style>"""
"""The lab is one screen: little room around it."""


def page(view: View) -> None:
    """The grid with presets on the left; the score of what it shows on the right."""
    if imported.without_weights(view):
        imported.show(
            view,
            "What does the model score without these heads?",
            "The authors' files hold masks and scores, no weights: no other mask can be scored here.",
            "toggle_off",
        )
        return
    opening.choose_task(view)
    run = view.run
    known = cached.known(view, run)
    state.mask_of(run, known.shape)  # both read the link, and may have something to say of it
    compare.pinned(known)
    _, trouble = cached_models.ledger()
    if trouble and not st.session_state.setdefault(_TOLD, False):
        st.session_state[_TOLD] = True
        notices.notice(trouble)
    st.html(_STYLE)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="lab-top"):
        st.header(page_title.task_question(run.task), width="content", anchor=False)
        source = dev_data.choose_data(known.task)
    live = ""
    if source.kind != cached_models.STORED:
        data = cached_models.examples(known.task.name, source.kind, source.folder)
        live = state.scored_on(run, data.sha256, source.title(known.task))
    stand_in.read_link(view, known, source)
    notices.show()
    _lab(view, known, source, live)


@st.fragment
def _lab(view: View, known: KnownRun, source: dev_data.DataSource, live: str) -> None:
    with st.container(horizontal=True, gap="xsmall", key="lab-tools"):
        presets.presets_row(view, known)
        offered = overlay_picker.overlays_of(view, known)
        fill, ring = overlay_picker.choose(offered, "lab", fill=FILL)
        instead = stand_in.choose(view, known, source)
        st.space("stretch")  # so that what opens there lies over the score, and the grid stays in sight
        mask_files.load_mask(known)
    left, right = st.columns([2, 1], gap="medium")
    with left:
        _tell_of_lost_heads(known)
        mask = exhibits.grid(
            state.mask_of(known.run, known.shape).within(known.full.mask),
            title=f"The mask on {known.run.task}",
            caption=f"{model_name(known.run.model)} on {known.run.task}, seed {known.run.seed}. × = switched off.",
            revision=state.revision(known.run),
            key="lab.grid",
            **dress(offered.by_name, fill, ring, known.shape).arguments,
        )
    if mask != mask.within(known.full.mask):
        state.set_mask(known.run, mask.within(known.full.mask))
        st.session_state[_GONE] = True
        st.rerun(scope="fragment")
    state.adopt(known.run, mask)
    exhibits.about(known.run, mask)
    pinned = compare.pinned(known)
    more = overlay_picker.in_url(fill, ring, default=FILL) | pinned.in_url | details.in_url() | stand_in.in_url(instead)
    state.write_url(known.run, mask, live=live, **more)
    with right:
        withheld = dev_data.is_withheld(view, known.run) or source.kind == cached_models.STORED
        scored_on = dev_data.DataSource(cached_models.STORED) if withheld else source
        question = request.Question(view, known, scored_on, mask, instead)
        standing = None
        if withheld:
            score.stored_panel(question)
        else:
            standing = score.panel(question, stored_first=source.kind == cached_models.DIAGNOSTICS)
        with st.container():
            checkpoint_words.tell(question, standing.evaluator if standing else None)
    own_text.show(question, standing)
    history.record(question, standing)
    details.panel(question, standing)


def _tell_of_lost_heads(known: KnownRun) -> None:
    """Says that heads were cut out of the model before it came, which no click brings back."""
    lost = known.full.mask.heads.size - known.full.mask.heads_kept
    if not lost:
        return
    words = f"{lost} head{'s' * (lost > 1)} had been cut out of this model before it came here: off for good."
    if st.session_state.pop(_GONE, False):
        st.warning(f"{words} A click cannot switch them on.", icon=":material/content_cut:")
    else:
        st.caption(f":material/content_cut: {words}")
