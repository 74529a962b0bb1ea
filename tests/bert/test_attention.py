"""Attention maps against their definition, against plain transformers with gates, and under masks; what people type."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings

from explorer.bert.attention import attention_maps, head_outputs
from explorer.bert.engine import Engine
from explorer.bert.gates import encoder_layers, gated, gates_of
from explorer.bert.shards import shard_of
from explorer.bert.user_text import encode_text
from explorer.errors import BadMask, BadRequest
from explorer.glue.encoding import MAX_LENGTH
from explorer.mask import Mask
from tests import tiny

ENCODED = tiny.random_encoded(6, seed=3)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)
NOTHING = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS)), np.zeros(tiny.N_LAYERS))


@pytest.fixture(scope="module")
def engine(classifier):
    return Engine(classifier)


@pytest.fixture(scope="module")
def eager(classifier):
    """A copy of the model that returns its attention, and records what enters each attention.output.dense."""
    model = copy.deepcopy(classifier.model)
    model.set_attn_implementation("eager")
    return model


def plain(model, index, mask):
    """Attention (H, T, T), gated context (T, D) and what attention.output.dense gives (T, D), of each layer."""
    ids, types = (torch.from_numpy(array)[None] for array in ENCODED.example(index))
    contexts, outputs = [], []

    def see(_module, args, output):
        contexts.append(args[0][0])
        outputs.append(output[0])

    with torch.inference_mode(), gated(model, *gates_of(mask)):
        hooks = [layer.attention.output.dense.register_forward_hook(see) for layer in encoder_layers(model)]
        attentions = model.bert(ids, token_type_ids=types, output_attentions=True).attentions
        for hook in hooks:
            hook.remove()
    return [one[0].numpy() for one in attentions], contexts, outputs


@settings(max_examples=25)
@given(tiny.masks())
@example(FULL)
@example(NOTHING)
def test_raw_maps_are_those_of_plain_transformers_with_gates(engine, eager, mask):
    """A head that is off shows what it would read: its gate comes after its attention."""
    for index, maps in enumerate(attention_maps(engine, ENCODED, mask)):
        expected, _, _ = plain(eager, index, mask)
        np.testing.assert_allclose(maps.raw, np.stack(expected), atol=1e-5)
        np.testing.assert_allclose(maps.raw.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("mask", [FULL, FULL.with_head(1, 2, False).with_mlp(0, False), NOTHING], ids=str)
def test_norm_weighted_maps_are_their_definition(engine, eager, mask):
    """||gate alpha_ij f(x_j)|| one vector at a time, f(x) = (x W_V + b_V) W_O with the head's columns of W_O."""
    state = {name: tensor.double() for name, tensor in eager.state_dict().items()}
    d = tiny.HIDDEN // tiny.N_HEADS
    for index, maps in enumerate(attention_maps(engine, ENCODED, mask)):
        shard = shard_of(ENCODED, np.array([index]))
        for layer, hidden in enumerate(engine.layer_inputs(shard, mask)):
            at = f"bert.encoder.layer.{layer}.attention."
            for head in range(tiny.N_HEADS):
                rows = slice(head * d, (head + 1) * d)
                value = hidden.double() @ state[at + "self.value.weight"][rows].T + state[at + "self.value.bias"][rows]
                transformed = value @ state[at + "output.dense.weight"][:, rows].T  # (T, D)
                alpha = torch.from_numpy(maps.raw[layer, head]).double()
                vectors = alpha[:, :, None] * transformed[None] * float(mask.heads[layer, head])  # (T, T, D)
                np.testing.assert_allclose(maps.norm_weighted[layer, head], vectors.norm(dim=-1), atol=1e-5)


@pytest.mark.parametrize("mask", [FULL, FULL.with_layer(0, False).with_head(2, 1, False)], ids=str)
def test_the_weighted_vectors_sum_to_what_the_layer_gives(engine, eager, mask):
    """sum_j alpha_ij f(x_j) = the head's output; over the heads that are on, and with the bias, the dense layer's."""
    for index in range(len(ENCODED)):
        _, contexts, outputs = plain(eager, index, mask)
        shard = shard_of(ENCODED, np.array([index]))
        for number, hidden in enumerate(engine.layer_inputs(shard, mask)):
            layer = engine.layers[number]
            alpha, transformed = head_outputs(layer, hidden)
            by_head = alpha @ transformed  # (H, T, D)
            gates = torch.from_numpy(mask.heads[number].copy()).float()[:, None, None]
            total = (gates * by_head).sum(0) + layer.out_bias
            torch.testing.assert_close(total, outputs[number], atol=2e-5, rtol=0)
            context = contexts[number].unflatten(-1, (tiny.N_HEADS, -1)).transpose(0, 1)  # (H, T, d), gated
            own = context @ layer.out.permute(1, 2, 0)
            torch.testing.assert_close(gates * by_head, own, atol=2e-5, rtol=0)


def test_equal_attention_and_integer_values(classifier):
    """No queries: every token gets 1 / T. Values = the input's slice, output = identity: f is that slice."""
    model = copy.deepcopy(classifier.model)
    attention = encoder_layers(model)[0].attention
    with torch.no_grad():
        for module in (attention.self.query, attention.self.value, attention.output.dense):
            module.weight.zero_()
            module.bias.zero_()
        attention.self.value.bias.copy_(torch.tensor([3.0, 4, 0, 0] + [0, 0, 0, 2] + [0] * 8))
        attention.output.dense.weight.copy_(torch.eye(tiny.HIDDEN))
    engine = Engine(type(classifier)(model, classifier.tokenizer, "", "", ""))
    maps = next(attention_maps(engine, ENCODED, FULL))
    length = maps.raw.shape[-1]
    np.testing.assert_allclose(maps.raw[0], 1 / length, atol=1e-6)
    for head, norm in enumerate([5, 2, 0, 0]):
        np.testing.assert_allclose(maps.norm_weighted[0, head] * length, norm, atol=1e-5)


def test_a_head_that_is_off_is_zero_and_changes_only_what_is_above_it(engine):
    full = next(attention_maps(engine, ENCODED, FULL))
    off = next(attention_maps(engine, ENCODED, FULL.with_head(1, 2, False)))
    assert (off.norm_weighted[1, 2] == 0).all()
    np.testing.assert_array_equal(off.raw[:2], full.raw[:2])
    np.testing.assert_array_equal(np.delete(off.norm_weighted[1], 2, 0), np.delete(full.norm_weighted[1], 2, 0))
    assert np.abs(off.raw[2] - full.raw[2]).max() > 1e-3


def test_a_mask_for_another_model_is_refused(engine):
    with pytest.raises(BadMask, match="does not fit a model of 3 layers x 4 heads"):
        next(attention_maps(engine, ENCODED, Mask.full(6, 12)))


def test_the_classifier_is_as_before(classifier):
    before = {name: tensor.clone() for name, tensor in classifier.model.state_dict().items()}
    list(attention_maps(Engine(classifier), ENCODED, NOTHING))
    assert all(torch.equal(tensor, before[name]) for name, tensor in classifier.model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in classifier.model.modules())


# --- what people type


def test_a_sentence_and_a_pair(classifier):
    one = encode_text(classifier.tokenizer, "The Cat, here.")
    assert one.tokens.texts == ("[CLS]", "the", "cat", ",", "here", ".", "[SEP]")
    assert one.tokens.roles == ("cls", "word", "word", "punctuation", "word", "punctuation", "sep")
    assert not one.tokens.is_pair
    assert one.notes == ()
    assert one.encoded.example(0)[0].tolist() == classifier.tokenizer("The Cat, here.")["input_ids"]
    pair = encode_text(classifier.tokenizer, "the dog", "dogs sees")
    assert pair.tokens.texts == ("[CLS]", "the", "dog", "[SEP]", "dog", "##s", "sees", "[SEP]")
    assert pair.tokens.segments.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert pair.tokens.is_pair


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("", "", "There is no text. Type a sentence."),
        (" \n\t ", "", "There is no text."),
        ("", "the cat", "There is no text in the first field."),
        ("\u200b\x00", "", "Nothing in this text is a word or a sign to the model."),
        ("[CLS] [SEP]", "", "Nothing in this text is a word or a sign"),
    ],
)
def test_nothing_to_read(classifier, first, second, says):
    with pytest.raises(BadRequest, match=says.replace("[", r"\[")):
        encode_text(classifier.tokenizer, first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cat " * 10_000, ""),
        ("cat " * 10_000, "dog " * 10_000),
        ("cat", "dog " * 10_000),
        ("?" * 50_000, "!" * 50_000),
        ("\U0001f600\U0001f600 \U0001f680", ""),
        ("שלום עולם", "مرحبا بالعالم"),
        ("<script>alert(1)</script>", "<b>the cat</b>"),
        ("\ud800 half a pair", ""),
        ("x" * 200_000, ""),
        ("?!", ""),
    ],
    ids=[
        "long",
        "long pair",
        "long second",
        "many signs",
        "emoji",
        "right to left",
        "script",
        "surrogate",
        "one word",
        "signs",
    ],
)
def test_any_other_text_has_maps(classifier, engine, first, second):
    read = encode_text(classifier.tokenizer, first, second)
    length = len(read.tokens)
    assert 3 <= length <= MAX_LENGTH
    assert read.tokens.texts[0] == "[CLS]"
    assert read.tokens.texts[-1] == "[SEP]"
    assert read.tokens.is_pair == bool(second)
    assert any("longer than the 128 tokens" in note for note in read.notes) == (10_000 < len(first + second) < 2e5)
    assert any(note.startswith("[UNK] stands for") for note in read.notes) == ("[UNK]" in read.tokens.texts)
    (maps,) = attention_maps(engine, read.encoded, FULL)
    assert maps.raw.shape == maps.norm_weighted.shape == (3, 4, length, length)
    assert np.isfinite(maps.raw).all()
    assert np.isfinite(maps.norm_weighted).all()


def test_a_long_pair_is_cut_as_the_tokenizer_cuts_it(classifier):
    for first, second in (("cat " * 20, "dogs " * 300), ("cats " * 400, "dog"), ("cat " * 100, "dog " * 80)):
        ids = classifier.tokenizer(first, second, truncation=True, max_length=MAX_LENGTH)["input_ids"]
        assert encode_text(classifier.tokenizer, first, second).encoded.example(0)[0].tolist() == ids
    both = encode_text(classifier.tokenizer, "cat " * 300, "dog . " * 90).tokens
    assert sorted([both.texts.count("cat"), both.texts.count("dog") + both.texts.count(".")]) == [62, 63]


def test_exactly_as_long_as_the_model_reads_is_not_cut(classifier):
    assert encode_text(classifier.tokenizer, "cat " * (MAX_LENGTH - 2)).notes == ()
    assert encode_text(classifier.tokenizer, "cat " * (MAX_LENGTH - 1)).notes != ()
