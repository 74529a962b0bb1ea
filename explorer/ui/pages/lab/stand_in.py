"""The lab's choice of what stands in for a head or MLP that is off: nothing, as in the paper, or its mean."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.bert.stand_ins import MEAN, SAMPLE, ZERO
from explorer.errors import ExplorerError
from explorer.glue.sources import glue_dir_from_environment
from explorer.glue.tasks import Task
from explorer.live.model_on_data import Training
from explorer.store.bundle import CHECKPOINT
from explorer.store.own_tasks import place_of
from explorer.store.schema import Key
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, cached_models, state
from explorer.ui.as_text import plain
from explorer.ui.scoring import dev_data
from explorer.ui.view import View

PARAMETER = "instead"
"""The link's parameter; a link without it is one with nothing in the place of what is off."""
_KEY, _CHOSEN = "lab.instead", "lab.instead.chosen"
_NAMES = {ZERO: "Off: nothing", MEAN: "Off: its mean"}
_HELP = (
    "What stands in for a head or MLP that is off. Nothing, as in the paper; or the mean of what it gives in the full "
    f"model, over all tokens of {SAMPLE:,} training examples (Li and Janson 2024), the same for every token. Scores "
    "under both are kept apart."
)


def read_link(view: View, known: KnownRun, source: dev_data.DataSource) -> None:
    """Takes over what the link says, once; where there can be no means, a notice says why they were left out."""
    if state.asked(PARAMETER) != MEAN:
        return
    place = training_of(view, known, source)
    if isinstance(place, str):
        state.notice(f"The link's means in the place of what is off were left out. {place}")
    else:
        st.session_state[_CHOSEN] = MEAN


def choose(view: View, known: KnownRun, source: dev_data.DataSource) -> Training | None:
    """Draws the choice; where the examples lie that means are taken over, None for nothing in the place of what is off.

    Where there are no training examples, or no checkpoint, the choice is off and says why.
    """
    place = training_of(view, known, source)
    if isinstance(place, str):
        st.markdown(f":material/block: {_NAMES[ZERO]}", help=plain(place), width="content")
        return None
    chosen = st.segmented_control(
        "What stands in for what is off",
        list(_NAMES),
        default=st.session_state.get(_CHOSEN, ZERO),
        format_func=_NAMES.__getitem__,
        key=_KEY,
        required=True,
        label_visibility="collapsed",
        help=_HELP,
        width="content",
    )
    st.session_state[_CHOSEN] = chosen or ZERO
    return place if chosen == MEAN else None


def in_url(means: Training | None) -> dict[str, str]:
    """The part of the page's address that says what stands in; {} for nothing."""
    return {PARAMETER: MEAN} if means is not None else {}


def training_of(view: View, known: KnownRun, source: dev_data.DataSource) -> Training | str:
    """Finds where the task's training examples lie, beside the dev set that is scored or in GLUE_DIR; else a sentence
    that says why no means can be taken."""
    task = known.task
    finetuned = cached.artefact(view, Key(known.run, "finetune")).manifest
    if CHECKPOINT in finetuned.withheld or source.kind == cached_models.STORED:
        return "Means are computed with the model: its checkpoint or the data are not here, so the choice is off."
    file = finetuned.config.get("train_file")
    if task.own:
        if not task.train_rows or place_of(task) is None:
            return f"Means are taken over training examples, and {task.name} has none here, so the choice is off."
        return Training(own=source.folder)
    if source.kind == cached_models.HUB:
        return Training()
    folder = source.folder if source.kind == cached_models.FOLDER else _glue_folder()
    name = str(file or task.train_file)
    if folder and _is_there(folder, task, name):
        return Training(folder=folder, file=None if file is None else str(file))
    where = f"{task.name}/{name}" if folder else f"GLUE's folder, {task.name}/{name} in it"
    return f"Means are taken over training examples: {where} is not on this machine, so the choice is off."


def _glue_folder() -> str:
    try:
        return str(glue_dir_from_environment() or "")
    except ExplorerError:
        return ""


def _is_there(folder: str, task: Task, name: str) -> bool:
    try:
        return (Path(folder) / task.name / name).is_file()
    except OSError:
        return False
