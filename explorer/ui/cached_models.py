"""What sessions share to run models: dev sets, loaded models, the ledger of scores and the worker."""

from __future__ import annotations

import atexit
import functools
import os
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import BadData, BadLedger
from explorer.glue.diagnostics import PARTS, diagnostic_examples
from explorer.glue.sources import folder_examples, hub_examples
from explorer.glue.tasks import TASKS, Examples
from explorer.live.model_on_data import ModelOnData, Source, StandsIn
from explorer.live.process_worker import ProcessWorker
from explorer.live.thread_worker import ThreadWorker
from explorer.live.turns import turns_at_once
from explorer.live.worker import Worker
from explorer.mask import Mask
from explorer.patterns.samples import Sample
from explorer.store.bundle import Bundle
from explorer.store.ledger import IN_MEMORY, Ledger, default_path
from explorer.store.own_tasks import examples_at, task_of
from explorer.store.schema import Key, Run
from explorer.study.survivor_patterns import Weights
from explorer.ui import cached
from explorer.ui.view import View

if TYPE_CHECKING:  # torch comes in with it: only the lab pays for that
    from explorer.arrays import Float32Array
    from explorer.bert.checkpoints import Classifier
    from explorer.bert.engine import Engine

DIAGNOSTICS, FOLDER, HUB, STORED, OWN = "diagnostics", "folder", "hub", "stored", "own"
"""The sources of examples; STORED stands for none, only the scores of the bundle; OWN for a person's own data."""
CLASSIFIERS = 3
"""Models that are kept in memory at once, for what is not a score."""


@st.cache_resource(show_spinner=False, max_entries=16)  # not st.cache_data, which copies QQP's 40,430 at each call
def examples(task: str, source: str, folder: str) -> Examples:
    """A dev set: `source` is diagnostics (then `folder` may name a part), folder (then it names it), hub, or own (then
    `folder` names the bundle that defines the task).

    Raises BadData.
    """
    if source == DIAGNOSTICS:
        return diagnostic_examples(TASKS[task], next((part for part in PARTS if part == folder), "all"))
    if source == FOLDER:
        return folder_examples(Path(folder), TASKS[task], "dev")
    if source == HUB:
        return hub_examples(TASKS[task], "dev")
    if source == OWN:
        return examples_at(task_of(Path(folder), task), None, "dev")
    raise BadData(f"There is no data source {source!r}.")


@st.cache_resource(show_spinner=False, on_release=lambda made: made.close())
def worker() -> Worker:
    """The one process that computes for all sessions; a thread of this one where the system has no pipes to share."""
    remembered, _ = ledger()
    if os.name == "posix":
        made: Worker = ProcessWorker(str(remembered.path), turns=turns_at_once())
    else:
        # A forward pass gives the interpreter up at every operation and must get it back from whoever draws a page:
        # by default that may take 5 ms each time.
        sys.setswitchinterval(0.0005)
        made = ThreadWorker(ledger=remembered)
    atexit.register(made.close)
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


def evaluator(view: View, run: Run, source: str, folder: str, instead: StandsIn | None = None) -> Future[ModelOnData]:
    """One model on one dev set, loaded in the background where scores are computed, read-only, for every session.

    instead: what stands in for what is off; None where nothing does. The future may hold BadBundle, BadCheckpoint or
    BadData. Raises BadData where the dev set cannot be read.
    """
    return worker().load(source_of(view, run, source, folder, instead))


def source_of(view: View, run: Run, source: str, folder: str, instead: StandsIn | None = None) -> Source:
    """What `evaluator` loads, and the worker forgets. Arguments and errors as there."""
    content = cached.artefact(view, Key(run, "finetune")).manifest.model_content
    return Source(view.root, run, content, examples(run.task, source, folder), instead)


@functools.lru_cache(maxsize=CLASSIFIERS)  # not Streamlit's cache: this is called from other threads
def classifier(root: Path, run: Run, checkpoint_sha256: str) -> Classifier:
    """A run's fine-tuned model, the same object for every dev set. Raises BadBundle or BadCheckpoint."""
    from explorer.bert.checkpoints import load_finetuned

    return load_finetuned(str(Bundle(root).checkpoint(run)), Bundle(root).task(run.task))


def forget_models() -> bool:
    """Forgets every model that is not there for a score; says whether there was one. Maps of typed text go too."""
    kept = (classifier, encoder, _engine)
    had = any(one.cache_info().currsize for one in kept)
    for one in kept:
        one.cache_clear()
    maps_of_text.clear()
    return had


@functools.lru_cache(maxsize=1)
def encoder(source: str, root: Path, run: Run) -> Classifier:
    """The pre-trained model that a run began with, under a classifier that nobody looks at. Raises BadCheckpoint."""
    from explorer.bert.checkpoints import load_pretrained

    return load_pretrained(source, Bundle(root).task(run.task), run.seed)


@functools.lru_cache(maxsize=1)
def _engine(root: Path, run: Run, checkpoint_sha256: str) -> Engine:
    from explorer.bert.engine import Engine

    return Engine(classifier(root, run, checkpoint_sha256))


def logits_of_text(
    view: View, run: Run, texts: tuple[str, ...], mask: Mask
) -> tuple[tuple[Float32Array, Float32Array], tuple[str, ...]]:
    """The fp32 logits (k,) on a typed text, under a mask and of the full model, and notes on what was cut.

    The text is kept nowhere. Raises BadRequest on a text that says nothing, BadBundle or BadCheckpoint without a model.
    """
    import numpy as np

    from explorer.bert.shards import shard_of
    from explorer.bert.user_text import encode_text

    sha256 = cached.artefact(view, Key(run, "finetune")).manifest.checkpoint_sha256
    read = encode_text(classifier(view.root, run, sha256).tokenizer, *texts)
    engine, shard = _engine(view.root, run, sha256), shard_of(read.encoded, np.zeros(1, np.int64))
    now, full = engine.logits_of_many(shard, (mask, Mask.full(engine.n_layers, engine.n_heads)))
    return (now[0], full[0]), read.notes


@st.cache_resource(show_spinner=False, max_entries=8, hash_funcs=cached.BY_BUNDLE)  # shared: read-only
def maps_of_text(
    view: View, run: Run, weights: Weights, texts: tuple[str, ...], code: str
) -> tuple[Sample, tuple[str, ...]]:
    """The maps of every head on a text that somebody typed, under a mask ('' = the full one), and notes on what was
    cut. Loads the model. Raises BadRequest on a text that says nothing, BadBundle or BadCheckpoint without a model."""
    from explorer.bert.attention import attention_maps
    from explorer.bert.engine import Engine
    from explorer.bert.user_text import encode_text

    manifest = cached.artefact(view, Key(run, "finetune")).manifest
    if weights == "finetuned":
        model = classifier(view.root, run, manifest.checkpoint_sha256)
    else:
        model = encoder(str(manifest.config["model"]), view.root, run)
    read = encode_text(model.tokenizer, *texts)
    mask = Mask.from_code(code, model.n_layers, model.n_heads) if code else Mask.full(model.n_layers, model.n_heads)
    (maps,) = attention_maps(Engine(model), read.encoded, mask)
    return Sample(texts, read.tokens, maps), read.notes
