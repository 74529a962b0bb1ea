"""The evaluator on a tiny model: shards, exactness, cancelling, sharing among threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings

from explorer.bert.checkpoints import Classifier
from explorer.bert.reference import reference_logits
from explorer.errors import BadMask, BadRequest
from explorer.glue.metrics import score_of
from explorer.glue.tasks import TASKS, Examples
from explorer.live.evaluator import Evaluation, Evaluator, Partial
from explorer.mask import Mask
from tests import tiny


@pytest.fixture(scope="module")
def evaluator(classifier: Classifier) -> Evaluator:
    return Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), tokens=100)


def test_stream_counts_up_and_ends_exact(evaluator: Evaluator) -> None:
    news = list(evaluator.stream(Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_head(1, 2, False)))
    partials, last = news[:-1], news[-1]
    assert len(partials) >= 2
    assert all(isinstance(partial, Partial) and 0 < partial.done < 60 for partial in partials)
    assert [p.done for p in partials if isinstance(p, Partial)] == sorted({p.done for p in partials})  # type: ignore[union-attr]
    widths = [p.score.high - p.score.low for p in partials if isinstance(p, Partial)]
    assert all(width > 0 for width in widths)
    assert isinstance(last, Evaluation)
    assert last.logits.shape == (60, 2)


@given(mask=tiny.masks())
@settings(max_examples=25)
def test_equals_plain_transformers(evaluator: Evaluator, classifier: Classifier, mask: Mask) -> None:
    plain = reference_logits(classifier, evaluator.encoded, mask)
    live = evaluator.evaluate(mask)
    np.testing.assert_array_equal(evaluator.predictions(live), plain.argmax(1))
    np.testing.assert_allclose(live.logits, plain, atol=0.5 if "bf16" in evaluator.precision else 2e-5)
    assert live.score == score_of(TASKS["MRPC"], plain, evaluator.labels)


def test_the_full_model_is_held_in_fp32(evaluator: Evaluator, classifier: Classifier) -> None:
    plain = reference_logits(classifier, evaluator.encoded, evaluator.full_mask)
    np.testing.assert_allclose(evaluator.full.logits, plain, atol=2e-5, rtol=1e-5)


def test_many_at_once_score_as_each_alone(evaluator: Evaluator) -> None:
    full = evaluator.full_mask
    masks = (full, full.with_head(0, 1, False), full.with_head(0, 2, False), full.with_mlp(1, False))
    for mask, together in zip(masks, evaluator.evaluate_many(masks), strict=True):
        alone = evaluator.evaluate(mask)
        assert (together.mask, together.score) == (mask, alone.score)
        np.testing.assert_array_equal(evaluator.predictions(together), evaluator.predictions(alone))
    assert evaluator.evaluate_many(()) == ()


def test_a_partial_is_paired_with_the_full_model(evaluator: Evaluator) -> None:
    *partials, _ = evaluator.stream(evaluator.full_mask.with_layer(1, False))
    for partial in partials:
        assert isinstance(partial, Partial)
        assert partial.difference.n == partial.done
        assert partial.difference.low <= partial.difference.difference <= partial.difference.high
        assert f"{partial.done} of 60 examples" in partial.difference.method
    nothing_off = next(iter(evaluator.stream(evaluator.full_mask)))
    assert isinstance(nothing_off, Partial)
    assert nothing_off.difference.difference == 0


def test_many_threads_share_one_evaluator(evaluator: Evaluator) -> None:
    rng = np.random.default_rng(1)
    masks = [Mask(rng.random((tiny.N_LAYERS, tiny.N_HEADS)) < 0.6, rng.random(tiny.N_LAYERS) < 0.6) for _ in range(24)]
    alone = [evaluator.evaluate(mask).logits for mask in masks]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda mask: evaluator.evaluate(mask).logits, masks))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_abandoned_stream_leaves_nothing_behind(evaluator: Evaluator) -> None:
    mask = Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_layer(0, False)
    before = evaluator.evaluate(mask)
    stream = evaluator.stream(mask)
    next(stream)
    stream.close()
    after = evaluator.evaluate(mask)
    np.testing.assert_array_equal(after.logits, before.logits)
    assert (after.score, after.rechecked) == (before.score, before.rechecked)


def test_bad_input_is_named(evaluator: Evaluator, classifier: Classifier) -> None:
    with pytest.raises(BadMask, match="does not fit a model of 3 layers x 4 heads"):
        evaluator.evaluate(Mask.full(6, 12))
    nothing = Examples(TASKS["MRPC"], "dev", (), "test", "")
    with pytest.raises(BadRequest, match="no examples"):
        Evaluator(classifier, nothing)


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_similarities_that_differ_by_rounding_alone_have_no_correlation(tmp_path, scale: float) -> None:
    model = tiny.finetuned(tmp_path / "stsb", TASKS["STS-B"], scale=scale, hidden=64)
    evaluator = Evaluator(model, tiny.make_examples(TASKS["STS-B"], 60), tokens=100)
    blind = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS)), np.ones(tiny.N_LAYERS))
    evaluation = evaluator.evaluate(blind)
    assert np.isnan(evaluation.score)
    assert "predictions are all the same" in evaluator.interval(evaluation).undefined
    assert not np.isnan(evaluator.full.score)
