"""The data that a mask is scored on, what the bundle already knows of it, and its score phenomenon by phenomenon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.glue.diagnostics import PARTS, Diagnostic, diagnostic_for
from explorer.glue.metrics import metric
from explorer.glue.own_rows import Place
from explorer.glue.sources import HUB_DATASET, HUB_MEGABYTES, glue_dir_from_environment, hub_host
from explorer.glue.tasks import METRIC_WORDS, Task
from explorer.paths import expanded
from explorer.store.bundle import CHECKPOINT
from explorer.store.own_tasks import examples_at, remember_place
from explorer.store.schema import Key, Run
from explorer.ui import cached, cached_models, visitor
from explorer.ui.as_text import code
from explorer.ui.view import View
from explorer.ui.widgets import plain_text

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData

_FETCHED = "lab.glue"
"""Where this session found GLUE: task -> DataSource."""
_PART_LABELS = {"plain": "Plain", "hard": "Hard", "all": "All"}


@dataclass(frozen=True)
class DataSource:
    """A source of dev examples."""

    kind: str
    """cached_models.DIAGNOSTICS, FOLDER, HUB, OWN or STORED."""
    folder: str = ""
    """Path of the folder, or name of the part of the diagnostics, '' for all of them; of an own task, the bundle."""

    @property
    def part_words(self) -> str:
        """The part of the diagnostics that a score on these is on: 'plain part', 'all parts'; '' for other sources."""
        if self.kind != cached_models.DIAGNOSTICS:
            return ""
        return f"{self.folder} part" if self.folder in ("plain", "hard") else "all parts"

    def title(self, task: Task) -> str:
        """The name of the data on screen."""
        if self.kind == cached_models.DIAGNOSTICS:
            diagnostic = diagnostic_for(task)
            return f"the {diagnostic.name} diagnostics" if diagnostic else "the diagnostics"
        return f"{task.name} dev" if self.is_official(task) else f"your own {task.name} dev"

    def is_official(self, task: Task) -> bool:
        """Whether these are GLUE's own examples as far as their number tells; True where none are read."""
        if self.kind != cached_models.FOLDER or not self.folder:
            return True
        return cached_models.examples(task.name, self.kind, self.folder).is_official


def choose_data(task: Task) -> DataSource:
    """GLUE's dev set where it is on the machine, else the diagnostics, with an offer to fetch GLUE; of an own task, its
    data where they are on the machine, else none: stored scores alone, and a sentence that says so."""
    if task.own:
        return _own_data(task)
    try:
        glue = glue_source(task)
    except ExplorerError as error:
        st.warning(f"GLUE_DIR is set, but: {plain_text.plain(str(error))}", icon=":material/folder_off:")
        glue = None
    diagnostic = diagnostic_for(task)
    if glue is None:
        _offer_glue(task)
        if diagnostic is None:
            st.info(f"There is nothing to score {task.name} on without GLUE.", icon=":material/database:")
            st.stop()
        return _diagnostics(task, diagnostic)
    official = glue.is_official(task)
    if not official:
        told = cached_models.examples(task.name, glue.kind, glue.folder).source
        st.info(f"Scores below are on {plain_text.plain(told)}.", icon=":material/database:")
    if diagnostic is None:
        return glue
    names = {
        f"GLUE {task.name} dev" if official else f"Your own {task.name} dev": glue,
        diagnostic.title: None,
    }
    chosen = st.segmented_control(
        "Score on",
        list(names),
        default=next(iter(names)),
        key=f"lab.data.{task.name}",
        label_visibility="collapsed",
        width="content",
    )
    return _diagnostics(task, diagnostic) if chosen == diagnostic.title else glue


def _own_source(task: Task) -> DataSource:
    """The data that an own task was made from, where they lie on this machine. Raises BadData or BadBundle."""
    source = DataSource(cached_models.OWN, str(cached.bundle_root()))
    cached_models.examples(task.name, source.kind, source.folder)
    return source


def _own_data(task: Task) -> DataSource:
    try:
        return _own_source(task)
    except ExplorerError as error:
        local = visitor.served_on_localhost()
        why = f" {plain_text.plain(str(error))}" if local else ""
        st.info(
            f"The data of {task.name} are not at hand on the machine that runs this app: stored scores only.{why}"
            + (" Where they lie now can be named below, for live scores." if local else ""),
            icon=":material/database_off:",
        )
        if local:
            _ask_for_own(task)
    return DataSource(cached_models.STORED)


def _ask_for_own(task: Task) -> None:
    """Asks a visitor of this machine where the data lie; they are taken where they are the very same."""
    assert task.own is not None
    two = task.train_rows > 0 and task.own.dev_share is None
    with st.popover("Where they lie", icon=":material/folder_open:"), st.form(f"lab.own.{task.name}", border=False):
        data = st.text_input("Training examples" if two else "File", placeholder="/path/to/data.csv", max_chars=500)
        dev = st.text_input("Dev set", placeholder="/path/to/dev.csv", max_chars=500) if two else ""
        asked = st.form_submit_button("Use them")
    if not asked or not data.strip():
        return
    place = Place(data.strip(), dev.strip())
    try:
        examples_at(task, place, "dev")
    except ExplorerError as error:
        plain_text.failed(error)
        return
    remember_place(task, place)
    st.rerun()


def _diagnostics(task: Task, diagnostic: Diagnostic) -> DataSource:
    """The part of the diagnostics that is chosen: the plain one, until another is."""
    with st.container(width="content"):
        part = st.segmented_control(
            "Part of the sentences",
            PARTS,
            default=PARTS[0],
            key=f"lab.part.{task.name}",
            format_func=lambda part: _PART_LABELS[part],
            help=f"Plain: {_listed(diagnostic, plain=True)}. Hard: {_listed(diagnostic, plain=False)}.",
            label_visibility="collapsed",
            width="content",
        )
    return DataSource(cached_models.DIAGNOSTICS, part or PARTS[0])


def _listed(diagnostic: Diagnostic, *, plain: bool) -> str:
    return ", ".join(name for name in diagnostic.phenomena if (name in diagnostic.plain) == plain)


def glue_source(task: Task) -> DataSource | None:
    """GLUE's dev set of the task where this session or GLUE_DIR has it, else None; raises BadData where it is bad."""
    if task.own:
        return _own_source(task)
    found: dict[str, DataSource] = st.session_state.setdefault(_FETCHED, {})
    if task.name in found:
        return found[task.name]
    folder = glue_dir_from_environment()
    if folder is None:
        return None
    source = DataSource(cached_models.FOLDER, str(folder))
    cached_models.examples(task.name, source.kind, source.folder)
    found[task.name] = source
    return source


def _offer_glue(task: Task) -> None:
    diagnostic = diagnostic_for(task)
    st.markdown(
        ":material/science: Live on sentences written for this project",
        help=f"GLUE is not on this machine. {diagnostic.description}" if diagnostic else None,
        width="content",
    )
    if st.button(
        f"Fetch {task.name} from {plain_text.plain(hub_host())} ({HUB_MEGABYTES[task.name]:g} MB)",
        icon=":material/download:",
        key="lab.fetch",
        help=f"GLUE's own sentences, from the data set {HUB_DATASET}: about {HUB_MEGABYTES[task.name]:g} MB. "
        "They are kept on the machine that runs this app, and found there without a connection.",
    ):
        with st.spinner(f"Fetching {task.name} from {plain_text.plain(hub_host())} …"):
            _try(task, DataSource(cached_models.HUB))
    if visitor.served_on_localhost():
        with st.popover("From a folder", icon=":material/folder_open:"):
            folder = st.text_input(
                "A folder in the official TSV layout", placeholder="/path/to/glue", key="lab.folder", max_chars=500
            )
            if folder:
                _try_folder(task, folder)


def _try_folder(task: Task, folder: str) -> None:
    try:
        place = expanded(folder)
    except ExplorerError as error:
        plain_text.failed(error)
        return
    _try(task, DataSource(cached_models.FOLDER, str(place)))


def _try(task: Task, source: DataSource) -> None:
    try:
        cached_models.examples(task.name, source.kind, source.folder)
    except ExplorerError as error:
        plain_text.failed(error)
        return
    use(task, source)
    st.rerun()


def use(task: Task, source: DataSource) -> None:
    """Makes these the task's data for the rest of the session."""
    st.session_state.setdefault(_FETCHED, {})[task.name] = source


def is_withheld(view: View, run: Run) -> bool:
    """Whether this run's checkpoint does not ship with the bundle; says so, and what can be done."""
    if CHECKPOINT not in cached.artefact(view, Key(run, "finetune")).manifest.withheld:
        return False
    live = [
        str(m.seed)
        for m in view.manifests
        if (m.stage, m.model, m.task) == ("finetune", run.model, run.task) and CHECKPOINT in m.files
    ]
    other = f" Seed {', '.join(live)} can be scored live." if live else ""
    st.info(
        f"The checkpoint of seed {run.seed} does not ship with this bundle, to keep it small: "
        f"stored scores only.{other} To score this one, make it again: "
        f"{code(view.bundle.command_for(Key(run, 'finetune')))}",
        icon=":material/inventory_2:",
    )
    return True


def by_phenomenon(evaluator: ModelOnData, predicted: NDArray[Any], full: NDArray[Any]) -> None:
    """Each phenomenon's score under the mask and for the full model: which heads carry what."""
    tags = np.array([item.phenomenon for item in evaluator.examples.items])
    name = evaluator.task.metric
    rows = []
    for tag in sorted(set(tags)):
        of_tag = tags == tag
        labels = evaluator.labels[of_tag]
        this, whole = metric(name, predicted[of_tag], labels), metric(name, full[of_tag], labels)
        rows.append(
            {"phenomenon": tag, "this mask": this, "full model": whole, "change": this - whole, "n": len(labels)}
        )
    st.dataframe(
        pd.DataFrame(rows).sort_values("change"),
        hide_index=True,
        column_config={
            column: st.column_config.NumberColumn(format="%.2f") for column in ("this mask", "full model", "change")
        },
    )
    st.caption(f"{METRIC_WORDS[name].capitalize()} phenomenon by phenomenon; small sets, so mind the noise.")
