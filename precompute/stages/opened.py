"""A fine-tuned run opened for scoring, and many masks of it scored with a progress bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.errors import BadRequest
from explorer.glue.metrics import score_of
from explorer.glue.tasks import Examples
from explorer.live.evaluation import Evaluation
from explorer.live.evaluator import Evaluator, Underway
from explorer.live.low_margin import ErrorBound
from explorer.mask import Mask
from explorer.store.bundle import CHECKPOINT
from explorer.store.saved_state import SavedState
from explorer.store.schema import Run
from precompute.options import Options

_AT_ONCE = 14
"""Masks scored together: what a layer of MiniLM-L6 has, so that the bar moves now and then."""


@dataclass(frozen=True)
class OpenRun:
    """A fine-tuned run with its dev set, ready to be scored under masks."""

    run: Run
    classifier: Classifier
    dev: Examples
    evaluator: Evaluator

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads of its model, (L, H)."""
        return self.classifier.n_layers, self.classifier.n_heads


def open_run(options: Options) -> OpenRun:
    """Loads the run's checkpoint from the bundle; raises BadBundle where it is not there."""
    run = options.run
    dev = options.examples("dev")
    classifier = load_finetuned(str(options.bundle.checkpoint(run)), options.task)
    evaluator = evaluator_of(classifier, dev, options)
    finetuned = options.bundle.read(options.key("finetune"))
    if not np.allclose(finetuned.arrays["logits"], evaluator.full.logits, atol=1e-3):
        raise BadRequest(
            f"{CHECKPOINT} of {run.path} does not give the logits stored beside it on this dev set.",
            f"Is it another GLUE version? Make the run again: `{options.bundle.command_for(options.key('finetune'))}`.",
        )
    return OpenRun(run, classifier, dev, evaluator)


def evaluator_of(classifier: Classifier, examples: Examples, options: Options) -> Evaluator:
    """Makes what scores masks for a stage, on its device, in the type in which what is stored is computed: fp32 on a
    GPU, where it costs little; else the fast one, with low-margin examples in fp32."""
    dtype = torch.float32 if options.device.startswith("cuda") else None
    return Evaluator(classifier, examples, device=options.device, dtype=dtype)


def require_every_head(gone: Sequence[Sequence[int]], what: str) -> None:
    """Raises BadRequest where heads were cut out of a model before: what measures each head of it alike has no number
    for those. gone: layer and head of each, from 0; what: the beginning of the sentence."""
    if gone:
        raise BadRequest(
            f"{what} needs every head, and {len(gone)} had been cut out of this model before it came (`pruned_heads`).",
            "Scores, importance, pruning, ablations and subnetworks work on it; for this, give the model from before.",
        )


def score_masks(evaluator: Evaluator, masks: Sequence[Mask], words: str, state: SavedState) -> list[Evaluation]:
    """Scores many masks exactly, with a progress bar; neighbours share what they have in common.

    words: beside the bar; '' for none. state: of these very masks; saved after every few of them, and by time while
    they are being scored.
    """
    evaluations = _evaluations(evaluator, masks, state.arrays)
    begun = _begun(state.arrays)

    def save(so_far: Underway | None) -> None:
        state.save(**_stored(evaluations), **(_of(so_far) if so_far else {}))

    def save_when_due(so_far: Underway) -> None:
        if state.pace.due:
            save(so_far)

    with tqdm(total=len(masks), desc=words, unit="mask", initial=len(evaluations), disable=not words) as bar:
        for start in range(len(evaluations), len(masks), _AT_ONCE):
            evaluations += evaluator.evaluate_many(masks[start : start + _AT_ONCE], begun, save_when_due)
            begun = None
            save(None)
            bar.update(len(evaluations) - bar.n)
    return evaluations


def _stored(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    if not evaluations:
        return {}
    return {
        "logits": np.stack([one.logits for one in evaluations]),
        "exact": np.stack([one.exact for one in evaluations if one.exact is not None]),
        "seconds": np.array([one.seconds for one in evaluations]),
        "rechecked": np.array([one.rechecked for one in evaluations]),
    }


def _evaluations(evaluator: Evaluator, masks: Sequence[Mask], arrays: Mapping[str, NDArray[Any]]) -> list[Evaluation]:
    if "logits" not in arrays:
        return []
    rows = zip(*(arrays[name] for name in ("logits", "seconds", "rechecked", "exact")), strict=True)
    return [
        Evaluation(mask, score_of(evaluator.task, logits, evaluator.labels), logits, float(seconds), int(many), exact)
        for mask, (logits, seconds, many, exact) in zip(masks, rows, strict=False)
    ]


def _of(so_far: Underway) -> dict[str, Any]:
    return {
        "begun_logits": so_far.logits,
        "begun_exact": so_far.exact,
        "begun_measured": [bound.measured for bound in so_far.bounds],
        "begun_errors": [bound.error for bound in so_far.bounds],
        "begun_numbers": [so_far.shards, so_far.seconds, so_far.rechecked],
    }


def _begun(arrays: Mapping[str, NDArray[Any]]) -> Underway | None:
    if "begun_logits" not in arrays:
        return None
    shards, seconds, rechecked = arrays["begun_numbers"]
    bounds = zip(arrays["begun_measured"], arrays["begun_errors"], strict=True)
    return Underway(
        int(shards),
        arrays["begun_logits"],
        arrays["begun_exact"],
        tuple(ErrorBound(int(many), float(error)) for many, error in bounds),
        float(seconds),
        int(rechecked),
    )
