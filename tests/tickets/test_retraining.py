"""Retraining: what is pruned takes no part, what is zero stays zero, and resuming changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.bert.batches import pad
from explorer.bert.checkpoints import weights_of, with_weights
from explorer.bert.dropout import Draws
from explorer.bert.gates import gated, gates_of
from explorer.errors import BadMask, BadRequest
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.tickets import finetuning
from explorer.tickets.finetuning import Progress, TrainingSet, finetune
from explorer.tickets.magnitude import WeightMask, random_weights, without_lowest
from explorer.tickets.recipes import Recipe
from explorer.tickets.retraining import retrain
from precompute.bench.plain_training import plain_steps
from tests import tiny

TASK = TASKS["MRPC"]
RECIPE = Recipe("test", learning_rate=1e-3, epochs=2, batch_size=4, weight_decay=0.1)
MASK = Mask.full(3, 4).with_head(0, 1, False).with_head(2, 3, False).with_layer(1, False).with_mlp(2, False)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    return tiny.pretrained(tmp_path_factory.mktemp("retraining") / "tiny", TASK, scale=0.3)


@pytest.fixture(scope="module")
def data():
    encoded = tiny.random_encoded(18, seed=3)
    return TrainingSet(TASK, encoded, np.random.default_rng(0).integers(0, 2, 18).astype(np.float64))


@pytest.fixture(scope="module")
def half(pretrained):
    weights = weights_of(pretrained.model)
    full = WeightMask.full(weights)
    return without_lowest(full, {n: np.abs(weights[n]) for n in full.names}, full.n_weights // 2)


def state(model):
    return weights_of(model)


def same(a, b):
    left, right = state(a), state(b)
    return all(np.array_equal(left[name], right[name]) for name in left)


def in_pruned_part(name, shape):
    """Which weights of the tiny BERT (d = 4) MASK switches off."""
    off = np.zeros(shape, bool)
    if not name.startswith("bert.encoder.layer."):
        return off
    layer = int(name.split(".")[3])
    for head in np.flatnonzero(~MASK.heads[layer]):
        span = slice(4 * head, 4 * head + 4)
        if ".attention.self." in name:
            off[span] = True
        elif name.endswith("attention.output.dense.weight"):
            off[:, span] = True
    if not MASK.mlps[layer] and (".intermediate." in name or f"{layer}.output.dense" in name):
        off[:] = True
    return off


def test_without_a_mask_it_is_plain_fine_tuning(pretrained, data):
    plain = finetune(pretrained, data, RECIPE, 5)
    assert same(plain, retrain(pretrained, data, RECIPE, 5))
    assert same(plain, retrain(pretrained, data, RECIPE, 5, mask=Mask.full(3, 4)))
    full = WeightMask.full(weights_of(pretrained.model))
    assert same(plain, retrain(pretrained, data, RECIPE, 5, weight_mask=full))
    assert not same(plain, retrain(pretrained, data, RECIPE, 5, mask=MASK))


@pytest.mark.parametrize("mask", [MASK, Mask.full(3, 4).with_layer(2, False), Mask.full(3, 4).with_head(2, 1, False)])
def test_the_cut_model_loses_what_the_gated_one_loses(pretrained, data, mask):
    """Plain transformers, padded, with gates, against training what surgery leaves: the same losses."""
    recipe = replace(RECIPE, epochs=3)
    exact = tiny.without_dropout(pretrained)
    seen: list[Progress] = []
    retrain(exact, data, recipe, 5, mask=mask, on_step=seen.append)
    losses = list(plain_steps(exact, data, recipe, 5, mask=mask))
    assert len(losses) == 15
    assert max(losses) - min(losses) > 0.05, "it trains"
    np.testing.assert_allclose([progress.loss for progress in seen], losses, atol=2e-4)


def test_pruned_weights_do_not_move_without_decay(pretrained, data):
    recipe = replace(RECIPE, weight_decay=0.0)
    before, after = state(pretrained.model), state(retrain(pretrained, data, recipe, 5, mask=MASK))
    moved = 0
    for name in before:
        off = in_pruned_part(name, before[name].shape)
        assert np.array_equal(before[name][off], after[name][off]), name
        moved += int((before[name][~off] != after[name][~off]).sum())
    assert moved > 1000


def test_what_was_pruned_cannot_be_told_from_the_result(pretrained, data):
    """Other values in the pruned part give the same kept part, bit for bit, and the same gated logits."""
    rng = np.random.default_rng(9)
    weights = weights_of(pretrained.model)
    other = {
        name: np.where(in_pruned_part(name, array.shape), rng.normal(size=array.shape), array).astype(np.float32)
        for name, array in weights.items()
    }
    changed = with_weights(pretrained, other, source="other", sha256="other")
    one = retrain(pretrained, data, RECIPE, 5, mask=MASK)
    two = retrain(changed, data, RECIPE, 5, mask=MASK)
    for name, array in state(one).items():
        on = ~in_pruned_part(name, array.shape)
        assert np.array_equal(array[on], state(two)[name][on]), name
    batch = pad(data.encoded, np.arange(18))
    logits = []
    for model in (one, two):
        with torch.no_grad(), gated(model, *gates_of(MASK)):
            logits.append(model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits)
    assert torch.equal(*logits)


def test_pruned_weights_stay_exactly_zero_at_every_step(pretrained, data, half, tmp_path):
    model = retrain(pretrained, data, RECIPE, 5, weight_mask=half, resume_dir=tmp_path, save_every=1)
    from safetensors.numpy import load_file

    saved = load_file(tmp_path / "state.safetensors")  # of the last step but one
    for weights in (state(model), {k.removeprefix("model."): v for k, v in saved.items()}):
        for name in half.names:
            assert not weights[name][~half.kept(name)].any(), name
    before, after = state(pretrained.model), state(model)
    moved = [(before[name][half.kept(name)] != after[name][half.kept(name)]).any() for name in half.names]
    assert moved == [name != "bert.encoder.layer.2.attention.self.key.bias" for name in half.names]


def test_clipping_counts_only_what_is_trained(pretrained, data, half, monkeypatch):
    seen = 0

    def look(parameters, _limit):
        nonlocal seen
        seen += 1
        gradients = {id(p): p.grad for p in parameters}
        named = [(n, p) for model in models for n, p in model.named_parameters()]
        for name, parameter in named:
            if name in half.names and gradients[id(parameter)] is not None:
                gradient = gradients[id(parameter)].numpy()
                assert not gradient[~half.kept(name)].any()
                assert gradient.any()

    models = []
    whole = finetuning._trainable
    monkeypatch.setattr(finetuning, "_trainable", lambda *a: models.append(whole(*a)) or models[-1])
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", look)
    retrain(pretrained, data, RECIPE, 5, weight_mask=half)
    assert seen == 10


def test_a_ticket_is_trained_with_the_draws_of_the_whole_model(pretrained, data, monkeypatch):
    """Hidden dropout is named by layer and place: what is pruned before it shifts nothing."""
    recipe = replace(RECIPE, attention_dropout=0.0, epochs=1)
    runs = []
    keep = Draws.keep

    def note(self, place, shape, share, like):
        drawn = keep(self, place, shape, share, like)
        runs[-1][(self.step, place)] = drawn.numpy().copy()
        return drawn

    monkeypatch.setattr(Draws, "keep", note)
    for mask in (None, MASK):
        runs.append({})
        retrain(pretrained, data, recipe, 5, mask=mask)
    whole, ticket = runs
    assert ticket.keys() < whole.keys()
    assert all(np.array_equal(whole[key], drawn) for key, drawn in ticket.items())


def test_the_pruned_part_comes_back_as_it_was(pretrained, data):
    before, after = state(pretrained.model), state(retrain(pretrained, data, RECIPE, 5, mask=MASK))
    for name in before:
        off = in_pruned_part(name, before[name].shape)
        assert np.array_equal(before[name][off], after[name][off]), name


@pytest.mark.parametrize("kind", ["mask", "weights", "both"])
def test_killed_and_started_again_it_ends_the_same(pretrained, data, half, tmp_path, kind):
    masks = {}
    if kind != "weights":
        masks["mask"] = MASK
    if kind != "mask":
        masks["weight_mask"] = half
    whole = retrain(pretrained, data, RECIPE, 5, **masks)

    def die(progress):
        if progress.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(pretrained, data, RECIPE, 5, resume_dir=tmp_path, save_every=3, on_step=die, **masks)
    steps = []
    again = retrain(
        pretrained,
        data,
        RECIPE,
        5,
        resume_dir=tmp_path,
        save_every=3,
        on_step=lambda progress: steps.append(progress.step),
        **masks,
    )
    assert steps == [7, 8, 9, 10]
    assert same(whole, again)


def test_another_mask_does_not_go_on_from_it(pretrained, data, half, tmp_path):
    retrain(pretrained, data, RECIPE, 5, mask=MASK, resume_dir=tmp_path, save_every=3)
    others = [{}, {"mask": MASK.with_head(0, 0, False)}, {"weight_mask": half}, {"mask": MASK, "weight_mask": half}]
    for other in others:
        with pytest.raises(BadRequest, match="unfinished"):
            retrain(pretrained, data, RECIPE, 5, resume_dir=tmp_path, **other)


def test_another_weight_mask_does_not_go_on_from_it(pretrained, data, half, tmp_path):
    retrain(pretrained, data, RECIPE, 5, weight_mask=half, resume_dir=tmp_path, save_every=3)
    with pytest.raises(BadRequest, match="unfinished"):
        retrain(pretrained, data, RECIPE, 5, weight_mask=random_weights(half, 0), resume_dir=tmp_path)


def test_hooks_and_the_pretrained_model_are_left_as_they_were(pretrained, data, half):
    before = state(pretrained.model)
    model = retrain(pretrained, data, RECIPE, 5, mask=MASK, weight_mask=half)
    assert all(np.array_equal(before[name], array) for name, array in state(pretrained.model).items())
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert not any(parameter._backward_hooks for parameter in model.parameters())
    assert not model.training


def test_frozen_embeddings_take_no_hook(pretrained, data, half):
    recipe = replace(RECIPE, freeze_embeddings=True, epochs=1)
    model = retrain(pretrained, data, recipe, 5, weight_mask=half)
    name = "bert.embeddings.word_embeddings.weight"
    assert np.array_equal(state(model)[name], state(pretrained.model)[name])


def test_masks_for_another_model_are_refused(pretrained, data):
    with pytest.raises(BadMask, match="does not fit"):
        retrain(pretrained, data, RECIPE, 5, mask=Mask.full(3, 5))
    other = WeightMask.from_kept({"bert.encoder.layer.0.output.dense.weight": np.ones((2, 2), bool)})
    with pytest.raises(BadMask, match="does not fit"):
        retrain(pretrained, data, RECIPE, 5, weight_mask=other)
