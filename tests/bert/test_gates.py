"""Gates: arithmetic on integer weights, zeroed columns, parity with plain transformers, and no hook left behind."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from explorer.bert.batches import by_length, pad
from explorer.bert.gates import _head_hook, encoder_layers, gated, gates_of
from explorer.bert.reference import reference_logits
from explorer.errors import BadMask
from explorer.mask import Mask
from tests import tiny

ENCODED = tiny.random_encoded(10)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)


def logits_of(model, batch):
    return model(
        input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
    ).logits


def n_hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_integer_weights_give_integers(classifier):
    """One word repeated, equal attention to all of it, values = the word: a head's context is its slice of the word."""
    layer = copy.deepcopy(encoder_layers(classifier.model)[0]).requires_grad_(False)
    for module in (layer.attention.self.query, layer.attention.self.key):
        module.weight.zero_()
        module.bias.zero_()
    layer.attention.self.value.weight.copy_(torch.eye(tiny.HIDDEN))
    layer.attention.self.value.bias.zero_()
    dense = layer.attention.output.dense
    dense.weight.fill_(1)  # every output is the sum of the context
    dense.bias.copy_(torch.arange(tiny.HIDDEN))
    word = torch.arange(tiny.HIDDEN, dtype=torch.float32).expand(1, 3, -1)  # head h holds 4h, 4h + 1, 4h + 2, 4h + 3
    seen = []
    dense.register_forward_hook(lambda _module, _args, out: seen.append(out[0, 0]))
    for gates, total in (
        ([1, 1, 1, 1], 120),
        ([0, 1, 1, 1], 120 - 6),
        ([0, 0, 0, 1], 12 + 13 + 14 + 15),
        ([0, 2, 0, 0], 2 * (4 + 5 + 6 + 7)),
        ([0, 0, 0, 0], 0),
    ):
        hook = dense.register_forward_pre_hook(_head_hook(torch.tensor(gates, dtype=torch.float32)))
        layer.attention(word)
        hook.remove()
        assert seen.pop().tolist() == [total + bias for bias in range(tiny.HIDDEN)]


def test_an_mlp_gate_takes_the_bias_with_it(classifier):
    """With the last MLP off, the layer's output is LayerNorm(x): neither weights nor bias of output.dense matter."""
    mask = FULL.with_mlp(2, False)
    other = copy.deepcopy(classifier.model)
    encoder_layers(other)[2].output.dense.bias.data.add_(7)
    encoder_layers(other)[2].intermediate.dense.weight.data.neg_()
    changed = reference_logits(replace(classifier, model=other), ENCODED, mask)
    np.testing.assert_array_equal(changed, reference_logits(classifier, ENCODED, mask))


def test_a_layer_without_heads_keeps_the_bias_of_its_dense(classifier):
    mask = Mask(np.array([[1] * 4, [0] * 4, [1] * 4]), np.ones(3))
    other = copy.deepcopy(classifier.model)
    encoder_layers(other)[1].attention.output.dense.bias.data[:8].add_(3)
    changed = reference_logits(replace(classifier, model=other), ENCODED, mask)
    assert np.abs(changed - reference_logits(classifier, ENCODED, mask)).max() > 0.01


@settings(max_examples=25)
@given(tiny.masks())
def test_a_gated_part_equals_zeroed_columns(classifier, mask):
    other = copy.deepcopy(classifier.model)
    size = tiny.HIDDEN // tiny.N_HEADS
    for number, layer in enumerate(encoder_layers(other)):
        for head in np.flatnonzero(~mask.heads[number]):
            layer.attention.output.dense.weight.data[:, head * size : (head + 1) * size] = 0
        if not mask.mlps[number]:
            layer.output.dense.weight.data.zero_()
            layer.output.dense.bias.data.zero_()
    zeroed = reference_logits(replace(classifier, model=other), ENCODED, FULL)
    np.testing.assert_allclose(reference_logits(classifier, ENCODED, mask), zeroed, atol=tiny.FP32)


def test_all_ones_are_plain_transformers_to_the_bit(classifier):
    for batch in by_length(ENCODED, 4):
        with torch.inference_mode():
            plain = logits_of(classifier.model, batch)
            with gated(classifier.model, *gates_of(FULL)):
                open_gates = logits_of(classifier.model, batch)
        assert torch.equal(plain, open_gates)


def test_padding_and_batch_size_do_not_matter(classifier):
    mask = FULL.with_layer(1, False).with_head(2, 3, False)
    one_by_one = reference_logits(classifier, ENCODED, mask, batch_size=1)
    np.testing.assert_allclose(reference_logits(classifier, ENCODED, mask, batch_size=7), one_by_one, atol=tiny.FP32)


def test_no_hook_survives_success_or_an_exception(classifier):
    assert n_hooks(classifier.model) == 0
    with gated(classifier.model, *gates_of(FULL)):
        assert n_hooks(classifier.model) == 2 * tiny.N_LAYERS
    assert n_hooks(classifier.model) == 0
    with pytest.raises(KeyboardInterrupt), gated(classifier.model, *gates_of(FULL)):
        raise KeyboardInterrupt
    assert n_hooks(classifier.model) == 0
    with pytest.raises(IndexError), gated(classifier.model, *gates_of(FULL)):
        classifier.model(input_ids=torch.tensor([[10**6]]))
    assert n_hooks(classifier.model) == 0


@pytest.mark.parametrize(
    ("heads", "mlps"), [((2, 4), (2,)), ((3, 5), (3,)), ((3, 4), (2,)), ((3, 4), (2, 3)), ((5, 3, 4), (3,)), ((4,), ())]
)
def test_gates_of_another_shape_are_refused_and_leave_no_hook(classifier, heads, mlps):
    with pytest.raises(BadMask), gated(classifier.model, torch.ones(heads), torch.ones(mlps)):
        pass
    assert n_hooks(classifier.model) == 0
    with pytest.raises(BadMask, match="Is it a mask for another model"):
        reference_logits(classifier, ENCODED, Mask.full(2, 4))


def test_gradients_reach_the_gates_and_agree_with_finite_differences(classifier):
    batch = pad(ENCODED, np.arange(4))
    model = copy.deepcopy(classifier.model).double()
    heads = torch.ones(3, 4, dtype=torch.float64, requires_grad=True)
    mlps = torch.ones(3, dtype=torch.float64, requires_grad=True)

    def total(heads, mlps):
        with gated(model, heads, mlps):
            return logits_of(model, batch)[:, 0].sum()

    head_grad, mlp_grad = torch.autograd.grad(total(heads, mlps), (heads, mlps))
    assert head_grad.abs().min() > 0
    assert mlp_grad.abs().min() > 0
    step = 1e-6
    with torch.no_grad():
        bumped = heads.clone()
        bumped[1, 2] += step
        assert float(total(bumped, mlps) - total(heads, mlps)) / step == pytest.approx(float(head_grad[1, 2]), rel=1e-3)
        bumped = mlps.clone()
        bumped[0] += step
        assert float(total(heads, bumped) - total(heads, mlps)) / step == pytest.approx(float(mlp_grad[0]), rel=1e-3)


def test_gates_of_each_example_give_each_example_its_own_mask_and_gradient(classifier):
    different = [FULL.with_head(0, 1, False), FULL.with_layer(2, False), FULL, FULL.with_mlp(0, False)]
    gates = [gates_of(mask) for mask in different]
    heads = torch.stack([h for h, _ in gates]).requires_grad_(True)  # (B, L, H)
    mlps = torch.stack([m for _, m in gates]).requires_grad_(True)  # (B, L)
    batch = pad(ENCODED, np.arange(4))
    with gated(classifier.model, heads, mlps):
        logits = logits_of(classifier.model, batch)
        together = torch.autograd.grad(logits[:, 1].sum(), (heads, mlps))
    for i, mask in enumerate(different):
        own = [gate.requires_grad_(True) for gate in gates_of(mask)]
        with gated(classifier.model, *own):
            alone = logits_of(classifier.model, pad(ENCODED, np.array([i])))
            gradients = torch.autograd.grad(alone[0, 1], own)
        torch.testing.assert_close(logits[i], alone[0], atol=tiny.FP32, rtol=0)
        torch.testing.assert_close(together[0][i], gradients[0], atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(together[1][i], gradients[1], atol=1e-4, rtol=1e-3)
