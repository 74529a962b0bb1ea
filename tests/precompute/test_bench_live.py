"""What the benchmark computes beside seconds; the seconds themselves are never a test."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from explorer.bert.reference import reference_logits
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.live.low_margin import logit_margin
from explorer.mask import Mask
from explorer.store.ledger import Ledger
from precompute.bench import figures, live
from precompute.bench.live import Figure, as_markdown
from precompute.bench.onnx_runtime import onnx_forward
from tests import tiny
from tests.live.test_evaluator import Misled


def test_single_toggles_are_every_head_and_every_mlp_once():
    toggles = list(figures.single_toggles(6, 12))
    assert len(toggles) == len(set(toggles)) == 78
    assert {mask.heads_kept + mask.mlps_kept for mask in toggles} == {77}


def test_flops_by_hand():
    """One example of t tokens, 2 layers of width d: one in full, and one for [CLS] over the t states."""
    encoded = tiny.random_encoded(40)
    one = encoded.subset(np.flatnonzero(encoded.lengths == encoded.lengths.min())[:1])
    t, d = int(one.lengths[0]), 3
    assert figures.forward_flops(one, 2, d) == (t * 24 * d * d + 4 * t * t * d) + (24 * d * d + 48 * t * d)


def test_the_engine_and_plain_transformers_agree_on_random_masks(classifier):
    evaluator = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 20), dtype=torch.bfloat16)
    masks = figures.random_masks(6, tiny.N_LAYERS, tiny.N_HEADS)
    assert len(set(masks)) == 6
    assert figures.parity(evaluator, classifier, masks) == figures.Parity(6, 6, 0, 120, 0, 0)
    plain = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 20), dtype=torch.float32)
    assert figures.parity(plain, classifier, masks) == figures.Parity(6, 0, 0, 120, 0, 0)


def test_a_score_that_needs_correction_is_counted_once_however_many_predictions_it_moves(classifier):
    evaluator = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), dtype=torch.bfloat16)
    evaluator.scorer.fast = Misled(evaluator.engine, int(logit_margin(evaluator.full.logits).argmax()))
    masks = [evaluator.full_mask, evaluator.full_mask.with_head(0, 0, False)]
    found = figures.parity(evaluator, classifier, masks[:1])
    assert found == figures.Parity(1, 1, 1, 60, 1, 0)
    assert found + figures.Parity(1, 1, 0, 60, 0, 0) == figures.Parity(2, 2, 1, 120, 1, 0)
    before, corrected, after = live.parity_figures(found, "MRPC")
    assert (before.measured, before.met) == ("1 of 60", False)
    assert corrected.measured == "1 of 1 (100.0%)"
    assert (after.measured, after.met) == ("0 of 60", True)
    _, nothing, _ = live.parity_figures(figures.Parity(2, 0, 0, 120, 0, 0), "MRPC")
    assert nothing.measured == "none to verify: fp32 throughout"


@pytest.mark.parametrize("fast", [torch.bfloat16, torch.float32])
def test_other_ways_are_measured_or_left_out_with_their_reason(classifier, monkeypatch, fast):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # not installed
    monkeypatch.setattr(live, "fast_dtype", lambda: fast)
    evaluator = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 20), dtype=fast)
    masks = figures.random_masks(3, tiny.N_LAYERS, tiny.N_HEADS)
    half, onnx = live._other_ways(classifier, evaluator, masks, 1.0)
    assert onnx.measured == "left out: onnxruntime is not installed (requirements-bench.txt)."
    verifying = live._verifying(evaluator, masks)
    if fast == torch.float32:
        assert half.measured == "left out: this processor is not fast in bf16"
        assert verifying.measured == "nothing to do: fp32 throughout"
    else:
        assert half.measured.endswith(" of 60 predictions are not fp32's")
        assert verifying.measured.endswith(" s")
    assert next(classifier.model.parameters()).dtype == torch.float32  # a copy was turned


def test_onnx_runtime_gives_the_gated_model_s_logits(classifier):
    pytest.importorskip("onnxruntime", reason="optional: requirements-bench.txt")
    encoded = tiny.random_encoded(40)
    forward = onnx_forward(classifier, encoded)
    for mask in figures.random_masks(4, tiny.N_LAYERS, tiny.N_HEADS):
        np.testing.assert_allclose(forward(mask), reference_logits(classifier, encoded, mask), atol=tiny.FP32)


def test_a_toggle_ends_after_its_first_news_and_the_ledger_finds_it(classifier, tmp_path):
    evaluator = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), tokens=100)
    mask = Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_head(0, 0, False)
    toggle = figures.time_toggle(evaluator, mask)
    assert 0 < toggle.first < toggle.final
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert figures.known_seconds(evaluator, [mask], ledger) > 0
    assert len(ledger._db.execute("SELECT mask FROM evaluations").fetchall()) == 1


def test_the_table_says_what_is_missed():
    table = as_markdown([Figure("a", "1 s", "at most 2 s", True), Figure("b", "3 s", "at most 2 s", False)])
    assert table.splitlines()[2:] == ["| a | 1 s | at most 2 s | yes |", "| b | 3 s | at most 2 s | **no** |"]
