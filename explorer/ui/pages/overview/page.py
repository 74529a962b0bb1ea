"""Page: a model that loses its heads under a slider, then the paper's four claims, each opening to its figure."""

from __future__ import annotations

import html
from dataclasses import replace

import streamlit as st

from explorer.figures.palette import PRUNED, QUIET, RETRAINED
from explorer.study.claim_words import introduction
from explorer.ui import cached, notices, state
from explorer.ui.pages.overview import claims, moving, since
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, glossary, page_title
from explorer.ui.widgets.words import model_name


def page(view: View) -> None:
    """The hero of the selected task, the claims for it, then their verdicts over all tasks of the bundle."""
    run = view.run
    page_title.show(run.task, "How much of this model can you switch off?")
    exhibits.pool()
    notices.show()
    state.write_url(run, None)
    sheet = cached.claim_sheet(view, run.model, run.task)
    imported = any((m.stage, m.key.run) == ("published-masks", run) for m in view.manifests)
    if imported:  # the published numbers are its own: nothing stands beside them
        sheet = replace(sheet, theirs={}, published_effects={})
    moving.show(view, learnt=sheet.learnt)
    text = introduction(run.model, run.task, len(view.runs), sheet, imported)
    exhibits.say(glossary.plain(text))
    tour, words = st.columns([1, 4], vertical_alignment="center", gap="medium")
    with words:
        glossary.write(text)
    stage = view.links.get("stage")
    if stage is not None and tour.button(
        "Start the tour", type="primary", icon=":material/slideshow:", key="overview.tour"
    ):
        st.session_state[state.TOUR] = True
        st.switch_page(stage)
    st.subheader("Do the paper’s four claims hold here?")
    claims.show(view, sheet, view.task().metric_words, _key(run.model, imported))
    since.show(view, learnt=sheet.learnt)
    claims.all_tasks(view)


def _key(model: str, imported: bool) -> str:
    """What the marks in the figures mean."""
    seed = (f"<i style='color:{PRUNED}'>●</i> <i style='color:{RETRAINED}'>●</i>", "a seed: pruned, retrained")
    mean = (f"<i style='color:{PRUNED};font-weight:900'>|</i>", "mean of 5 seeds" if imported else "their mean")
    theirs = (f"<i style='color:{QUIET}'>◇</i>", "BERT-base as published, mean ± sd of 5 seeds")
    baseline = (f"<i style='color:{QUIET}'>┆</i>", "what always the same answer scores")
    marks = [mean, baseline] if imported else [seed, mean, theirs, baseline]
    spans = "".join(f"<span>{mark} {html.escape(words)}</span>" for mark, words in marks)
    return f"<div class='claim-key'><strong>{html.escape(model_name(model))}</strong>{spans}</div>"
