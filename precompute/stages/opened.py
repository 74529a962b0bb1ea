"""A fine-tuned run opened for scoring, and many masks of it scored with a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.errors import BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.tasks import Examples
from explorer.live.evaluation import Evaluation
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.bundle import CHECKPOINT
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


def open_run(options: Options) -> OpenRun:
    """Loads the run's checkpoint from the bundle; raises BadBundle where it is not there."""
    run = options.run
    dev = options.examples("dev")
    classifier = load_finetuned(str(options.bundle.checkpoint(run)), options.task)
    evaluator = Evaluator(classifier, dev, device=options.device)
    finetuned = options.bundle.read(options.key("finetune"))
    if not np.allclose(finetuned.arrays["logits"], evaluator.full.logits, atol=1e-3):
        raise BadRequest(
            f"{CHECKPOINT} of {run.path} does not give the logits stored beside it on this dev set.",
            f"Is it another GLUE version? Make the run again: `{options.bundle.command_for(options.key('finetune'))}`.",
        )
    return OpenRun(run, classifier, dev, evaluator)


def score_masks(evaluator: Evaluator, masks: Sequence[Mask], words: str) -> list[Evaluation]:
    """Scores many masks exactly, with a progress bar; neighbours share what they have in common."""
    evaluations: list[Evaluation] = []
    with tqdm(total=len(masks), desc=words, unit="mask") as bar:
        for start in range(0, len(masks), _AT_ONCE):
            evaluations += evaluator.evaluate_many(masks[start : start + _AT_ONCE])
            bar.update(len(evaluations) - bar.n)
    return evaluations


def sample_of(examples: Examples, many: int, seed: int) -> Examples:
    """Draws that many of the examples (all, where there are fewer) without replacement, and keeps their order."""
    drawn = np.random.default_rng(seed).permutation(len(examples))[:many]
    items = tuple(examples.items[i] for i in sorted(drawn))
    return replace(examples, items=items, source=f"{examples.source}, sample", sha256=examples_sha256(items))
