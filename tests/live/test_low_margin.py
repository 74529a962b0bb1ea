"""bf16 decides what is clear, fp32 what is close. That the rest is fp32's too is what verifying is for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.bert.shards import shards_of
from explorer.glue.tasks import TASKS
from explorer.live.low_margin import Scorer, largest_margin_error, logit_margin
from explorer.mask import Mask
from tests import tiny

ENCODED = tiny.random_encoded(40, 5)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)


@pytest.fixture(scope="module")
def scorer(classifier):
    return Scorer(classifier, dtype=torch.bfloat16)


@settings(max_examples=40)
@given(tiny.masks(), st.sampled_from([64, 10**6]))
def test_it_says_which_logits_are_fp32s_and_decides_all_that_the_measured_error_may_turn(scorer, mask, tokens):
    for shard in shards_of(ENCODED, tokens):
        cache = scorer.exact.cache_activations(shard, contexts=torch.bfloat16)
        scored = scorer.logits(shard, (mask,), cache)
        exact, in_fp32 = scorer.exact.logits(shard, mask), scored.exact[0]
        assert scored.rechecked == in_fp32.sum() >= min(4, len(exact))
        np.testing.assert_allclose(scored.logits[0][in_fp32], exact[in_fp32], atol=tiny.FP32)
        assert (logit_margin(scored.logits[0][~in_fp32]) >= scored.bounds[0].tolerance).all()


class Rough:
    """An engine that is off by what it is told, in favour of the second class."""

    def __init__(self, exact, error):
        self.exact, self.error, self.dtype = exact, error, torch.bfloat16

    def logits_of_many(self, shard, masks, cache):
        return self.exact.logits_of_many(shard, masks, cache) + self.error[..., None] * np.float32([-0.5, 0.5])


@pytest.mark.parametrize("size", [0.0, 0.01, 0.3, 5.0])
def test_a_large_error_is_noticed_and_all_that_it_might_flip_is_computed_again(classifier, size):
    (shard,) = shards_of(ENCODED, 10**6)
    scorer = Scorer(classifier, dtype=torch.bfloat16)
    scorer.fast = Rough(scorer.exact, np.full(40, size, np.float32))
    exact = scorer.exact.logits(shard, FULL)
    scored = scorer.logits(shard, (FULL,))
    np.testing.assert_array_equal(scored.logits[0].argmax(1), exact.argmax(1))
    within = int((logit_margin(exact + size * np.float32([-0.5, 0.5])) < 4 * size).sum())
    assert scored.rechecked >= max(4, within)


def test_what_was_measured_in_one_shard_counts_in_the_next(classifier):
    shards = shards_of(ENCODED, 40)
    assert len(shards) > 6
    scorer = Scorer(classifier, dtype=torch.bfloat16)
    scorer.fast = Rough(scorer.exact, np.float32(1e-5))  # nothing is a close call
    bounds, counts = None, []
    for shard in shards:
        scored = scorer.logits(shard, (FULL,), None, bounds)
        close = int((logit_margin(scored.logits[0]) < 0.02).sum())
        bounds = scored.bounds
        counts.append(scored.rechecked - close)
        if bounds[0].measured >= 16 + close:
            break
    assert bounds[0].measured >= 16
    later = scorer.logits(shards[-1], (FULL,), None, bounds)
    assert later.rechecked == int((logit_margin(scorer.exact.logits(shards[-1], FULL)) < 0.02).sum())


def test_an_error_seen_in_one_shard_widens_what_is_close_in_the_next(classifier):
    first, second, *_ = shards_of(ENCODED, 60)
    scorer = Scorer(classifier, dtype=torch.bfloat16)
    scorer.fast = Rough(scorer.exact, np.float32(0.5))
    (bound,) = scorer.logits(first, (FULL,)).bounds
    assert bound.tolerance == pytest.approx(2.0, rel=1e-3)
    scorer.fast = Rough(scorer.exact, np.float32(0.0))
    again = scorer.logits(second, (FULL,), None, (bound,))
    assert (
        again.rechecked == int((logit_margin(scorer.exact.logits(second, FULL)) < bound.tolerance).sum())
        or again.rechecked == 4
    )


def test_fp32_rechecks_nothing_and_regression_is_fp32(classifier, tmp_path):
    (shard,) = shards_of(ENCODED, 10**6)
    plain = Scorer(classifier, dtype=torch.float32)
    assert plain.precision == "fp32"
    assert plain.logits(shard, (FULL,)).rechecked == 0
    regression = Scorer(tiny.finetuned(tmp_path / "m", TASKS["STS-B"], seed=3), dtype=torch.bfloat16)
    assert regression.precision == "fp32"


def test_gaps_and_errors_by_hand():
    logits = np.float32([[1.0, 3.5, 3.0], [0.0, 0.0, -1.0]])
    assert logit_margin(logits).tolist() == [0.5, 0.0]
    assert largest_margin_error(logits, logits + np.float32([0.25, 0, -0.5])) == 0.75
    assert largest_margin_error(logits, logits + np.float32(7)) == 0.0  # the same for every class: no gap changes


def test_scoring_writes_to_no_weight(scorer):
    before = [layer.qkv.clone() for layer in scorer.exact.layers]
    scorer.logits(shards_of(ENCODED, 10**6)[0], (FULL.with_layer(0, False),))
    assert all(torch.equal(one, layer.qkv) for one, layer in zip(before, scorer.exact.layers, strict=True))
