"""The score that the lab shows is plain transformers' score: real model, real data, random masks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.reference import reference_logits
from explorer.glue.data_hash import examples_sha256
from explorer.glue.metrics import predictions_of, score_of
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run

ROOT = Path(__file__).resolve().parents[2]
GLUE = os.environ.get("GLUE_DIR", "")


def random_masks(many, n_layers, n_heads):
    rng = np.random.default_rng(20)
    shares = np.linspace(0.3, 0.97, many)
    return [Mask(rng.random((n_layers, n_heads)) < share, rng.random(n_layers) < share) for share in shares]


def dealt(examples, many):
    """As many parts, drawn at random, with the places of their examples: each example is in one."""
    for places in np.array_split(np.random.default_rng(21).permutation(len(examples)), many):
        items = tuple(examples.items[at] for at in places)
        yield places, replace(examples, items=items, sha256=examples_sha256(items))


@pytest.mark.long
@pytest.mark.glue
@pytest.mark.skipif(not GLUE, reason="needs GLUE: set GLUE_DIR to a folder in the official TSV layout")
def test_ten_random_masks_on_mrpc_match_plain_transformers_to_the_last_example():
    """Each on a tenth of the dev set, in several shards. `score --prove` does it with all of a dev set."""
    task, run = TASKS["MRPC"], Run("minilm-l6", "MRPC", 1337)
    bundle = Bundle(ROOT / "cache")
    classifier = load_finetuned(str(bundle.checkpoint(run)), task)
    stored = bundle.read(Key(run, "finetune")).arrays["logits"]
    parts = dealt(folder_examples(Path(GLUE), task, "dev"), 10)
    for mask, (places, examples) in zip(random_masks(10, 6, 12), parts, strict=True):
        evaluator = Evaluator(classifier, examples, tokens=1000)
        assert len(evaluator.shards) > 1
        plain = reference_logits(classifier, evaluator.encoded, mask)
        live = evaluator.evaluate(mask)
        np.testing.assert_array_equal(predictions_of(task, live.logits), predictions_of(task, plain))
        assert live.score == score_of(task, plain, examples.labels)
        assert np.abs(live.logits - plain).max() < (0.2 if "bf16" in evaluator.precision else 1e-4)
        assert np.abs(evaluator.full.logits - stored[places]).max() < 1e-4
