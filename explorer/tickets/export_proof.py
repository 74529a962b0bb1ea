"""The proof beside an exported model: its folder, run by a program that is not ours, against the gated model."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from explorer.arrays import Float32Array
from explorer.bert.batches import Batch, by_length
from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.bert.reference import reference_logits
from explorer.errors import BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.diagnostics import diagnostic_examples
from explorer.glue.encoding import Encoded, encode
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import TASKS, Examples, Task
from explorer.mask import Mask
from explorer.stats.intervals import Score, score_with_interval

TOLERANCE = 1e-4
"""Logits. In fp32 two orders of adding up one sum differ by some 1e-5 in a BERT; a wrong weight by far more."""
SENTENCES = 64
"""How many of this project's own are taken where no data are at hand."""
_BATCH = 32
Runner = Callable[[Path, Examples], Float32Array]
"""Runs a written folder on examples: logits (n, n_outputs), fp32."""


@dataclass(frozen=True)
class Proof:
    """How far the logits of a written folder are from those of the gated model."""

    by: str
    """What ran the folder, with its version."""
    data: str
    n: int
    largest: float
    """Largest difference of a logit."""
    score: Score | None
    """Score of what the folder predicts on the task's dev set; None on sentences of this project."""

    @property
    def sentence(self) -> str:
        """Words it for README and terminal."""
        return (
            f"{self.by}: largest difference of a logit from the gated model's {self.largest:.1e} "
            f"(at most {TOLERANCE:g} is let through), on {self.n} examples ({self.data})"
        )


def own_sentences(task: Task, many: int = SENTENCES) -> Examples:
    """Takes some of this project's own sentences in the form of a task, pairs or single; their labels mean nothing."""
    items = diagnostic_examples(TASKS["MRPC" if task.is_pair else "SST-2"]).items
    drawn = tuple(items[i] for i in np.random.default_rng(0).permutation(len(items))[:many])
    return Examples(task, "dev", drawn, "sentences of this project", examples_sha256(drawn))


def proven(
    classifier: Classifier, mask: Mask, folder: Path, run: Runner, by: str, examples: Examples, *, scored: bool
) -> Proof:
    """Holds a written folder against the gated model; scored: whether the labels of the examples are the task's.

    Raises BadRequest where a logit differs by more than TOLERANCE, or is no number.
    """
    wanted = reference_logits(classifier, encode(examples, classifier.tokenizer), mask)
    found = run(folder, examples)
    largest = float(np.abs(found - wanted).max())
    if not largest <= TOLERANCE:
        raise BadRequest(
            f"What was written gives other logits than the gated model: by {largest:.1e} ({by}, {len(examples)} "
            f"examples); at most {TOLERANCE:g} is let through.",
            "Nothing is left of it. Score the mask with `score --prove` to see which way to run it is off.",
        )
    task = examples.task
    score = score_with_interval(task.metric, predictions_of(task, found), examples.labels) if scored else None
    return Proof(by, examples.source, len(examples), largest, score)


def by_plain_transformers(folder: Path, examples: Examples) -> Float32Array:
    """Runs a folder with nothing of this project but the batches: its own tokenizer, transformers' own forward."""
    logging.disable_progress_bar()
    try:
        model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True).eval()
    finally:
        logging.enable_progress_bar()
    encoded = encode(examples, AutoTokenizer.from_pretrained(folder, local_files_only=True))

    def logits(batch: Batch) -> Any:
        return model(
            input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
        ).logits.numpy()

    with torch.inference_mode():
        return _each(encoded, int(model.config.num_labels), logits)


def by_our_loader(folder: Path, examples: Examples) -> Float32Array:
    """Runs a folder that this version of transformers cannot load, opened as any other model with `pruned_heads`."""
    opened = load_finetuned(str(folder), examples.task)
    return reference_logits(opened, encode(examples, opened.tokenizer), opened.full_mask)


def by_onnxruntime(folder: Path, examples: Examples) -> Float32Array:
    """Runs model.onnx of a folder with ONNX Runtime on the processor, and the folder's own tokenizer."""
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    session = runtime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    encoded = encode(examples, AutoTokenizer.from_pretrained(folder, local_files_only=True))
    asked = {one.name for one in session.get_inputs()}

    def logits(batch: Batch) -> Any:
        given = {
            "input_ids": batch.input_ids.numpy(),
            "token_type_ids": batch.token_types.numpy(),
            "attention_mask": batch.attention_mask.numpy(),
        }
        return session.run(["logits"], {name: value for name, value in given.items() if name in asked})[0]

    return _each(encoded, examples.task.n_outputs, logits)


def onnxruntime() -> Any:
    """Imports ONNX Runtime; raises BadRequest where it, or onnx, with which torch writes a graph, is not installed."""
    try:
        importlib.import_module("onnx")
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise BadRequest(
            f"{error.name} is not installed, and ONNX needs it.", "Run `pip install -r requirements-bench.txt`."
        ) from None


def _each(encoded: Encoded, n_outputs: int, logits: Callable[[Batch], Any]) -> Float32Array:
    found = np.zeros((len(encoded), n_outputs), np.float32)
    for batch in by_length(encoded, _BATCH):
        found[batch.indices] = logits(batch)
    return found
