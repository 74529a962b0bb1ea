"""What is worth knowing of the checkpoint that a page scores: its class order, its oddities, a score below guessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from explorer.bert.class_order import below_baseline, own_order
from explorer.study.majority_baseline import majority_score
from explorer.ui import cached_models
from explorer.ui.widgets import plain_text

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData
    from explorer.ui.scoring.request import Question


def tell(question: Question, evaluator: ModelOnData | None) -> None:
    """Draws those sentences, where there are any; nothing while the model is being loaded."""
    if evaluator is None:
        return
    notes, doubt = sentences(question, evaluator)
    for note in notes:
        st.caption(plain_text.plain(note))
    if doubt:
        st.warning(plain_text.plain(doubt), icon=":material/help:")


def sentences(question: Question, evaluator: ModelOnData) -> tuple[tuple[str, ...], str]:
    """Collects what was noted when the model was loaded, and a doubt where it scores below the baseline, or ''.

    The diagnostics are no measure of the task: on them nothing is doubted.
    """
    task = question.known.task
    order = evaluator.classes or own_order(task)
    notes = tuple(note for note in (order.sentence, *evaluator.notes) if note)
    if question.source.kind == cached_models.DIAGNOSTICS:
        return notes, ""
    doubt = below_baseline(order, task, evaluator.full.score, majority_score(task.metric, evaluator.labels))
    return notes, doubt
