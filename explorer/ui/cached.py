"""Everything that pages keep between reruns, in one place, keyed by every argument that changes the answer."""

from __future__ import annotations

import atexit
import functools
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from explorer.errors import BadData, BadLedger
from explorer.figures.importance import Side, sides_of
from explorer.glue.diagnostics import diagnostic_examples
from explorer.glue.sources import folder_examples, hub_examples
from explorer.glue.tasks import TASKS, Examples
from explorer.live.model_pool import Shelf
from explorer.live.worker import Worker
from explorer.mask import Mask
from explorer.patterns.samples import Sample, unpack_samples
from explorer.stats.against_full import Comparison, compared
from explorer.stats.agreement import Agreement, agreement
from explorer.stats.overlap import OverlapMatrix, overlap_matrix
from explorer.stats.paired import PairedDifference, compare
from explorer.stats.ranks import beyond_noise
from explorer.store.bundle import MANIFEST, Artefact, Bundle
from explorer.store.landmarks import Landmark, landmarks_of
from explorer.store.ledger import IN_MEMORY, Ledger, default_path
from explorer.store.runs_of_task import TOGETHER, seeds_with, tickets_of
from explorer.store.schema import Key, Manifest, Run
from explorer.store.stored_scores import KnownRun, known_run
from explorer.store.user_folders import PROJECT
from explorer.study.claim_sheet import ClaimSheet
from explorer.study.claim_sheet import claim_sheet as made_claim_sheet
from explorer.study.comparisons import Answers, answers_by_seed, paired_by_seed
from explorer.study.conditions import CONDITIONS, ConditionScore, study_scores
from explorer.study.majority_baseline import Uninformed, uninformed_of
from explorer.study.report import Report, by_condition, report_rows
from explorer.study.survivor_patterns import SurvivorPatterns, Weights, survivor_patterns
from explorer.ui.view import View

HashFuncs = dict[str | type[Any], Callable[[Any], Any]]

if TYPE_CHECKING:  # torch comes in with it: only the lab pays for that
    from explorer.bert.checkpoints import Classifier
    from explorer.live.evaluator import Evaluator

DIAGNOSTICS, FOLDER, HUB, STORED = "diagnostics", "folder", "hub", "stored"
"""Where examples come from; STORED: there are none, only the scores of the bundle."""
BUNDLE = "view.bundle"
"""Where a session keeps the bundle that it switched to."""
BY_BUNDLE: HashFuncs = {View: lambda view: (view.root, view.stamp)}
"""How Streamlit keys what is read from the bundle of a view; the run is an argument of its own."""
EVALUATORS = 3
"""Models on dev sets that are kept in memory at once, and models: about 1 GB each at most."""


def bundle_root() -> Path:
    """The bundle that this session switched to, else EXPLORER_BUNDLE, else the cache that ships beside app.py."""
    return st.session_state.get(BUNDLE) or usual_bundle()


def usual_bundle() -> Path:
    """EXPLORER_BUNDLE, or the cache that ships beside app.py."""
    return Path(os.environ.get("EXPLORER_BUNDLE") or PROJECT / "cache")


def stamp(root: Path) -> float:
    """Changes whenever a manifest does: a cheap key for everything read from the bundle."""
    times = [path.stat().st_mtime for path in root.glob(f"*/*/seed_*/*/{MANIFEST}")]
    return max(times, default=0.0) + len(times)


@st.cache_data(show_spinner=False)
def manifests(root: Path, stamp: float) -> list[Manifest]:
    """Reads the manifests of every complete artefact; raises BadBundle."""
    return list(Bundle(root).manifests())


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=BY_BUNDLE)
def artefact(view: View, key: Key) -> Artefact:
    """One artefact; raises BadBundle."""
    return view.bundle.read(key)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def known(view: View, run: Run) -> KnownRun:
    """Every stored score of a run; raises BadBundle."""
    return known_run(view.bundle, run)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def landmarks(view: View, run: Run, shape: tuple[int, int]) -> tuple[Landmark, ...]:
    """Pruning path and tickets of a run with their stored dev scores; raises BadBundle."""
    return landmarks_of(view.bundle, run, shape)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def tickets(view: View, run: Run) -> dict[int, str]:
    """Seed -> code of its good ticket, for the seeds of the run's task pruned alike; empty where none is."""
    bundle = view.bundle
    seeds = seeds_with(bundle, run.model, run.task, *TOGETHER)
    if not seeds:
        return {}
    return tickets_of(bundle, run if run.seed in seeds else replace(run, seed=seeds[0]))


@st.cache_data(show_spinner=False, max_entries=256, hash_funcs=BY_BUNDLE)
def step_difference(view: View, key: Key, step: int) -> PairedDifference:
    """A step of a pruning run against its full model, on the same examples; raises BadBundle."""
    predictions, metric = artefact(view, key).arrays["predictions"], TASKS[key.run.task].metric
    return compare(metric, predictions[step], predictions[0], known(view, key.run).labels)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def gradient_sides(view: View, run: Run) -> tuple[list[Side], int | None]:
    """Heads and MLPs of a run, importance against the score each costs alone, and how many of these costs are
    larger than noise (None for a regression); raises BadBundle or BadRequest."""
    arrays = artefact(view, Key(run, "importance", "expected")).arrays
    ablations, whole = artefact(view, Key(run, "ablations")), known(view, run)
    table = ablations.table
    sides = sides_of((arrays["heads"], arrays["mlps"]), dict(zip(table["component"], table["loss"], strict=True)))
    if whole.task.is_regression:
        return sides, None
    single = ~table["component"].str.startswith("layer").to_numpy()
    return sides, beyond_noise(ablations.arrays["predictions"][single], whole.full.predictions, whole.labels)


@st.cache_data(show_spinner=False, max_entries=32)
def seed_agreement(codes: tuple[tuple[int, str], ...], n_layers: int, n_heads: int) -> tuple[Agreement, Agreement]:
    """Agreement over seeds of heads and of MLPs, with its chance level by permutation."""
    heads, mlps = agreement({seed: Mask.from_code(code, n_layers, n_heads) for seed, code in codes})
    return heads, mlps


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def claim_sheet(view: View, model: str, task: str) -> ClaimSheet:
    """The four claims of one model on one task; raises BadBundle."""
    return made_claim_sheet(view.bundle, view.manifests, model, task)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def patterns_of_survivors(view: View, model: str, task: str, within_layers: bool = False) -> SurvivorPatterns:
    """Class shares of survivors beside all heads, with permutation tests: seconds; raises BadBundle."""
    return survivor_patterns(view.bundle, model, task, within_layers=within_layers)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=BY_BUNDLE)  # shared: read-only
def attention_samples(view: View, key: Key) -> tuple[Sample, ...]:
    """The sentences of an attention artefact with the maps of every head; raises BadBundle."""
    return unpack_samples(artefact(view, key).arrays)


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=BY_BUNDLE)  # shared: read-only
def maps_of_text(
    view: View, run: Run, weights: Weights, texts: tuple[str, ...], code: str
) -> tuple[Sample, tuple[str, ...]]:
    """The maps of every head on a text that somebody typed, under a mask ('' = the full one), and notes on what was
    cut. Loads the model. Raises BadRequest on a text that says nothing, BadBundle or BadCheckpoint without a model."""
    from explorer.bert.attention import attention_maps
    from explorer.bert.engine import Engine
    from explorer.bert.user_text import typed

    manifest = artefact(view, Key(run, "finetune")).manifest
    if weights == "finetuned":
        model = classifier(view.root, run, manifest.checkpoint_sha256)
    else:
        model = encoder(str(manifest.config["model"]), run)
    read = typed(model.tokenizer, *texts)
    mask = Mask.from_code(code, model.n_layers, model.n_heads) if code else Mask.full(model.n_layers, model.n_heads)
    (maps,) = attention_maps(Engine(model), read.encoded, mask)
    return Sample(texts, read.pieces, maps), read.notes


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def study(view: View, model: str, task: str) -> dict[int, dict[str, ConditionScore]]:
    """Seed -> condition -> score, in the paper's order of seeds; raises BadBundle."""
    return study_scores(view.bundle, model, task)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def report(view: View, model: str, task: str) -> Report:
    """Condition -> ours beside the published; raises BadBundle."""
    return by_condition(report_rows(view.bundle, task, model, study(view, model, task)))


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def answers(view: View, model: str, task: str) -> dict[int, Answers]:
    """Seed -> what was said under every condition; raises BadBundle."""
    return answers_by_seed(view.bundle, study(view, model, task), CONDITIONS)


@st.cache_data(show_spinner=False, max_entries=128, hash_funcs=BY_BUNDLE)
def paired(view: View, model: str, task: str, a: str, b: str) -> dict[int, PairedDifference]:
    """Seed -> condition a minus condition b on the same examples; raises BadBundle."""
    return paired_by_seed(answers(view, model, task), a, b)


@st.cache_data(show_spinner=False, max_entries=32, hash_funcs=BY_BUNDLE)
def uninformed(view: View, model: str, task: str) -> Uninformed | None:
    """What answers that never read a sentence score on the task, one line for all pages; raises BadBundle."""
    return uninformed_of(view.bundle, model, task)


@st.cache_data(show_spinner=False, max_entries=16)
def overlap(codes: tuple[tuple[str, int, str], ...], n_layers: int, n_heads: int) -> OverlapMatrix:
    """What every pair of tasks shares, from (task, seed, mask code)."""
    masks: dict[str, dict[int, Mask]] = {}
    for task, seed, code in codes:
        masks.setdefault(task, {})[seed] = Mask.from_code(code, n_layers, n_heads)
    return overlap_matrix(masks)


@st.cache_resource(show_spinner=False, max_entries=512, hash_funcs=BY_BUNDLE)
def stored_comparison(view: View, run: Run, code: str) -> Comparison:
    """A stored mask against the full model, in numbers; raises BadBundle."""
    of = known(view, run)
    return compared(of.task, of.by_code[code].predictions, of.full.predictions, of.labels)


@st.cache_resource(show_spinner=False, max_entries=16)  # not st.cache_data, which copies QQP's 40,430 at each call
def examples(task: str, source: str, folder: str) -> Examples:
    """A dev set: `source` is diagnostics, folder (then `folder` names it) or hub; raises BadData."""
    if source == DIAGNOSTICS:
        return diagnostic_examples(TASKS[task])
    if source == FOLDER:
        return folder_examples(Path(folder), TASKS[task], "dev")
    if source == HUB:
        return hub_examples(TASKS[task], "dev")
    raise BadData(f"There is no data source {source!r}.")


@st.cache_resource(show_spinner=False, on_release=Worker.close)
def worker() -> Worker:
    """The one thread that computes for all sessions."""
    made = Worker()
    atexit.register(made.close)
    # A forward pass gives the interpreter up at every operation and must get it back from whoever draws a page:
    # by default that may take 5 ms each time.
    sys.setswitchinterval(0.0005)
    return made


def ledger() -> tuple[Ledger, str]:
    """This process's ledger; where the file is of no use, one in memory, and a sentence that says so."""
    return _ledger(os.environ.get("EXPLORER_LEDGER", ""))


@st.cache_resource(show_spinner=False, max_entries=4)
def _ledger(place: str) -> tuple[Ledger, str]:
    try:
        return Ledger(default_path()), ""
    except BadLedger as error:
        return Ledger(IN_MEMORY), f"{error} Meanwhile scores are remembered for as long as this app runs."


@st.cache_resource(show_spinner=False, on_release=Shelf.close)
def _evaluators() -> Shelf[Evaluator]:
    return Shelf(EVALUATORS)


def evaluator(view: View, run: Run, source: str, folder: str) -> Future[Evaluator]:
    """One model on one dev set, loaded in the background, read-only, for every session.

    The future may hold BadBundle, BadCheckpoint or BadData. Raises BadData where the dev set cannot be read.
    """
    dev = examples(run.task, source, folder)
    sha256 = artefact(view, Key(run, "finetune")).manifest.checkpoint_sha256
    remembered, _ = ledger()

    def load() -> Evaluator:
        from explorer.live.evaluator import Evaluator
        from explorer.live.scoring import full_answer

        loaded = Evaluator(classifier(view.root, run, sha256), dev)
        full_answer(loaded, remembered)  # its interval, so that nobody waits for it
        return loaded

    return _evaluators().ask((view.root, run, sha256, dev.sha256), load)


def forget_evaluator(view: View, run: Run, source: str, folder: str) -> None:
    """So that one that could not be loaded is loaded anew."""
    sha256 = artefact(view, Key(run, "finetune")).manifest.checkpoint_sha256
    _evaluators().forget((view.root, run, sha256, examples(run.task, source, folder).sha256))


@functools.lru_cache(maxsize=EVALUATORS)  # not Streamlit's cache: this is called from other threads
def classifier(root: Path, run: Run, checkpoint_sha256: str) -> Classifier:
    """A run's fine-tuned model, the same object for every dev set. Raises BadBundle or BadCheckpoint."""
    from explorer.bert.checkpoints import load_finetuned

    return load_finetuned(str(Bundle(root).checkpoint(run)), TASKS[run.task])


@functools.lru_cache(maxsize=1)
def encoder(source: str, run: Run) -> Classifier:
    """The pre-trained model that a run began with, under a classifier that nobody looks at. Raises BadCheckpoint."""
    from explorer.bert.checkpoints import load_pretrained

    return load_pretrained(source, TASKS[run.task], run.seed)


def trajectories(view: View, runs: list[Run], variant: str) -> pd.DataFrame:
    """The steps of several runs in one table, with seed and the share of heads and MLPs kept."""
    tables = []
    for run in runs:
        table = artefact(view, Key(run, "structured", variant)).table.copy()
        total = float(table["heads_kept"].iloc[0] + table["mlps_kept"].iloc[0])
        table["parts_kept"] = (table["heads_kept"] + table["mlps_kept"]) / total
        table.insert(0, "seed", run.seed)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
