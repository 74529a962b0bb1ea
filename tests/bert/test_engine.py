"""The engine against plain transformers with gates, from the embeddings up."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.bert.engine import Engine
from explorer.bert.reference import reference_logits
from explorer.bert.shards import shards_of, sub_shard
from explorer.errors import BadMask
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from tests import tiny

ENCODED = tiny.random_encoded(23)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)
NOTHING = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS)), np.zeros(tiny.N_LAYERS))


@pytest.fixture(scope="module")
def engine(classifier):
    return Engine(classifier)


def all_logits(engine, shards, mask, caches=None):
    """(n, n_outputs) in the split's own order."""
    logits = np.zeros((sum(len(shard.indices) for shard in shards), engine.n_outputs), np.float32)
    for number, shard in enumerate(shards):
        logits[shard.indices] = engine.logits(shard, mask, caches[number] if caches else None)
    return logits


def agree(logits, reference):
    np.testing.assert_allclose(logits, reference, atol=tiny.FP32, rtol=0)
    np.testing.assert_array_equal(logits.argmax(1), reference.argmax(1))


@settings(max_examples=60)
@given(tiny.masks(), st.sampled_from([1, 20, 64, 8192]), st.sampled_from(["none", "inputs", "some", "contexts"]))
@example(NOTHING, 64, "contexts")
@example(NOTHING, 64, "none")
@example(FULL, 8192, "contexts")
@example(FULL.with_layer(2, False), 20, "some")
@example(FULL.with_head(2, 1, False), 20, "contexts")
def test_the_engine_is_the_reference(classifier, engine, mask, tokens, kept):
    shards = shards_of(ENCODED, tokens)
    options = {"inputs": {}, "some": {"layers": [1]}, "contexts": {"contexts": torch.float32}}
    caches = None if kept == "none" else [engine.cache_activations(shard, **options[kept]) for shard in shards]
    agree(all_logits(engine, shards, mask, caches), reference_logits(classifier, ENCODED, mask))


def test_the_embeddings_and_every_layer_agree(classifier, engine):
    """Bottom up: embeddings, then the input of each layer, so that a drift shows where it starts."""
    (shard,) = shards_of(ENCODED, 10**6)
    cache = engine.cache_activations(shard)
    model = copy.deepcopy(classifier.model)  # transformers leaves hooks on a model whose hidden states were asked for
    for number, index in enumerate(shard.indices):
        ids, types = (torch.from_numpy(array)[None] for array in ENCODED.example(int(index)))
        with torch.inference_mode():
            states = model.bert(ids, token_type_ids=types, output_hidden_states=True).hidden_states
        rows = slice(int(shard.cls[number]), int(shard.cls[number]) + ids.shape[1])
        for layer in range(tiny.N_LAYERS):
            torch.testing.assert_close(cache.inputs[layer][rows], states[layer][0], atol=tiny.FP32, rtol=0)


def test_a_prefix_changes_no_bit_of_the_result(engine):
    shards = shards_of(ENCODED, 64)
    caches = [engine.cache_activations(shard) for shard in shards]
    for mask in (FULL, FULL.with_head(1, 0, False), FULL.with_layer(2, False), NOTHING):
        with_caches = all_logits(engine, shards, mask, caches)
        np.testing.assert_array_equal(with_caches, all_logits(engine, shards, mask))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 8)])
def test_other_shapes_and_regression(tmp_path, shape):
    n_layers, n_heads = shape
    other = tiny.finetuned(tmp_path / "m", TASKS["STS-B"], n_layers=n_layers, n_heads=n_heads, seed=3)
    shards = shards_of(ENCODED, 64)
    full = Mask.full(n_layers, n_heads)
    built = Engine(other)
    caches = [built.cache_activations(shard) for shard in shards]
    for mask in (full, full.with_head(0, 0, False), full.with_layer(n_layers - 1, False)):
        logits = all_logits(built, shards, mask, caches)
        assert logits.shape == (23, 1)
        np.testing.assert_allclose(logits, reference_logits(other, ENCODED, mask), atol=tiny.FP32)


@given(st.integers(1, 40), st.integers(1, 300), st.integers(0, 5))
def test_shards_hold_every_example_once_and_are_sorted_by_length(n, tokens, seed):
    encoded = tiny.random_encoded(n, seed)
    shards = shards_of(encoded, tokens, seed=seed)
    assert sorted(np.concatenate([shard.indices for shard in shards])) == list(range(n))
    for shard in shards:
        lengths = encoded.lengths[shard.indices]
        assert (np.diff(lengths) >= 0).all()
        assert shard.lengths.tolist() == lengths.tolist()
        assert [i for bucket in shard.buckets for i in range(len(lengths))[bucket.examples]] == list(
            range(len(lengths))
        )
        for bucket in shard.buckets:
            there = slice(None) if bucket.bias is None else (bucket.bias[:, 0, 0] == 0)
            assert bucket.padded[there].flatten().tolist() == list(range(len(shard.input_ids)))[bucket.rows]
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
        engine.logits(shard, Mask.full(4, 3), engine.cache_activations(shard))


@settings(max_examples=30)
@given(st.lists(tiny.masks(), max_size=6), st.booleans())
@example([FULL, FULL, NOTHING], True)
@example([FULL.with_head(1, 0, False), FULL.with_head(1, 1, False), FULL.with_mlp(1, False)], True)
def test_many_masks_at_once_are_each_alone(engine, masks, with_contexts):
    (shard,) = shards_of(ENCODED, 10**6)
    cache = engine.cache_activations(shard, contexts=torch.float32) if with_contexts else None
    together = engine.logits_of_many(shard, masks, cache)
    assert together.shape == (len(masks), 23, 2)
    for mask, logits in zip(masks, together, strict=True):
        np.testing.assert_allclose(logits, engine.logits(shard, mask), atol=tiny.FP32)


def test_part_of_a_shard_scores_as_in_the_whole(engine):
    (shard,) = shards_of(ENCODED, 10**6)
    mask, some = FULL.with_head(1, 2, False).with_mlp(2, False), np.array([0, 3, 4, 11, 22])
    part, whole = sub_shard(shard, some), engine.cache_activations(shard)
    assert part.indices.tolist() == shard.indices[some].tolist()
    for cache in (None, whole.of_rows(shard.rows_of(some))):
        np.testing.assert_allclose(engine.logits(part, mask, cache), engine.logits(shard, mask)[some], atol=tiny.FP32)


def n_bytes(cache):
    return sum(kept.nbytes for kept in (*cache.inputs, *cache.contexts) if kept is not None)


def test_a_cache_holds_what_was_asked_for_and_no_more(engine):
    (shard,) = shards_of(ENCODED, 10**6)
    states, per_state = engine.cache_activations(shard), len(shard.input_ids) * tiny.HIDDEN * 4
    assert n_bytes(states) == 3 * per_state
    with_contexts = engine.cache_activations(shard, contexts=torch.bfloat16)
    assert n_bytes(with_contexts) == 3 * per_state + per_state + len(shard.indices) * tiny.HIDDEN * 2
    assert n_bytes(engine.cache_activations(shard, layers=[2])) == per_state


def test_bfloat16_comes_close(classifier, engine):
    (shard,) = shards_of(ENCODED, 10**6)
    rough = Engine(classifier, dtype=torch.bfloat16)
    mask = FULL.with_head(0, 1, False)
    for cache in (None, engine.cache_activations(shard), engine.cache_activations(shard, contexts=torch.bfloat16)):
        logits = rough.logits(shard, mask, cache)
        assert 0 < np.abs(logits - engine.logits(shard, mask)).max() < 0.05


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
