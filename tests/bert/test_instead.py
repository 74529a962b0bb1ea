"""What stands in for a head or MLP that is off: 0 is the paper's ablation, means are those of plain transformers."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from explorer.bert.engine import Engine, Instead
from explorer.bert.gates import encoder_layers, gates_of
from explorer.bert.shards import shards_of
from explorer.bert.training_forward import Gates, Layout, training_logits
from explorer.errors import BadRequest
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.tickets.gradients import importance
from tests import tiny

ENCODED, SAMPLE = tiny.random_encoded(17), tiny.random_encoded(11, seed=5)
L, H, D = tiny.N_LAYERS, tiny.N_HEADS, tiny.HIDDEN


@pytest.fixture(scope="module")
def engine(classifier):
    return Engine(classifier)


@pytest.fixture(scope="module")
def means(engine):
    return engine.mean_outputs(shards_of(SAMPLE, 40))


def run(model, encoded, hook_of):
    """Logits of stock transformers, one example at a time, with the hooks that hook_of(layer, number) makes."""
    hooks = [hook for number, layer in enumerate(encoder_layers(model)) for hook in hook_of(layer, number)]
    try:
        with torch.inference_mode():
            return np.concatenate(
                [
                    model(ids[None], token_type_ids=types[None]).logits.numpy()
                    for ids, types in (map(torch.from_numpy, encoded.example(i)) for i in range(len(encoded)))
                ]
            )
    finally:
        for hook in hooks:
            hook.remove()


def engine_logits(engine, mask):
    logits = np.zeros((len(ENCODED), engine.n_outputs), np.float32)
    for shard in shards_of(ENCODED, 50):
        logits[shard.indices] = engine.logits(shard, mask)
    return logits


@settings(max_examples=20, deadline=None)
@given(tiny.masks())
def test_a_constant_of_0_is_zero_ablation(engine, mask):
    zero = engine.with_instead(Instead(torch.zeros(L, H, D // H), torch.zeros(L, D)))
    np.testing.assert_allclose(engine_logits(zero, mask), engine_logits(engine, mask), atol=tiny.FP32, rtol=0)


@settings(max_examples=20, deadline=None)
@given(tiny.masks())
def test_mean_ablation_is_that_of_hooks_on_plain_transformers(classifier, engine, mask):
    model = copy.deepcopy(classifier.model)
    contexts, outputs = [[] for _ in range(L)], [[] for _ in range(L)]

    def listening(layer, number):
        yield layer.attention.output.dense.register_forward_pre_hook(
            lambda _, args: contexts[number].append(args[0][0])
        )
        yield layer.output.dense.register_forward_hook(lambda _, args, out: outputs[number].append(out[0]))

    run(model, SAMPLE, listening)
    of_heads = torch.stack([torch.cat(one).mean(dim=0) for one in contexts])  # (L, H * d)
    of_mlps = torch.stack([torch.cat(one).mean(dim=0) for one in outputs])
    off = torch.from_numpy(~mask.heads).repeat_interleave(D // H, dim=1)

    def standing_in(layer, number):
        yield layer.attention.output.dense.register_forward_pre_hook(
            lambda _, args: (torch.where(off[number], of_heads[number], args[0]),)
        )
        if not mask.mlps[number]:
            yield layer.output.dense.register_forward_hook(lambda _, args, out: of_mlps[number].expand_as(out))

    means = engine.mean_outputs(shards_of(SAMPLE, 40))
    torch.testing.assert_close(means.heads.flatten(1).float(), of_heads, atol=1e-5, rtol=0)
    torch.testing.assert_close(means.mlps.float(), of_mlps, atol=1e-5, rtol=0)
    expected = run(model, ENCODED, standing_in)
    np.testing.assert_allclose(engine_logits(engine.with_instead(means), mask), expected, atol=tiny.FP32, rtol=0)


def test_the_full_model_and_the_engine_it_was_made_from_stay_as_they_are(engine, means):
    full, off = Mask.full(L, H), Mask.full(L, H).with_head(1, 2, False).with_mlp(0, False)
    before = engine_logits(engine, off)
    made = engine.with_instead(means)
    np.testing.assert_array_equal(engine_logits(made, full), engine_logits(engine, full))
    assert np.abs(engine_logits(made, off) - before).max() > 1e-3
    np.testing.assert_array_equal(engine_logits(engine, off), before)


def test_constants_of_another_shape_and_means_of_nothing_are_refused(engine):
    with pytest.raises(BadRequest, match="another shape"):
        engine.with_instead(Instead(torch.zeros(L + 1, H, D // H), torch.zeros(L + 1, D)))
    with pytest.raises(BadRequest, match="no example"):
        engine.mean_outputs([])


@settings(max_examples=10, deadline=None)
@given(tiny.masks())
def test_gates_lead_from_a_component_to_what_stands_in_for_it(classifier, engine, means, mask):
    weights, layout = dict(classifier.model.named_parameters()), Layout.of(classifier.model)
    (shard,) = shards_of(ENCODED, 10_000)
    heads, mlps = (gate.expand(len(ENCODED), *gate.shape) for gate in gates_of(mask))
    with torch.no_grad():
        gated = training_logits(weights, layout, shard, gates=Gates(heads, mlps, means)).numpy()
    expected = engine.with_instead(means).logits(shard, mask)
    np.testing.assert_allclose(gated, expected, atol=tiny.FP32, rtol=0)


def test_importance_towards_0_is_the_paper_s_and_towards_the_mean_another(classifier, means):
    mask, labels = Mask.full(L, H), np.arange(len(ENCODED)) % 2.0
    zeros = Instead(torch.zeros_like(means.heads), torch.zeros_like(means.mlps))
    paper, of_zeros, of_means = (
        importance(classifier, TASKS["MRPC"], ENCODED, labels, mask, instead=instead)
        for instead in (None, zeros, means)
    )
    np.testing.assert_allclose(of_zeros.heads, paper.heads, rtol=1e-5)
    np.testing.assert_allclose(of_zeros.mlps, paper.mlps, rtol=1e-5)
    assert not np.allclose(of_means.heads, paper.heads, rtol=0.01)


@settings(max_examples=10, deadline=None)
@given(tiny.masks())
def test_the_mean_over_one_token_is_that_token_s_own_output(engine, mask):
    """So that every mask leaves the model on that example as it is."""
    one = Encoded(np.array([2]), np.array([0]), np.array([0, 1]))
    made = engine.with_instead(engine.mean_outputs(shards_of(one)))
    full = engine.logits_of_all(one, Mask.full(L, H))
    np.testing.assert_allclose(made.logits_of_all(one, mask), full, atol=tiny.FP32, rtol=0)
