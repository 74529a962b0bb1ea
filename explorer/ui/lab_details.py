"""Below the lab's grid: which examples flipped, phenomenon by phenomenon, and what pruning for real buys."""

from __future__ import annotations

import streamlit as st

from explorer.ui import cached, flips_panel, lab_panels, speed_panel
from explorer.ui.lab_score import Question, Standing

FLIPS, PHENOMENA, SPEED = "Examples that flipped", "By phenomenon", "Size and speed"


@st.fragment
def panel(question: Question, standing: Standing) -> None:
    """One of the three, as the person chooses; the choice stays when the mask changes."""
    names = {FLIPS: "Examples that moved most" if question.known.task.is_regression else FLIPS}
    if question.source.kind == cached.DIAGNOSTICS:
        names[PHENOMENA] = PHENOMENA
    names[SPEED] = SPEED
    chosen = st.segmented_control(
        "Details",
        list(names),
        default=FLIPS,
        format_func=names.__getitem__,
        key="lab.details",
        label_visibility="collapsed",
    )
    evaluator, answer = standing.evaluator, standing.answer
    if evaluator is None:
        return
    # Each of the four has a place of its own, so that the browser keeps nothing of one in another.
    places = [st.empty() for _ in range(4)]
    if chosen == SPEED:
        with places[0].container():
            speed_panel.show(question, evaluator)
    elif answer is None:
        places[1].caption("As soon as every example is scored.")
    elif chosen == PHENOMENA:
        of_mask, of_full = (evaluator.predictions(of) for of in (answer.evaluation, evaluator.full))
        with places[2].container():
            lab_panels.by_phenomenon(evaluator, of_mask, of_full)
    elif chosen == FLIPS:
        with places[3].container():
            flips_panel.show(evaluator.examples, answer.evaluation.logits, evaluator.full.logits)
