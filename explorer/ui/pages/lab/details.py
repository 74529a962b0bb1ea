"""The details below the lab's grid: flips, one sentence, phenomena, masks so far, A against B, and what it buys."""

from __future__ import annotations

import streamlit as st

from explorer.ui import cached_models, link, state, visitor
from explorer.ui.pages.lab import compare, flips, history, microscope, speed
from explorer.ui.scoring import dev_data
from explorer.ui.scoring.request import Question, Standing
from explorer.ui.widgets.score_card import tells_of

FLIPS, SENTENCE, PHENOMENA, HISTORY, COMPARE, SPEED = "flips", "sentence", "phenomena", "history", "compare", "speed"
_NAMES = {
    FLIPS: "Examples that flipped",
    SENTENCE: "One sentence",
    PHENOMENA: "By phenomenon",
    HISTORY: "Masks so far",
    COMPARE: "A against B",
    SPEED: "Size and speed",
}
_STORED = (HISTORY, COMPARE)
"""What can be told of a run whose checkpoint is not here."""
_KEY, _SHOWN = "lab.details", "lab.details.shown"
_PARAMETER = "show"
_TOLD = "lab-details-told"


def in_url() -> dict[str, str]:
    """The part of the page's address that says which detail is shown."""
    shown = _shown()
    more = microscope.in_url() if shown == SENTENCE else {}
    return ({_PARAMETER: shown} if shown != FLIPS else {}) | more


@st.fragment
def panel(question: Question, standing: Standing | None) -> None:
    """Draws the chosen detail; the choice stays when the mask changes. standing: None without a model."""
    if state.mask_of(question.known.run, question.known.shape) != question.mask:
        st.rerun()  # set from in here: the grid above must show it
    names = _names(question, standing)
    shown = _shown() if _shown() in names else next(iter(names))
    chosen = st.segmented_control(
        "Details",
        list(names),
        default=shown,
        format_func=names.__getitem__,
        key=(choice := f"{_KEY}.{'.'.join(names)}"),
        label_visibility="collapsed",
    )
    if chosen is not None:
        st.session_state[_SHOWN] = chosen
        link.amend(**{_PARAMETER: "", microscope.PARAMETER: ""} | in_url())

    def look(number: int) -> None:
        microscope.look_at(number)
        st.session_state[choice] = st.session_state[_SHOWN] = SENTENCE

    # Each has a place of its own, so that the browser keeps nothing of one in another.
    with st.container(key=_TOLD):
        places = {name: st.empty() for name in (*_NAMES, "later")}
    if chosen != SPEED:
        tells_of(question.mask.code, place=_TOLD, key="lab.details.told")
    if chosen in (HISTORY, COMPARE):
        with places[chosen].container():
            (history if chosen == HISTORY else compare).show(question, standing)
    if standing is None or standing.evaluator is None:
        return
    evaluator, answer = standing.evaluator, standing.answer
    if chosen == SPEED:
        with places[SPEED].container():
            speed.show(question, evaluator)
    elif chosen not in (FLIPS, SENTENCE, PHENOMENA):
        return
    elif answer is None:
        places["later"].caption("As soon as every example is scored.")
    elif chosen == SENTENCE:
        with places[SENTENCE].container():
            microscope.show(question, evaluator, answer.evaluation)
    elif chosen == PHENOMENA:
        of_mask, of_full = (evaluator.predictions(of) for of in (answer.evaluation, evaluator.full))
        with places[PHENOMENA].container():
            dev_data.by_phenomenon(evaluator, of_mask, of_full)
    elif chosen == FLIPS:
        with places[FLIPS].container():
            flips.show(
                evaluator.examples,
                answer.evaluation.logits,
                evaluator.full.logits,
                code=question.mask.code,
                on_look=look,
            )


def _names(question: Question, standing: Standing | None) -> dict[str, str]:
    names = dict(_NAMES)
    if question.known.task.is_regression:
        names[FLIPS] = "Examples that moved most"
    if question.source.kind == cached_models.OWN and not visitor.served_on_localhost():
        del names[FLIPS]  # a person's own sentences are shown on their own machine
    if question.source.kind != cached_models.DIAGNOSTICS:
        del names[PHENOMENA]
    return {name: names[name] for name in _STORED} if standing is None else names


def _shown() -> str:
    shown: str | None = st.session_state.get(_SHOWN) or link.one_of(_PARAMETER, _NAMES)
    if shown not in _NAMES:
        shown = FLIPS
    st.session_state[_SHOWN] = shown
    return shown
