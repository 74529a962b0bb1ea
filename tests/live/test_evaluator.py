"""The evaluator on a tiny model: shards, exactness, cancelling, sharing among threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings

from explorer.bert.reference import reference_logits
from explorer.errors import BadMask, BadRequest
from explorer.glue.metrics import score_of
from explorer.glue.tasks import TASKS, Examples
from explorer.live.evaluator import Evaluation, Evaluator, Partial
from explorer.live.low_margin import logit_margin
from explorer.mask import Mask
from tests import tiny


@pytest.fixture(scope="module")
def evaluator(classifier):
    return Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), tokens=100)


def test_stream_counts_up_and_ends_exact(evaluator):
    news = list(evaluator.stream(Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_head(1, 2, False)))
    partials, last = news[:-1], news[-1]
    assert len(partials) >= 2
    assert all(isinstance(partial, Partial) and 0 < partial.done < 60 for partial in partials)
    assert [p.done for p in partials if isinstance(p, Partial)] == sorted({p.done for p in partials})
    widths = [p.score.high - p.score.low for p in partials if isinstance(p, Partial)]
    assert all(width > 0 for width in widths)
    assert isinstance(last, Evaluation)
    assert last.logits.shape == (60, 2)


@pytest.fixture(scope="module")
def fast(classifier):
    """In bf16 with close calls in fp32, whether this processor is fast in it or not."""
    return Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), tokens=100, dtype=torch.bfloat16)


@given(mask=tiny.masks())
@example(mask=Mask.from_code("_-Y", tiny.N_LAYERS, tiny.N_HEADS))  # off by .47 on one example, by .01 on most
@settings(max_examples=25)
def test_equals_plain_transformers(fast, classifier, mask):
    """Once verified, and always. Before, bf16 may be further off than was measured: then a prediction may differ."""
    plain = reference_logits(classifier, fast.encoded, mask)
    live = fast.evaluate(mask)
    assert live.exact is not None
    assert live.rechecked == live.exact.sum() < 60
    np.testing.assert_allclose(live.logits[live.exact], plain[live.exact], atol=tiny.FP32)
    verified = fast.verified(live)
    assert verified.verified
    np.testing.assert_allclose(verified.logits, plain, atol=tiny.FP32)
    assert verified.corrected == (fast.predictions(live) != fast.predictions(verified)).sum()
    if logit_margin(plain).min() > 2 * tiny.FP32:  # else the order of a sum in fp32 decides
        np.testing.assert_array_equal(fast.predictions(verified), plain.argmax(1))
        assert verified.score == score_of(TASKS["MRPC"], plain, fast.labels)


class Misled:
    """An engine that takes one example, clear as it is, for the other class, and is right in all else."""

    dtype = torch.bfloat16

    def __init__(self, exact, example):
        self.exact, self.example = exact, example

    def logits_of_many(self, shard, masks, cache):
        logits = self.exact.logits_of_many(shard, masks, cache)
        return np.where((shard.indices == self.example)[:, None], logits[..., ::-1], logits)


@pytest.fixture
def misled(classifier):
    made = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), tokens=100, dtype=torch.bfloat16)
    clearest = int(logit_margin(made.full.logits).argmax())
    made.scorer.fast = Misled(made.engine, clearest)
    return made


def test_an_error_far_beyond_the_measured_is_found_by_verifying_alone(misled):
    live = misled.evaluate(misled.full_mask)
    (wrong,) = np.nonzero(misled.predictions(live) != misled.predictions(misled.full))
    assert len(wrong) == 1, "this is what the close calls cannot find"
    assert not live.verified
    *counts, verified = misled.verify(live)
    assert isinstance(verified, Evaluation)
    assert verified.verified
    assert verified.corrected == 1
    assert verified.score == misled.full.score != live.score
    np.testing.assert_array_equal(misled.predictions(verified), misled.predictions(misled.full))
    assert len(counts) > 1, "a turn a shard"
    assert counts == sorted(counts)
    assert counts[-1] == 60
    assert live.corrected == 0, "what was given stays as it is"
    assert list(misled.verify(verified)) == [verified], "nothing is left to do"


def test_what_is_fp32s_already_is_not_computed_again(misled, monkeypatch):
    live = misled.evaluate(misled.full_mask)
    assert live.exact is not None
    computed = []
    real = misled.engine.logits
    monkeypatch.setattr(misled.engine, "logits", lambda shard, *of: computed.extend(shard.indices) or real(shard, *of))
    misled.verified(live)
    assert sorted(computed) == np.flatnonzero(~live.exact).tolist()
    computed.clear()
    misled.verified(replace(live, exact=None))  # from a ledger, which does not say
    assert sorted(computed) == list(range(60))


def test_fp32_is_verified_at_once(evaluator, classifier):
    plain = Evaluator(classifier, evaluator.examples, tokens=100, dtype=torch.float32)
    mask = plain.full_mask.with_layer(1, False)
    *_, streamed = plain.stream(mask)
    for live in (plain.evaluate(mask), streamed, plain.full, evaluator.full):
        assert isinstance(live, Evaluation)
        assert live.verified
        assert live.corrected == 0
        assert list(plain.verify(live)) == [live]


def test_the_full_model_is_held_in_fp32(evaluator, classifier):
    plain = reference_logits(classifier, evaluator.encoded, evaluator.full_mask)
    np.testing.assert_allclose(evaluator.full.logits, plain, atol=2e-5, rtol=1e-5)


def test_many_at_once_score_as_each_alone(evaluator):
    full = evaluator.full_mask
    masks = (full, full.with_head(0, 1, False), full.with_head(0, 2, False), full.with_mlp(1, False))
    for mask, together in zip(masks, evaluator.evaluate_many(masks), strict=True):
        alone = evaluator.evaluate(mask)
        assert (together.mask, together.score) == (mask, alone.score)
        np.testing.assert_array_equal(evaluator.predictions(together), evaluator.predictions(alone))
    assert evaluator.evaluate_many(()) == ()


def test_a_partial_is_paired_with_the_full_model(evaluator):
    *partials, _ = evaluator.stream(evaluator.full_mask.with_layer(1, False))
    for partial in partials:
        assert isinstance(partial, Partial)
        assert partial.difference.n == partial.done
        assert partial.difference.low <= partial.difference.difference <= partial.difference.high
        assert f"{partial.done} of 60 examples" in partial.difference.method
    nothing_off = next(iter(evaluator.stream(evaluator.full_mask)))
    assert isinstance(nothing_off, Partial)
    assert nothing_off.difference.difference == 0


def test_many_threads_share_one_evaluator(evaluator):
    rng = np.random.default_rng(1)
    masks = [Mask(rng.random((tiny.N_LAYERS, tiny.N_HEADS)) < 0.6, rng.random(tiny.N_LAYERS) < 0.6) for _ in range(24)]
    alone = [evaluator.evaluate(mask).logits for mask in masks]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda mask: evaluator.evaluate(mask).logits, masks))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_abandoned_stream_leaves_nothing_behind(evaluator):
    mask = Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_layer(0, False)
    before = evaluator.evaluate(mask)
    stream = evaluator.stream(mask)
    next(stream)
    stream.close()
    after = evaluator.evaluate(mask)
    np.testing.assert_array_equal(after.logits, before.logits)
    assert (after.score, after.rechecked) == (before.score, before.rechecked)


def test_bad_input_is_named(evaluator, classifier):
    with pytest.raises(BadMask, match="does not fit a model of 3 layers x 4 heads"):
        evaluator.evaluate(Mask.full(6, 12))
    nothing = Examples(TASKS["MRPC"], "dev", (), "test", "")
    with pytest.raises(BadRequest, match="no examples"):
        Evaluator(classifier, nothing)


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_similarities_that_differ_by_rounding_alone_have_no_correlation(tmp_path, scale):
    model = tiny.finetuned(tmp_path / "stsb", TASKS["STS-B"], scale=scale, hidden=64)
    evaluator = Evaluator(model, tiny.make_examples(TASKS["STS-B"], 60), tokens=100)
    blind = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS)), np.ones(tiny.N_LAYERS))
    evaluation = evaluator.evaluate(blind)
    assert np.isnan(evaluation.score)
    assert "predictions are all the same" in evaluator.interval(evaluation).undefined
    assert not np.isnan(evaluator.full.score)
