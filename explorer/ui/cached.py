"""Everything that pages keep between reruns, in one place, keyed by every argument that changes the answer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from explorer.analysis.agreement import Agreement, agreement
from explorer.errors import BadData
from explorer.glue.diagnostics import diagnostic_examples
from explorer.glue.sources import folder_examples, hub_examples
from explorer.glue.tasks import TASKS, Examples
from explorer.mask import Mask
from explorer.store.bundle import MANIFEST, Artefact, Bundle
from explorer.store.known import KnownRun, known_run
from explorer.store.schema import Key, Manifest, Run

if TYPE_CHECKING:  # torch comes in with it: only the lab pays for that
    from explorer.live.evaluator import Evaluator

DIAGNOSTICS, FOLDER, HUB = "diagnostics", "folder", "hub"


def bundle_root() -> Path:
    """EXPLORER_BUNDLE, or the cache that ships beside app.py."""
    return Path(os.environ.get("EXPLORER_BUNDLE") or Path(__file__).parents[2] / "cache")


def stamp(root: Path) -> float:
    """Changes whenever a manifest does: a cheap key for everything read from the bundle."""
    times = [path.stat().st_mtime for path in root.glob(f"*/*/seed_*/*/{MANIFEST}")]
    return max(times, default=0.0) + len(times)


@st.cache_data(show_spinner=False)
def manifests(root: Path, stamp: float) -> list[Manifest]:
    """Of every complete artefact; raises BadBundle."""
    return list(Bundle(root).manifests())


@st.cache_data(show_spinner=False, max_entries=64)
def artefact(root: Path, stamp: float, key: Key) -> Artefact:
    """One artefact; raises BadBundle."""
    return Bundle(root).read(key)


@st.cache_data(show_spinner=False, max_entries=32)
def known(root: Path, stamp: float, run: Run) -> KnownRun:
    """Every stored score of a run; raises BadBundle."""
    return known_run(Bundle(root), run)


@st.cache_data(show_spinner=False, max_entries=32)
def seed_agreement(codes: tuple[tuple[int, str], ...], n_layers: int, n_heads: int) -> tuple[Agreement, Agreement]:
    """Agreement over seeds of heads and of MLPs, with its chance level by permutation."""
    heads, mlps = agreement({seed: Mask.from_code(code, n_layers, n_heads) for seed, code in codes})
    return heads, mlps


@st.cache_data(show_spinner=False, max_entries=16)
def examples(task: str, source: str, folder: str) -> Examples:
    """A dev set: `source` is diagnostics, folder (then `folder` names it) or hub; raises BadData."""
    if source == DIAGNOSTICS:
        return diagnostic_examples(TASKS[task])
    if source == FOLDER:
        return folder_examples(Path(folder), TASKS[task], "dev")
    if source == HUB:
        return hub_examples(TASKS[task], "dev")
    raise BadData(f"There is no data source {source!r}.")


@st.cache_resource(show_spinner=False, max_entries=4)
def evaluator(root: Path, checkpoint_sha256: str, run: Run, source: str, folder: str) -> Evaluator:
    """One model on one dev set, shared read-only by every session; raises BadBundle, BadCheckpoint or BadData."""
    from explorer.bert.checkpoints import load_finetuned
    from explorer.live.evaluator import Evaluator

    path = Bundle(root).checkpoint(run)
    return Evaluator(load_finetuned(str(path), TASKS[run.task]), examples(run.task, source, folder))


def trajectories(root: Path, stamp: float, runs: list[Run], variant: str) -> pd.DataFrame:
    """The steps of several runs in one table, with seed and the share of heads and MLPs kept."""
    tables = []
    for run in runs:
        table = artefact(root, stamp, Key(run, "structured", variant)).table.copy()
        total = float(table["heads_kept"].iloc[0] + table["mlps_kept"].iloc[0])
        table["parts_kept"] = (table["heads_kept"] + table["mlps_kept"]) / total
        table.insert(0, "seed", run.seed)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
