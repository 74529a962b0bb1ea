"""What the benchmark of training computes beside seconds; the seconds themselves are never a test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.bert.gates import gates_of
from explorer.glue.encoding import encode
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.tickets.finetuning import TrainingSet
from explorer.tickets.gradients import importance
from explorer.tickets.recipes import Recipe
from precompute.bench import train as bench_train
from precompute.bench.plain_training import plain_importance
from precompute.bench.turns import Spent, in_turns, times
from tests import tiny

MRPC = TASKS["MRPC"]
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)


def test_works_take_turns_and_ratios_are_medians_of_turns():
    order, seconds = [], {"ours": iter((1.0, 2.0, 4.0)), "plain": iter((3.0, 4.0, 40.0))}

    def work(name):
        def run():
            order.append(name)
            wall = next(seconds[name])
            return Spent(wall, 2 * wall if name == "plain" else wall)

        return run

    spent = in_turns({name: work(name) for name in ("ours", "plain")}, 3, "test")
    assert order == ["ours", "plain"] * 3
    assert times(spent, "plain", "ours") == (3.0, 6.0)


def test_the_share_of_parameters_by_hand(classifier):
    """A head of the tiny BERT has 268, an MLP 1,072: see the tests of surgery."""
    whole = 12 * 268 + 3 * 1072
    assert bench_train.share_kept(classifier, FULL) == 1
    mask = FULL.with_head(0, 1, False).with_layer(1, False)
    assert bench_train.share_kept(classifier, mask) == pytest.approx(1 - (5 * 268 + 1072) / whole)


def test_a_drawn_mask_has_the_same_shares():
    mask = FULL.with_layer(0, False).with_head(1, 1, False)
    drawn = bench_train.drawn_like(mask, 12, 12)
    assert (drawn.heads_kept, drawn.mlps_kept) == (round(7 / 12 * 144), 8)
    assert drawn == bench_train.drawn_like(mask, 12, 12)


@pytest.mark.parametrize("padded_to", [None, 64])
def test_the_plain_importance_is_the_one_that_is_timed(classifier, padded_to):
    """Of one batch, in which the sum of absolute batch gradients is the estimator `batch`."""
    examples = tiny.make_examples(MRPC, 20)
    encoded = encode(examples, classifier.tokenizer)
    mask = FULL.with_head(1, 2, False)
    ours = importance(classifier, MRPC, encoded, examples.labels, mask, "batch")
    heads, mlps = plain_importance(classifier, MRPC, encoded, examples.labels, mask, padded_to=padded_to)
    np.testing.assert_allclose(heads, ours.heads, atol=1e-4, rtol=1e-3)
    np.testing.assert_allclose(mlps, ours.mlps, atol=1e-4, rtol=1e-3)
    assert heads.shape == gates_of(mask)[0].shape
    assert not any(parameter.requires_grad for parameter in classifier.model.parameters())


def test_every_figure_comes_with_the_baselines_beside_it(classifier):
    recipe = Recipe("test", learning_rate=1e-3, epochs=1, batch_size=4, freeze_embeddings=True, group_by_length=True)
    examples = tiny.make_examples(MRPC, 24)
    data = TrainingSet(MRPC, encode(examples, classifier.tokenizer), examples.labels)
    sizes = bench_train.Sizes(steps=2, turns=2, batch_size=4, examples=12)
    ticket = {"good": FULL.with_layer(1, False)}
    figures = [
        *bench_train._training("tiny", classifier, data, recipe, 1, ticket, sizes),
        *bench_train._measuring("tiny", classifier, replace(examples, split="dev"), sizes),
    ]
    named = {figure.what: figure for figure in figures}
    assert len(named) == len(figures) == 3 + 4 + 3 + 3
    assert named["tiny: fine-tune, against a plain loop"].target == "at least 1.5x"
    assert named["tiny: retrain good, against the authors' way"].target == "at least 4.0x"
    assert named["tiny: retrain good (67% of the parameters), against fine-tune"].target == "at least 1.2x"
    assert named["tiny: importance, against the authors' way"].target == "at least 3.0x"


def test_bf16_is_timed_apart_where_the_processor_emulates_it(classifier, monkeypatch):
    monkeypatch.setattr(bench_train, "training_dtype", lambda _recipe, _device="cpu": torch.float32)
    recipe = Recipe("test", learning_rate=1e-3, epochs=1, batch_size=4, bf16=True)
    examples = tiny.make_examples(MRPC, 24)
    data = TrainingSet(MRPC, encode(examples, classifier.tokenizer), examples.labels)
    sizes = bench_train.Sizes(steps=1, turns=1, batch_size=4, examples=12)
    *_, last = bench_train._training("tiny", classifier, data, recipe, 1, {}, sizes)
    assert last.what == "tiny: fine-tune, against a plain loop in bf16, which this processor emulates, one step"
    assert last.met is None
