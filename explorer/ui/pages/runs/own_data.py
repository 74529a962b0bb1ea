"""A fine-tuned model and data of one's own: look at the file, name its columns, and open both as a bundle."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd
import streamlit as st

from explorer.bert.model_folder import HUB_ID, model_folder
from explorer.bert.model_names import MINILM
from explorer.bert.model_source import minilm_folder
from explorer.errors import ExplorerError
from explorer.glue.own_data import METRICS
from explorer.glue.own_task import checked_name
from explorer.glue.table_files import Table, read_table
from explorer.paths import expanded
from explorer.store.schema import Manifest
from explorer.store.user_folders import bundles_folder
from explorer.study.expected_seconds import Load, layer_parameters, of_opening
from explorer.ui import cached, visitor
from explorer.ui.widgets import plain_text
from explorer.ui.widgets.make_here import begun
from explorer.ui.widgets.plain_text import code

_RUNNING = "runs.own.running"
_COMMAND = "python -m precompute open --model FOLDER --data FILE --text COLUMN --label COLUMN"
_FIRST = 8
"""Rows that are shown."""
_LONGEST = 300
"""Characters of a cell that are shown."""
_NONE = "(none)"


def page() -> None:
    """Asks for model and file, shows what is in the file, and starts `open`; for a visitor of this machine alone."""
    st.markdown(
        "A fine-tuned BERT classifier and a file of labelled sentences become a bundle of their own: scored, pruned, "
        "and live in the lab. The sentences stay where they are: a bundle holds names, numbers and hashes."
    )
    if not visitor.served_on_localhost():
        st.info(
            f"Only a person on this machine can name its files here. On its command line: {code(_COMMAND)}",
            icon=":material/lock:",
        )
        return
    if _RUNNING in st.session_state:
        _progress()
        return
    model = st.text_input("Fine-tuned model: a folder, or a name on the Hub", max_chars=500, key="runs.own.model")
    data = st.text_input("Data: a CSV, TSV, JSONL or Parquet file", max_chars=500, key="runs.own.data").strip()
    if not data:
        return
    try:
        path = expanded(data)
        table = _read(str(path), path.stat().st_mtime_ns if path.is_file() else 0)
    except ExplorerError as error:
        plain_text.failed(error)
        return
    except OSError as error:
        st.error(plain_text.plain(f"That file cannot be read ({error.strerror})."), icon=":material/error:")
        return
    _look(table)
    _ask(model.strip(), path, table)


@st.cache_resource(show_spinner="Reading …", max_entries=2)  # read-only; not copied at each call
def _read(path: str, changed: int) -> Table:
    return read_table(Path(path))


def _look(table: Table) -> None:
    st.caption(plain_text.plain(f"{table.path.name}: {len(table.rows):,} rows. The first of them:"))
    rows = [[_short(cell) for cell in row.cells] for row in table.rows[:_FIRST]]
    numbers = [row.number for row in table.rows[:_FIRST]]
    st.dataframe(pd.DataFrame(rows, columns=list(table.columns), index=pd.Index(numbers, name=table.unit)))


def _told(cell: object) -> str:
    return "" if cell is None else str(cell)


def _short(cell: object) -> str:
    told = _told(cell)
    return told if len(told) <= _LONGEST else told[:_LONGEST] + "…"


def _ask(model: str, path: Path, table: Table) -> None:
    left, middle, right = st.columns(3)
    text = left.selectbox("Text column", table.columns, key="runs.own.text")
    pair = middle.selectbox("Second text column, of pairs", [_NONE, *table.columns], key="runs.own.pair")
    usual = table.columns.index("label") if "label" in table.columns else len(table.columns) - 1
    label = right.selectbox("Label column", table.columns, index=usual, key="runs.own.label")
    counts = Counter(_short(row.cells[table.columns.index(label)]) for row in table.rows)
    st.caption(f"{len(counts):,} different labels")
    told = pd.DataFrame(counts.most_common(20), columns=["label", "rows"])
    st.dataframe(told, hide_index=True, height="content")
    left, middle = st.columns(2)
    name = left.text_input("Name of the task", value="my-task", max_chars=64, key="runs.own.name").strip()
    metric = middle.selectbox("Metric", ["by the labels", *METRICS], key="runs.own.metric")
    columns = text if pair == _NONE else f"{text},{pair}"
    more = [] if metric == "by the labels" else ["--metric", metric]
    options = ["--model", model or "FOLDER", "--data", str(path), "--text", columns, "--label", label, "--task", name]
    try:
        root = bundles_folder() / checked_name(name)
    except ExplorerError as error:
        plain_text.failed(error)
        return
    except RuntimeError:
        st.error("This user has no home folder to keep a bundle in.", icon=":material/error:")
        return
    given = [*options, *more, "--bundle", str(root)]
    _say_how_long(model, [text] if pair == _NONE else [text, pair], table)
    st.code("python -m precompute open " + shlex.join(given), language="bash")
    if st.button("Open it", icon=":material/play_arrow:", type="primary", key="runs.own.go", disabled=not model):
        try:
            st.session_state[_RUNNING] = begun("open", given, root), root
        except ExplorerError as error:
            plain_text.failed(error)
            return
        st.rerun()


def _say_how_long(model: str, columns: Sequence[str], table: Table) -> None:
    """How long it may take, before anything is begun; what is wrong with a folder is told now, too."""
    if not model:
        return
    folder = minilm_folder() if model == MINILM else expanded(model)
    if not folder.is_dir():
        if not HUB_ID.fullmatch(model):
            st.error(plain_text.plain(f"There is no folder at {model}."), icon=":material/error:")
        else:
            st.caption("How long it takes is known once the model is on this machine.")
        return
    try:
        found = model_folder(folder)
    except ExplorerError as error:
        plain_text.failed(error)
        return
    places = [table.columns.index(name) for name in columns]
    characters = sum(len(_told(row.cells[place])) for row in table.rows for place in places) / max(len(table.rows), 1)
    parameters = layer_parameters(found.n_layers, found.hidden, found.config.intermediate)
    load = Load(len(table.rows), characters, found.n_layers, found.n_heads, parameters)
    told = of_opening(load, _opened_before())
    st.caption(
        plain_text.plain(
            f"A BERT of {found.n_layers} layers x {found.n_heads} heads, width {found.hidden}. It will be scored, "
            f"pruned, and each of its parts switched off alone: {told.words()}. That is an estimate, by {told.basis}."
        )
    )


def _opened_before() -> list[Manifest]:
    """What was timed in the bundles that this page made before."""
    try:
        roots = [path for path in bundles_folder().iterdir() if path.is_dir()]
    except (OSError, RuntimeError):
        return []
    found: list[Manifest] = []
    for root in roots:
        with suppress(ExplorerError):
            found += cached.manifests(root, cached.stamp(root))
    return found


@st.fragment(run_every=1.0)
def _progress() -> None:
    opening, root = st.session_state[_RUNNING]
    status = opening.process.poll()
    if status is None:
        done = len(list(root.glob("*/*/seed_*/*/manifest.json")))
        st.progress(min(done / 5, 1.0), "Scoring, pruning, switching parts off …")
        return
    if status == 0:
        st.success("The bundle is made.", icon=":material/check:")
        if st.button("Show it", icon=":material/visibility:", type="primary", key="runs.own.show"):
            del st.session_state[_RUNNING]
            st.session_state[cached.BUNDLE] = root
            st.rerun()
        return
    st.error(plain_text.plain(opening.last_words() or f"It ended with {status}."), icon=":material/error:")
    if st.button("Back", key="runs.own.back"):
        del st.session_state[_RUNNING]
        st.rerun()
