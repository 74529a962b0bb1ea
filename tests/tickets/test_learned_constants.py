"""Learned constants on tiny models: closer to the full model than means, the same after a break, exact where known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from explorer.bert.engine import Engine, Instead
from explorer.bert.shards import shards_of
from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.saved_state import Pace, SavedState
from explorer.tickets.learned_constants import learn_constants
from tests import tiny

TASK = TASKS["MRPC"]
RATES = (0.5, 0.8)


@pytest.fixture(scope="module")
def encoded(classifier):
    return encode(tiny.make_examples(TASK, 24, seed=3), classifier.tokenizer)


@pytest.fixture(scope="module")
def engine(classifier):
    return Engine(classifier)


@pytest.fixture(scope="module")
def means(engine, encoded):
    return engine.mean_outputs(shards_of(encoded))


def divergence(engine, encoded, instead, seed=5):
    """From the full model, over 40 random masks that no step has seen."""
    rng, full = np.random.default_rng(seed), Mask.full(engine.n_layers, engine.n_heads)
    wanted = functional.log_softmax(torch.from_numpy(engine.logits_of_all(encoded, full)), dim=-1)
    of, found = engine.with_instead(instead) if instead else engine, []
    for _ in range(40):
        mask = Mask(rng.random(full.heads.shape) < 0.65, rng.random(full.mlps.shape) < 0.65)
        said = functional.log_softmax(torch.from_numpy(of.logits_of_all(encoded, mask)), dim=-1)
        found.append(float(functional.kl_div(said, wanted, log_target=True, reduction="batchmean")))
    return float(np.mean(found))


def test_they_bring_masked_models_closer_to_the_full_one_than_means_and_nothing(classifier, engine, encoded, means):
    found = learn_constants(classifier, TASK, encoded, means, RATES, steps=300, learning_rate=0.1)
    assert found.losses.shape == (300,)
    assert found.losses[-20:].mean() < found.losses[:20].mean()
    learnt, mean, nothing = (divergence(engine, encoded, of) for of in (found.instead, means, None))
    assert learnt < 0.96 * mean
    assert learnt < 0.5 * nothing


def test_no_step_leaves_what_it_began_with(classifier, encoded, means):
    found = learn_constants(classifier, TASK, encoded, means, RATES, steps=0)
    torch.testing.assert_close(found.instead.heads, means.heads.float())
    torch.testing.assert_close(found.instead.mlps, means.mlps.float())


def test_the_first_loss_is_the_divergence_under_the_masks_that_are_drawn(classifier, engine, encoded, means):
    """Every part kept: nothing to learn from; every part off: the divergence under one mask, known from the engine."""
    kept = learn_constants(classifier, TASK, encoded, means, (1.0,), steps=2)
    assert kept.losses == pytest.approx([0, 0], abs=1e-6)
    torch.testing.assert_close(kept.instead.heads, means.heads.float())
    off = learn_constants(classifier, TASK, encoded, means, (0.0,), steps=1)
    full = Mask.full(engine.n_layers, engine.n_heads)
    empty = Mask(full.heads & False, full.mlps & False)
    logits = [
        torch.from_numpy(of.logits_of_all(encoded, mask))
        for of, mask in ((engine.with_instead(Instead(means.heads.float(), means.mlps.float())), empty), (engine, full))
    ]
    said, wanted = (functional.log_softmax(of, dim=-1) for of in logits)
    assert off.losses[0] == pytest.approx(
        float(functional.kl_div(said, wanted, log_target=True, reduction="batchmean")), rel=1e-4
    )


def test_a_regression_is_held_against_the_full_model_s_values(tmp_path):
    from explorer.bert.checkpoints import load_finetuned

    task = TASKS["STS-B"]
    model = load_finetuned(str(tiny.save_folder(tmp_path / "regression", n_outputs=1)), task)
    encoded = encode(tiny.make_examples(task, 24, seed=3), model.tokenizer)
    begin = Engine(model).mean_outputs(shards_of(encoded))
    found = learn_constants(model, task, encoded, begin, RATES, steps=80)
    assert found.losses[-20:].mean() < found.losses[:20].mean()


def test_after_a_break_it_comes_to_the_very_same(classifier, encoded, means, tmp_path):
    whole = learn_constants(classifier, TASK, encoded, means, RATES, steps=12)

    class Killed(Exception):
        pass

    def kill(done, of):
        if done == 7:
            raise Killed

    def state():
        return SavedState(tmp_path / "state.npz", "this one", Pace(0.0))

    with pytest.raises(Killed):
        learn_constants(classifier, TASK, encoded, means, RATES, steps=12, state=state(), on_step=kill)
    there = state()
    assert len(there.arrays["losses"]) == 7
    again = learn_constants(classifier, TASK, encoded, means, RATES, steps=12, state=there)
    np.testing.assert_array_equal(again.losses, whole.losses)
    torch.testing.assert_close(again.instead.heads, whole.instead.heads, rtol=0, atol=0)
    torch.testing.assert_close(again.instead.mlps, whole.instead.mlps, rtol=0, atol=0)


def test_nothing_is_learnt_from_nothing(classifier, means):
    with pytest.raises(BadRequest, match="at least one example"):
        learn_constants(
            classifier, TASK, encode(tiny.make_examples(TASK, 0, seed=3), classifier.tokenizer), means, RATES
        )
