"""The engine against plain transformers with gates, from the embeddings up."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.bert.engine import Engine, all_logits, lowest_changed_layer, shards_of
from explorer.bert.reference import reference_logits
from explorer.errors import BadMask
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from tests import tiny

ENCODED = tiny.random_encoded(23)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)
NOTHING = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS)), np.zeros(tiny.N_LAYERS))
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def engine(classifier):
    return Engine(classifier)


def agree(logits: np.ndarray, reference: np.ndarray) -> None:
    np.testing.assert_allclose(logits, reference, atol=TOLERANCE, rtol=0)
    np.testing.assert_array_equal(logits.argmax(1), reference.argmax(1))


@settings(max_examples=60, deadline=None)
@given(tiny.masks(), st.sampled_from([1, 20, 64, 8192]), st.booleans())
@example(NOTHING, 64, True)
@example(NOTHING, 64, False)
@example(FULL, 8192, True)
@example(FULL.with_layer(2, False), 20, True)
def test_the_engine_is_the_reference(classifier, engine, mask, tokens, with_prefixes):
    shards = shards_of(ENCODED, tokens)
    prefixes = [engine.prefix(shard) for shard in shards] if with_prefixes else None
    agree(all_logits(engine, shards, mask, prefixes), reference_logits(classifier, ENCODED, mask))


def test_the_embeddings_and_every_layer_agree(classifier, engine):
    """Bottom up: embeddings exactly to 1e-6, then the input of each layer, so that a drift shows where it starts."""
    (shard,) = shards_of(ENCODED, 10**6)
    prefix = engine.prefix(shard)
    model = copy.deepcopy(classifier.model)  # transformers leaves hooks on a model whose hidden states were asked for
    for number, index in enumerate(shard.indices):
        ids, types = (torch.from_numpy(array)[None] for array in ENCODED.example(int(index)))
        with torch.inference_mode():
            states = model.bert(ids, token_type_ids=types, output_hidden_states=True).hidden_states
        rows = slice(int(shard.cls[number]), int(shard.cls[number]) + ids.shape[1])
        for layer in range(tiny.N_LAYERS):
            torch.testing.assert_close(prefix.inputs[layer][rows], states[layer][0], atol=1e-6, rtol=0)


def test_a_prefix_changes_no_bit_of_the_result(engine):
    shards = shards_of(ENCODED, 64)
    prefixes = [engine.prefix(shard) for shard in shards]
    for mask in (FULL, FULL.with_head(1, 0, False), FULL.with_layer(2, False), NOTHING):
        with_prefixes = all_logits(engine, shards, mask, prefixes)
        np.testing.assert_array_equal(with_prefixes, all_logits(engine, shards, mask))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 8)])
def test_other_shapes_and_regression(tmp_path, shape):
    n_layers, n_heads = shape
    other = tiny.finetuned(tmp_path / "m", TASKS["STS-B"], n_layers=n_layers, n_heads=n_heads, seed=3)
    shards = shards_of(ENCODED, 64)
    full = Mask.full(n_layers, n_heads)
    built = Engine(other)
    prefixes = [built.prefix(shard) for shard in shards]
    for mask in (full, full.with_head(0, 0, False), full.with_layer(n_layers - 1, False)):
        logits = all_logits(built, shards, mask, prefixes)
        assert logits.shape == (23, 1)
        np.testing.assert_allclose(logits, reference_logits(other, ENCODED, mask), atol=TOLERANCE)


@given(st.integers(1, 40), st.integers(1, 300), st.integers(0, 5))
def test_shards_hold_every_example_once_and_are_sorted_by_length(n, tokens, seed):
    encoded = tiny.random_encoded(n, seed)
    shards = shards_of(encoded, tokens, seed=seed)
    assert sorted(np.concatenate([shard.indices for shard in shards])) == list(range(n))
    for shard in shards:
        lengths = encoded.lengths[shard.indices]
        assert (np.diff(lengths) >= 0).all()
        assert [length for count, length in shard.groups for _ in range(count)] == lengths.tolist()
        assert (shard.input_ids[shard.cls] == 2).all()
        assert (shard.positions[shard.cls] == 0).all()
        assert len(shard.input_ids) == lengths.sum()


def test_no_examples_are_no_shards(engine):
    assert shards_of(tiny.random_encoded(3).subset(np.zeros(0, np.int64))) == ()
    assert all_logits(engine, (), FULL).shape == (0, 2)


def test_a_mask_for_another_model_is_refused(engine):
    (shard,) = shards_of(ENCODED, 10**6)
    with pytest.raises(BadMask, match="6 layers x 12 heads does not fit a model of 3 layers x 4 heads"):
        engine.logits(shard, Mask.full(6, 12))
    with pytest.raises(BadMask):
        engine.logits(shard, Mask.full(4, 3), engine.prefix(shard))


def test_the_lowest_changed_layer():
    assert lowest_changed_layer(FULL) == 2
    assert lowest_changed_layer(FULL.with_head(2, 3, False)) == 2
    assert lowest_changed_layer(FULL.with_mlp(1, False).with_head(2, 3, False)) == 1
    assert lowest_changed_layer(NOTHING) == 0


def test_threads_may_share_one_engine(engine):
    shards = shards_of(ENCODED, 64)
    asked = [FULL.with_head(layer, head, False) for layer in range(3) for head in range(4)]
    alone = [all_logits(engine, shards, mask) for mask in asked]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda mask: all_logits(engine, shards, mask), asked))
    np.testing.assert_array_equal(alone, together)


def test_making_and_using_an_engine_writes_to_no_weight(classifier, engine):
    before = {name: tensor.clone() for name, tensor in classifier.model.state_dict().items()}
    all_logits(Engine(classifier), shards_of(ENCODED), NOTHING)
    assert all(torch.equal(before[name], tensor) for name, tensor in classifier.model.state_dict().items())
