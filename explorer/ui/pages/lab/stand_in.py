"""The lab's choice of what stands in for a head or MLP that is off: nothing, its mean, or a learned constant."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.bert.stand_ins import LEARNED, MEAN, SAMPLE, ZERO
from explorer.errors import ExplorerError
from explorer.glue.sources import glue_dir_from_environment
from explorer.glue.tasks import Task
from explorer.live.model_on_data import Learned, StandsIn, Training
from explorer.store.bundle import CHECKPOINT
from explorer.store.own_tasks import place_of
from explorer.store.schema import Key, Run
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, cached_models, link, notices
from explorer.ui.as_text import plain
from explorer.ui.scoring import dev_data
from explorer.ui.view import View

PARAMETER = "instead"
"""The link's parameter; a link without it is one with nothing in the place of what is off."""
_KEY, _CHOSEN = "lab.instead", "lab.instead.chosen"
_LABEL = "Off ="
_NAMES = {ZERO: "nothing", MEAN: "its mean", LEARNED: "a constant"}
_IN_LINKS = {MEAN: "means", LEARNED: "learned constants"}
_HELP = (
    "What stands in for a head or MLP that is off. Nothing, as in the paper; or the mean of what it gives in the full "
    f"model, over all tokens of {SAMPLE:,} training examples; or a constant that was learnt from those examples, under "
    "random masks, to keep the model closest to the full one (Li and Janson 2024). Each is the same for every token. "
    "Scores under each are kept apart."
)


def read_link(view: View, known: KnownRun, source: dev_data.DataSource) -> None:
    """Takes over what the link says, once; where there can be no such thing, a notice says why it was left out."""
    asked = link.one_of(PARAMETER, _IN_LINKS)
    if asked is None:
        return
    found = _offered(view, known, source)[asked]
    if isinstance(found, str):
        notices.notice(f"The link's {_IN_LINKS[asked]} in the place of what is off were left out. {found}")
    else:
        st.session_state[_CHOSEN] = asked


def choose(view: View, known: KnownRun, source: dev_data.DataSource) -> StandsIn | None:
    """Draws the choice of what stands in for what is off; None for nothing.

    Where there is nothing to choose from, the choice is off and says why.
    """
    offered = _offered(view, known, source)
    there = {name: found for name, found in offered.items() if not isinstance(found, str)}
    why = "\n\n".join(found for found in offered.values() if isinstance(found, str))
    if not there:
        st.markdown(f":material/block: {_LABEL} {_NAMES[ZERO]}", help=plain(why), width="content")
        return None
    options, before = [ZERO, *there], st.session_state.get(_CHOSEN, ZERO)
    before = before if before in there else ZERO
    label, key = "What stands in for what is off", f"{_KEY}.{'.'.join(there)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
        st.markdown(_LABEL, help=f"{_HELP}\n\n{plain(why)}" if why else _HELP, width="content")
        chosen = st.selectbox(  # side by side they would take the tools a second row
            label,
            options,
            index=options.index(before),
            format_func=_NAMES.__getitem__,
            key=key,
            label_visibility="collapsed",
            width=125,
        )
    st.session_state[_CHOSEN] = chosen or ZERO
    return there.get(chosen or ZERO)


def in_url(instead: StandsIn | None) -> dict[str, str]:
    """The part of the page's address that says what stands in; {} for nothing."""
    return {} if instead is None else {PARAMETER: instead.kind}


def _offered(view: View, known: KnownRun, source: dev_data.DataSource) -> dict[str, StandsIn | str]:
    """What can stand in, by name; a sentence where it cannot."""
    return {MEAN: training_of(view, known, source), LEARNED: learned_of(view, known.run, source)}


def learned_of(view: View, run: Run, source: dev_data.DataSource) -> Learned | str:
    """Finds the constants that were learnt for a run's own model; else a sentence that says what there is to do."""
    finetuned, key = cached.artefact(view, Key(run, "finetune")).manifest, Key(run, "constants")
    if CHECKPOINT in finetuned.withheld or source.kind == cached_models.STORED:
        return "Learned constants are scored with the model: its checkpoint or the data are not here."
    made = cached.artefact(view, key).manifest if view.has(key) else None
    if made is None:
        return f"No constants were learnt for this run yet: {cached.way_to(view, key)[1]}"
    return Learned(view.root, run, made.created)


def training_of(view: View, known: KnownRun, source: dev_data.DataSource) -> Training | str:
    """Finds where the task's training examples lie, beside the dev set that is scored or in GLUE_DIR; else a sentence
    that says why no means can be taken."""
    task = known.task
    finetuned = cached.artefact(view, Key(known.run, "finetune")).manifest
    if CHECKPOINT in finetuned.withheld or source.kind == cached_models.STORED:
        return "Means are computed with the model: its checkpoint or the data are not here, so they cannot be chosen."
    file = finetuned.config.get("train_file")
    if task.own:
        if not task.train_rows or place_of(task) is None:
            return f"Means are taken over training examples, and {task.name} has none here, so they cannot be chosen."
        return Training(own=source.folder)
    if source.kind == cached_models.HUB:
        return Training()
    folder = source.folder if source.kind == cached_models.FOLDER else _glue_folder()
    name = str(file or task.train_file)
    if folder and _is_there(folder, task, name):
        return Training(folder=folder, file=None if file is None else str(file))
    where = f"{task.name}/{name}" if folder else f"GLUE's folder, {task.name}/{name} in it"
    return f"Means are taken over training examples: {where} is not on this machine, so they cannot be chosen."


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
