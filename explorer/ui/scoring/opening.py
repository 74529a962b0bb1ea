"""The task that lab and game open on where nobody chose one: one whose full model beats its baseline here."""

from __future__ import annotations

import streamlit as st

from explorer.errors import ExplorerError
from explorer.glue.tasks import TASKS
from explorer.store.bundle import CHECKPOINT
from explorer.store.schema import Run
from explorer.ui import state
from explorer.ui.scoring import dev_data
from explorer.ui.view import View, runs_of

WITHOUT_GLUE = ("SST-2",)
"""Tasks on whose diagnostics the shipped models measurably beat the majority class; a test scores them."""


def choose_task(view: View) -> None:
    """Selects another task, and reruns, where GLUE is not here and nobody chose the one that is selected."""
    if state.task_was_chosen() or _has_glue(view):
        return
    for task in WITHOUT_GLUE:
        found = _live_run(view, task)
        if found is not None and task != view.run.task:
            state.choose(found)
            st.rerun()


def _has_glue(view: View) -> bool:
    if view.run.task not in TASKS:
        return True  # an own task is shown as it is: its stored scores where its data are elsewhere
    try:
        return dev_data.glue_source(view.task()) is not None
    except ExplorerError:  # the page says what is wrong with it
        return True


def _live_run(view: View, task: str) -> Run | None:
    """The task's first run of the selected model whose checkpoint is in the bundle."""
    live = {m.key.run for m in view.manifests if m.stage == "finetune" and CHECKPOINT in m.files}
    model = view.run.model
    return next(
        (run for run in runs_of(view.manifests) if run in live and (run.model, run.task) == (model, task)), None
    )
