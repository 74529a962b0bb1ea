"""A sentence or a pair that a person types, and what the model answers under the mask on the grid.

What is typed stays in the session's memory: no cache, no file and no link holds it.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from explorer.arrays import Float32Array
from explorer.errors import ExplorerError
from explorer.glue.tasks import Task
from explorer.ui import cached_models
from explorer.ui.scoring.request import Question, Standing
from explorer.ui.widgets import plain_text
from explorer.ui.widgets.answers import typed_answer

_LONGEST = 1000
"""Characters of each text."""
_FIELDS = ("lab.own.first", "lab.own.second")
_HIGHEST = 5.0
"""Largest of STS-B's values."""


def show(question: Question, standing: Standing | None) -> None:
    """Draws the field or fields, and below them the answer, as soon as the model is loaded."""
    if standing is None:
        return
    task = question.known.task
    names = _names(task)
    with st.container(key="lab-own-text"):
        columns = st.columns(len(names), gap="small")
        texts = [
            column.text_input(
                name, key=f"{field}.{task.name}", max_chars=_LONGEST, placeholder=name, label_visibility="collapsed"
            )
            for column, name, field in zip(columns, names, _FIELDS, strict=False)
        ]
        if not all(text.strip() for text in texts):
            return
        if question.instead is not None:
            st.caption(
                "With something in the place of what is off, what you type is answered under *One sentence* below."
            )
            return
        if standing.evaluator is None:
            st.caption("As soon as the model is loaded.")
            return
        _answer(question, tuple(texts))


def typed(task: Task) -> tuple[str, ...]:
    """What stands in the field or fields; () unless there is something in each."""
    texts = tuple(
        str(st.session_state.get(f"{field}.{task.name}", "")) for _, field in zip(_names(task), _FIELDS, strict=False)
    )
    return texts if all(text.strip() for text in texts) else ()


def _answer(question: Question, texts: tuple[str, ...]) -> None:
    view, run, task = question.view, question.known.run, question.known.task
    try:
        logits, notes = cached_models.logits_of_text(view, run, texts, question.mask)
    except ExplorerError as error:
        plain_text.failed(error)
        return
    names, ends = task.label_names, (0.0, _HIGHEST)
    if task.is_regression:
        labels = question.known.labels
        ends = (float(labels.min()), float(labels.max())) if task.own else ends
        names = (f"{ends[0]:g} to {ends[1]:g}",)
    now, full = (_shares(task, of, ends) for of in logits)
    said = " ".join(("Blue mark: the full model. What you type is not kept.", *notes))
    bars = [(name, float(a), float(b)) for name, a, b in zip(names, now, full, strict=True)]
    typed_answer(question.mask.code, bars, said, key="lab.own.answer")


def _shares(task: Task, logits: Float32Array, ends: tuple[float, float]) -> Float32Array:
    """(k,): the probability that the model gives each class; for a value, how far it is from the lower of the ends."""
    if task.is_regression:
        return np.clip((logits[:1] - ends[0]) / (ends[1] - ends[0]), 0, 1)
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum(), np.float32)


def _names(task: Task) -> tuple[str, ...]:
    if len(task.columns) == 1:
        return ("Try a sentence of your own",)
    return "Try a pair of your own: the first text", "the second text"
