"""Surgery: the same logits as the gates, with fewer parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings

from explorer.bert.batches import by_length
from explorer.bert.gates import encoder_layers
from explorer.bert.reference import reference_logits
from explorer.bert.surgery import NoHeads, NoMlp, cut
from explorer.errors import BadMask
from explorer.mask import Mask
from tests import tiny

ENCODED = tiny.random_encoded(10)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)
NOTHING = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS)), np.zeros(tiny.N_LAYERS))


def pruned_logits(model, batch_size=4):
    logits = np.zeros((len(ENCODED), 2), np.float32)
    with torch.inference_mode():
        for batch in by_length(ENCODED, batch_size):
            out = model(
                input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
            )
            logits[batch.indices] = out.logits.numpy()
    return logits


@settings(max_examples=40)
@given(tiny.masks())
@example(NOTHING)
@example(FULL)
@example(FULL.with_layer(0, False))
def test_surgery_gives_the_logits_of_the_gates(classifier, mask):
    model = cut(classifier, mask)
    assert not model.training
    np.testing.assert_allclose(pruned_logits(model), reference_logits(classifier, ENCODED, mask), atol=tiny.FP32)


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize(
    "mask", [FULL.with_head(0, 0, False).with_head(2, 1, False), NOTHING, FULL.with_layer(1, False)]
)
def test_either_attention_implementation_runs(classifier, implementation, mask):
    model = cut(classifier, mask)
    model.set_attn_implementation(implementation)
    assert model.config._attn_implementation == implementation
    np.testing.assert_allclose(pruned_logits(model), reference_logits(classifier, ENCODED, mask), atol=tiny.FP32)


def test_what_is_cut_is_gone_and_counted_by_hand(classifier):
    d, size, wide = tiny.HIDDEN, tiny.HIDDEN // tiny.N_HEADS, 2 * tiny.HIDDEN
    whole = tiny.n_parameters(classifier.model)
    a_head = 3 * (size * d + size) + d * size  # rows and biases of query, key, value; columns of the output
    an_mlp = (wide * d + wide) + (d * wide + d)
    assert whole - tiny.n_parameters(cut(classifier, FULL.with_head(1, 2, False))) == a_head == 268
    assert whole - tiny.n_parameters(cut(classifier, FULL.with_mlp(0, False))) == an_mlp == 1072
    assert whole - tiny.n_parameters(cut(classifier, NOTHING)) == 12 * a_head + 3 * an_mlp
    assert tiny.n_parameters(cut(classifier, FULL)) == whole


def test_shapes_after_the_cut(classifier):
    model = cut(classifier, FULL.with_head(0, 1, False).with_layer(1, False))
    first, second, third = encoder_layers(model)
    attention = first.attention
    assert [tuple(linear.weight.shape) for linear in (attention.self.query, attention.output.dense)] == [
        (12, 16),
        (16, 12),
    ]
    assert (attention.self.query.out_features, attention.output.dense.in_features) == (12, 12)
    assert (attention.self.num_attention_heads, attention.self.all_head_size) == (3, 12)
    before = encoder_layers(classifier.model)[0].attention
    rows = [*range(4), *range(8, 16)]
    assert torch.equal(attention.self.value.weight, before.self.value.weight[rows])
    assert torch.equal(attention.self.key.bias, before.self.key.bias[rows])
    assert torch.equal(attention.output.dense.weight, before.output.dense.weight[:, rows])
    assert torch.equal(attention.output.dense.bias, before.output.dense.bias)
    assert isinstance(second.attention.self, NoHeads)
    assert isinstance(second.output, NoMlp)
    assert [name for name, _ in second.named_parameters()] == [
        "attention.output.dense.weight",
        "attention.output.dense.bias",
        "attention.output.LayerNorm.weight",
        "attention.output.LayerNorm.bias",
        "output.LayerNorm.weight",
        "output.LayerNorm.bias",
    ]
    assert third.attention.self.num_attention_heads == 4


def test_the_given_model_is_left_as_it_is(classifier):
    before = {name: tensor.clone() for name, tensor in classifier.model.state_dict().items()}
    model = cut(classifier, NOTHING)
    for parameter in model.parameters():
        parameter.data.fill_(9)
    after = classifier.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert classifier.n_heads == 4
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_a_pruned_model_can_be_trained_further(classifier):
    model = cut(classifier, FULL.with_layer(1, False).with_head(0, 0, False)).requires_grad_(True).train()
    batch = next(by_length(ENCODED, 4))
    model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits.sum().backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if "embeddings" not in name)


def test_a_mask_for_another_model_is_refused(classifier):
    with pytest.raises(BadMask, match="6 layers x 12 heads does not fit a model of 3 layers x 4 heads"):
        cut(replace(classifier), Mask.full(6, 12))
