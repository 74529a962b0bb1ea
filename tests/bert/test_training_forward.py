"""The forward pass for gradients against plain transformers with gates: logits, gradients, dropout."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from explorer.bert.batches import pad
from explorer.bert.dropout import Draws
from explorer.bert.gates import gated, gates_of
from explorer.bert.packed_attention import attend
from explorer.bert.shards import shard_of
from explorer.bert.surgery import cut, cut_tensors, put_back
from explorer.bert.training_forward import Gates, Layout, training_logits
from explorer.bert.working_weights import WorkingWeights
from explorer.mask import Mask
from tests import tiny

ENCODED = tiny.random_encoded(14, seed=2, longest=40)
EVERY = np.arange(14)[::-1].copy()
UNREAD = "bert.encoder.layer.2.attention.self.key.bias"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return tiny.finetuned(tmp_path_factory.mktemp("forward") / "tiny", scale=0.3)


def weighed(logits):
    """A loss to which every logit counts differently, but alike in any order of the examples' own logits."""
    return (logits.square() * torch.tensor([1.0, 0.3])).sum() + logits.sum()


@settings(deadline=None, max_examples=30)
@given(mask=tiny.masks())
def test_logits_and_gradients_of_a_cut_model_are_those_of_the_gated_one(classifier, mask):
    model = copy.deepcopy(classifier.model).requires_grad_(True)
    batch = pad(ENCODED, EVERY)
    with gated(model, *gates_of(mask)):
        plain = model(
            input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
        ).logits
    weighed(plain).backward()
    small = cut(classifier, mask).requires_grad_(True)
    shard = shard_of(ENCODED, EVERY)
    logits = training_logits(dict(small.named_parameters()), Layout.of(small), shard)
    weighed(logits).backward()
    at = [int(np.flatnonzero(i == EVERY)[0]) for i in shard.indices]
    torch.testing.assert_close(logits, plain[at], atol=tiny.FP32, rtol=1e-5)
    whole = {name: parameter.grad for name, parameter in model.named_parameters()}
    left = cut_tensors(whole, mask, 4)
    mine = {name: parameter.grad for name, parameter in small.named_parameters()}
    assert left.keys() == mine.keys()
    for name, gradient in mine.items():
        if gradient is None:
            assert name == UNREAD or left[name].numel() == 0
        else:
            torch.testing.assert_close(gradient, left[name], atol=2e-3, rtol=2e-3, msg=name)


@settings(deadline=None, max_examples=15)
@given(mask=tiny.masks())
def test_gates_of_each_example_get_the_gradients_of_hooks(classifier, mask):
    """Also of what is off: its gate is 0, its gradient is not."""
    heads, mlps = gates_of(mask)
    batch, shard = pad(ENCODED, EVERY), shard_of(ENCODED, EVERY)
    gradients = []
    for indices in (EVERY, shard.indices):
        of_heads, of_mlps = (
            gate.expand(len(indices), *gate.shape).clone().requires_grad_(True) for gate in (heads, mlps)
        )
        if indices is EVERY:
            with gated(classifier.model, of_heads, of_mlps):
                logits = classifier.model(
                    input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
                ).logits
        else:
            weights = dict(classifier.model.named_parameters())
            logits = training_logits(weights, Layout.of(classifier.model), shard, gates=Gates(of_heads, of_mlps))
        order = np.argsort(indices)
        gradients.append([g[order] for g in torch.autograd.grad(weighed(logits), (of_heads, of_mlps))])
    for mine, hooks in zip(gradients[1], gradients[0], strict=True):
        torch.testing.assert_close(mine, hooks, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("k", [1, 3, 4])
def test_the_gradient_of_attention_is_the_slope(k, dropped):
    """Against differences in double precision; three heads once mixed up with the three projections."""
    shard = shard_of(tiny.random_encoded(3, seed=1, longest=20), np.arange(3))
    assert any(bucket.bias is not None for bucket in shard.buckets)
    rng = torch.Generator().manual_seed(0)
    projected = torch.randn(len(shard.input_ids), 3 * k * 2, dtype=torch.double, generator=rng, requires_grad=True)
    kept = [
        (torch.rand(len(b.padded), k, b.width, b.width, dtype=torch.double, generator=rng) > 0.3) / 0.7
        if dropped
        else None
        for b in shard.buckets
    ]
    assert torch.autograd.gradcheck(lambda x: attend(x, shard, k, kept), (projected,), atol=1e-6)


@dataclass(frozen=True)
class Noted(Draws):
    """Notes what was asked for."""

    asked: list

    def keep(self, place, shape, share, like):
        self.asked.append((place, shape, share))
        return super().keep(place, shape, share, like)


def test_dropout_is_at_every_place_of_bert_and_no_two_share_their_draws(classifier):
    shard = shard_of(ENCODED, EVERY)
    layout = Layout.of(classifier.model)
    noted = Noted(1, 2, [])
    training_logits(dict(classifier.model.named_parameters()), layout, shard, draws=noted)
    places = Counter(place for place, _, _ in noted.asked)
    assert set(places.values()) == {1}
    assert len(noted.asked) == 1 + 3 * len(shard.buckets) + 3 * 2 + 1
    assert {share for _, _, share in noted.asked} == {0.1}
    tokens, width = len(shard.input_ids), tiny.HIDDEN
    shapes = Counter(shape for _, shape, _ in noted.asked)
    assert shapes[(tokens, width)] == 1 + 2 * 2, "embeddings, and twice in each layer but the last"
    assert shapes[(14, width)] == 2 + 1, "twice in the last, and before the classifier"


def test_dropout_leaves_the_mean_and_is_fixed_by_its_names():
    like = torch.zeros(1)
    kept = Draws(3, 4).keep(5, (400, 500), 0.1, like)
    values = kept.unique()
    assert len(values) == 2
    assert values[0] == 0
    assert abs(float(kept.mean()) - 1) < 4 * np.sqrt(0.1 / 0.9 / kept.numel())
    assert abs(float((kept == 0).float().mean()) - 0.1) < 4 * np.sqrt(0.1 * 0.9 / kept.numel())
    again = [
        Draws(*names).keep(place, (400, 500), 0.1, like)
        for *names, place in ((3, 4, 5), (3, 4, 6), (3, 5, 5), (4, 4, 5))
    ]
    assert torch.equal(kept, again[0])
    assert not any(torch.equal(kept, other) for other in again[1:])
    assert Draws(0, 0).keep(0, (7, 3), 0.1, like.bfloat16()).dtype == torch.bfloat16
    assert not Draws(0, 0).keep(0, (5,), 1.0, like).any()


def test_dropout_of_attention_in_the_last_layer_weighs_the_values_bias_too(classifier, monkeypatch):
    """[CLS] alone or every word piece, the dropped probabilities must count alike: here all are halved."""
    shard = shard_of(ENCODED, EVERY)
    halved = Layout.of(classifier.model)
    monkeypatch.setattr(
        Draws, "keep", lambda _s, _p, shape, share, like: torch.full(shape, 0.5 if share == 0.5 else 1.0).to(like)
    )
    mine = training_logits(
        dict(classifier.model.named_parameters()),
        replace(halved, attention_dropout=0.5, hidden_dropout=0.1),
        shard,
        draws=Draws(0, 0),
    )
    batch = pad(ENCODED, EVERY)
    with gated(classifier.model, torch.full((3, 4), 0.5), torch.ones(3)), torch.no_grad():
        plain = classifier.model(
            input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
        ).logits
    at = [int(np.flatnonzero(i == EVERY)[0]) for i in shard.indices]
    torch.testing.assert_close(mine, plain[at], atol=tiny.FP32, rtol=1e-5)


@settings(deadline=None, max_examples=20)
@given(mask=tiny.masks())
def test_what_is_cut_is_put_back(classifier, mask):
    small = cut(classifier, mask)
    weights = classifier.model.state_dict()
    left = cut_tensors(weights, mask, 4)
    assert left.keys() == small.state_dict().keys()
    assert all(torch.equal(left[name], tensor) for name, tensor in small.state_dict().items())
    again = put_back(classifier, mask, small.state_dict())
    assert all(torch.equal(again[name], tensor) for name, tensor in weights.items())
    doubled = put_back(classifier, mask, {name: 2 * tensor for name, tensor in small.state_dict().items()})
    assert all(torch.equal(part, 2 * left[name]) for name, part in cut_tensors(doubled, mask, 4).items())
    rest = Mask(~mask.heads, ~mask.mlps)
    of_heads = [name for name in weights if ".attention.self." in name or ".attention.output.dense.weight" in name]
    for name, part in cut_tensors({name: doubled[name] for name in of_heads}, rest, 4).items():
        assert torch.equal(part, cut_tensors(weights, rest, 4)[name]), "what was cut away is as it was"


def test_working_weights_are_cast_once_a_step_and_give_their_gradients_back(classifier):
    model = copy.deepcopy(classifier.model).requires_grad_(True)
    model.bert.embeddings.requires_grad_(False)
    weights = WorkingWeights(model, torch.bfloat16)
    inside = {name: t.dtype for name, t in weights.by_name.items()}
    assert {n for n, dtype in inside.items() if dtype == torch.bfloat16} == {n for n in inside if ".encoder." in n}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    weights.refresh()
    for name, parameter in model.named_parameters():
        assert torch.equal(weights.by_name[name], parameter.to(inside[name])), name
    training_logits(weights.by_name, Layout.of(model), shard_of(ENCODED, EVERY)).sum().backward()
    weights.hand_over_gradients()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == ("embeddings" in name or name == UNREAD), name
        assert parameter.grad is None or parameter.grad.dtype == torch.float32
    same = WorkingWeights(model, torch.float32)
    assert all(same.by_name[name] is parameter for name, parameter in model.named_parameters())
