"""The title of a page that is about one task: what the task asks, and below it what the page asks of the model."""

from __future__ import annotations

import streamlit as st

from explorer.ui.widgets import glossary
from explorer.ui.widgets.words import OWN_QUESTION, QUESTIONS

_STYLE = """<style>
.page-asks { font-size: 1.25rem; line-height: 1.35; margin: -.75rem 0 .5rem; color: inherit; opacity: .85; }
[data-testid=stHeading] h2 { padding-top: .25rem; font-size: clamp(1.5rem, 1.1rem + 1.2vw, 2.125rem); }
[class*=st-key-section-] { scroll-margin-top: 1rem; }
@media (max-width: 640px) { [class*=st-key-section-] { scroll-margin-top: 4.5rem; } } /* the app's bar is over it */
/* The way to a section takes no room. */
:is(.st-key-sections-way, :has(> .st-key-sections-way)) { position: absolute; height: 0; min-height: 0; }
/* Where nothing hovers, a table's tools stand over the line above it for good; Export has what they give. */
@media (hover: none) { [data-testid=stElementToolbar] { display: none; } }
</style>"""


def task_question(task: str) -> str:
    """'MRPC: do these two sentences say the same?'."""
    return f"{task}: {QUESTIONS.get(task, OWN_QUESTION)}"


def show(task: str, asks: str) -> None:
    """Shows the title; task: '' where the page is over all tasks. asks: the question that the page answers, in which
    terms may be marked."""
    st.html(_STYLE)
    st.header(task_question(task) if task else "All tasks", anchor=False)
    st.markdown(f'<p class="page-asks">{glossary.rich(asks)}</p>', unsafe_allow_html=True)
