"""One sentence under the microscope, below the lab's grid: what each switch does to its answer, and what turns it.

An example of the dev set, named by its place, or what a person typed, which stays in the session's memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from explorer.figures.overlays import dress
from explorer.figures.sentence import sentence_overlay, sentence_table, switch_words, turning_marks
from explorer.figures.signed import signed
from explorer.live.microscope import Look, LookClosely
from explorer.live.worker import Done, Dropped, Failed, Running
from explorer.tickets.microscope import AT_MOST, Closeup, Turn
from explorer.ui import link, state
from explorer.ui.as_text import plain
from explorer.ui.pages.lab import flips, own_text
from explorer.ui.scoring.background import Background
from explorer.ui.scoring.request import Question
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.words import minus

if TYPE_CHECKING:
    from explorer.live.evaluation import Evaluation
    from explorer.live.model_on_data import ModelOnData

_EXAMPLE, _FIELD, _TYPED = "lab.microscope.example", "lab.microscope.number", "lab.microscope.typed"
PARAMETER = "example"
"""The link's parameter that names the example, from 1."""
_NAME = "one_sentence"
_MOST = 10**8
"""No data set has as many examples: a link that asks for more asks for no example."""
_STRONGEST = 3
"""Switches that are named on each side."""


def look_at(number: int) -> None:
    """Makes an example the one under the microscope; number: its place in the dev set, from 1."""
    st.session_state[_EXAMPLE] = st.session_state[_FIELD] = number
    st.session_state[_TYPED] = False


def in_url() -> dict[str, str]:
    """The part of the page's address that says which example is looked at; a typed text is never in it."""
    if _EXAMPLE not in st.session_state:
        asked = link.number(PARAMETER, 1, _MOST)
        if asked is not None:
            st.session_state[_EXAMPLE] = asked
    return {PARAMETER: str(st.session_state[_EXAMPLE])} if _EXAMPLE in st.session_state else {}


def show(question: Question, evaluator: ModelOnData, evaluation: Evaluation) -> None:
    """Draws the choice of a sentence, its card, the grid with what each switch does, and the fewest switches."""
    texts = own_text.typed(question.known.task)
    number = _chosen(evaluator, evaluation, typed=bool(texts))
    target = (None, texts) if number is None else (number - 1, ())
    if number is not None:
        link.amend(**in_url())
        flips.one(evaluator.examples, number - 1, evaluation.logits, evaluator.full.logits, question.mask.code)
    model = (evaluator.checkpoint_sha256, evaluator.examples.sha256, evaluator.engine_version)
    identity = (model, question.mask.code, target)
    looking: Background[Look] = Background(_NAME, identity)
    if looking.to_start and (trouble := looking.start(LookClosely(evaluator, question.mask, *target))):
        st.caption(plain(trouble))
        return
    looking.follow(lambda news: _draw(question, news), every=0.3)


def _chosen(evaluator: ModelOnData, evaluation: Evaluation, *, typed: bool) -> int | None:
    """The place of the example that is looked at, from 1; None for what is typed."""
    n = len(evaluator.examples)
    if _EXAMPLE not in st.session_state:
        st.session_state[_EXAMPLE] = _first(evaluator, evaluation)
    st.session_state[_EXAMPLE] = min(max(int(st.session_state[_EXAMPLE]), 1), n)
    st.session_state[_FIELD] = st.session_state[_EXAMPLE]
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        number = st.number_input(f"Example, of {n:,}", 1, n, key=_FIELD, width=180)
        mine = typed and st.toggle("What you typed above instead", key=_TYPED)
    st.session_state[_EXAMPLE] = int(number)
    return None if mine else int(number)


def _first(evaluator: ModelOnData, evaluation: Evaluation) -> int:
    return flips.farthest(evaluator.examples, evaluation.logits, evaluator.full.logits) + 1


def _draw(question: Question, news: Any) -> None:
    if isinstance(news, Failed):
        st.error(plain(str(news.error)), icon=":material/error:")
    elif isinstance(news, Dropped):
        st.caption("The look was given up; choose the example again.")
    elif isinstance(news, Done | Running):
        _seen(question, news.result if isinstance(news, Done) else news.news)
    else:
        st.caption("Every head and MLP is being switched …")


def _seen(question: Question, look: Look) -> None:
    of, task = look.closeup, question.known.task
    answers = () if task.is_regression else task.label_names
    overlay = sentence_overlay(of, answers)
    marks = turning_marks(of, look.turn) if look.turn else None
    left, right = st.columns([2, 1], gap="medium")
    with left:
        exhibits.grid(
            of.mask,
            key="lab.microscope.grid",
            title="One sentence: what each switch does to its answer",
            caption="Change of the margin, in logits, when this head or MLP alone is switched on top of the mask. "
            "× = switched off already, so that switching it puts it on again.",
            revision=f"microscope-{of.mask.code}",
            marks=marks,
            disabled=True,
            **dress({"sentence": overlay}, "sentence", "", of.mask.heads.shape).arguments,
        )
    with right:
        st.markdown(_answer_words(of, answers))
        st.markdown(_strongest(of))
        if not task.is_regression:
            _turn(question, look.turn)
        st.caption(_MEANING if not task.is_regression else _MEANING_OF_VALUE)
        for note in look.notes:
            st.caption(plain(note))


_MEANING = (
    "Margin: the answer's logit minus the best other one's, in fp32. Switching an orange one moves the model away from "
    "its answer, a blue one towards it: an orange part that is on carries the answer, a blue one holds it back. "
    "That is so for this sentence under this mask; what a part does for the whole dev set is the score above. "
    "Switches do not add up."
)
_MEANING_OF_VALUE = (
    "The value that the model gives, from 0 to 5, in fp32. Switching a blue one raises it, an orange one lowers it. "
    "That is so for this pair under this mask, and switches do not add up."
)


def _answer_words(of: Closeup, answers: tuple[str, ...]) -> str:
    if of.answer is None:
        return minus(f"The model says **{of.margin:.2f}**.")
    single = f"**{of.turning}** single switches turn it." if of.turning else "No single switch turns it."
    single = "**One** single switch turns it." if of.turning == 1 else single
    return f"The model answers **{answers[of.answer]}**, by a margin of **{of.margin:.2f}**. {single}"


def _strongest(of: Closeup) -> str:
    table = sentence_table(of).sort_values("change")
    down, up = table[table["change"] < 0].head(_STRONGEST), table[table["change"] > 0].tail(_STRONGEST)[::-1]
    lines = []
    for words, rows in (("Moves it down", down), ("Moves it up", up)):
        named = [
            f"{row['layer_from_0'] + 1}.{'MLP' if row['part'] == 'MLP' else row['head_from_0'] + 1} "
            f"{'off' if row['kept'] else 'on again'} ({signed(row['change'], 2)})"
            for row in rows.to_dict("records")
        ]
        if named:
            lines.append(f"{words} most: {', '.join(named)}.")
    return " ".join(lines)


def _turn(question: Question, turn: Turn | None) -> None:
    if turn is None:
        st.caption("What turns the answer is being searched for …")
        return
    many = len(turn.switches)
    if not turn.turned:
        why = f"within {AT_MOST} switches" if many >= AT_MOST else f"after {many}, none lowers the margin any further"
        st.markdown(f"**Fewest switches that turn it:** a greedy search finds none: {why}.")
        return
    sure = (
        "no single one does, so that is the least there can be"
        if turn.fewest
        else "others together may need fewer, since each was the one that lowered the margin most"
    )
    listed = "\n".join(
        f"{place}. {switch_words(switch)}: margin {signed(margin, 2)}"
        for place, (switch, margin) in enumerate(zip(turn.switches, turn.margins, strict=True), 1)
    )
    head = "**One switch turns it:**" if many == 1 else f"**{many} switches turn it**, found greedily; {sure}."
    st.markdown(f"{head}\n\n{listed}")
    st.button(
        "Put these on the grid",
        icon=":material/toggle_off:",
        key="lab.microscope.apply",
        on_click=state.set_mask,
        args=(question.known.run, turn.mask),
    )
