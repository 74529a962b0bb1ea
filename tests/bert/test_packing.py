"""Packed checkpoints: small, exact where they promise it, and refused where they are not what they should be."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import save

from explorer.bert.checkpoints import encoder_weights, load_finetuned, load_pretrained, weights_of
from explorer.bert.packing import FORMAT, GROUP, dequantise, pack, quantise, read_packed, unpack
from explorer.errors import BadCheckpoint
from explorer.glue.tasks import TASKS
from tests import tiny

MRPC = TASKS["MRPC"]
floats = st.floats(-2, 2, width=32)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.pretrained(tmp_path_factory.mktemp("base") / "tiny", MRPC, seed=1)


@pytest.fixture(scope="module")
def tuned(base):
    """As if fine-tuned: every weight but the word embeddings moved a little."""
    rng = np.random.default_rng(0)
    return {
        name: array if "word_embeddings" in name else (array + rng.normal(0, 0.01, array.shape)).astype(np.float32)
        for name, array in weights_of(base.model).items()
    }


@pytest.fixture
def packed_file(base, tuned, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(packed_bytes(base, tuned))
    return path


def packed_bytes(base, tuned, **changes):
    options = {"base_name": base.source, "base_sha256": base.sha256, "about": {"task": "MRPC", "seed": 1}} | changes
    return pack(encoder_weights(base), tuned, **options)


@given(arrays(np.float32, st.integers(1, 200), elements=floats))
def test_rounding_is_at_most_half_a_step(change):
    codes, scales = quantise(change)
    assert len(scales) == -(-change.size // GROUP)
    assert (codes.dtype, len(codes)) == (np.uint8, len(scales) * GROUP // 2)
    back = dequantise(codes, scales, change.shape)
    largest = np.abs(change).max()
    step = np.repeat(scales.astype(np.float64), GROUP)[: change.size]
    # half a step, plus what rounding the scale to float16 may add at the ends (2**-11 of the largest change)
    assert (np.abs(back - change) <= step / 2 + largest * 2.0**-10 + 2.0**-20).all()


def test_integers_from_minus_7_to_7_survive_exactly():
    change = np.arange(-7, 8, dtype=np.float32).repeat(5).reshape(5, 15)
    codes, scales = quantise(change)
    assert scales.tolist() == [1.0, 1.0]
    np.testing.assert_array_equal(dequantise(codes, scales, (5, 15)), change)
    zero = quantise(np.zeros((3, 3), np.float32))
    np.testing.assert_array_equal(dequantise(*zero, (3, 3)), np.zeros((3, 3)))


def test_the_bytes_are_the_same_every_time(base, tuned):
    assert len({packed_bytes(base, weights) for weights in [tuned, dict(reversed(tuned.items()))] * 4}) == 1


def test_unpacking_adds_the_rounded_change_to_the_base(base, tuned, packed_file):
    packed = read_packed(packed_file)
    weights = unpack(packed, encoder_weights(base))
    assert weights.keys() == tuned.keys()
    assert not any("word_embeddings" in name for name in packed.tensors), "what did not move is not stored"
    for name, old in encoder_weights(base).items():
        if "word_embeddings" in name:
            np.testing.assert_array_equal(weights[name], old)
        elif old.ndim < 2:
            np.testing.assert_array_equal(weights[name], tuned[name])
        else:
            change = dequantise(*quantise(tuned[name] - old), old.shape)
            np.testing.assert_array_equal(weights[name], old + change)
            assert np.abs(weights[name] - tuned[name]).max() < 0.01
    np.testing.assert_array_equal(weights["classifier.weight"], tuned["classifier.weight"])
    assert all(array.dtype == np.float32 for array in weights.values())


def test_a_packed_file_loads_as_a_classifier(base, tuned, packed_file):
    classifier = load_finetuned(str(packed_file), MRPC)
    expected = unpack(read_packed(packed_file), encoder_weights(base))
    for name, array in weights_of(classifier.model).items():
        np.testing.assert_array_equal(array, expected[name])
    assert classifier.name == "tiny"
    assert classifier.sha256 == read_packed(packed_file).sha256
    assert not classifier.model.training


def damaged(how, base, tuned, path):
    data = packed_bytes(base, tuned)
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "not safetensors":
        path.write_bytes(b"\x80\x04" * 50)
    elif how == "other safetensors":
        path.write_bytes(save({"a": np.zeros(3)}))
    elif how == "other format":
        path.write_bytes(save({"a": np.zeros(3)}, metadata={"format": "bert-lottery-delta-int4-2"}))
    elif how == "metadata missing":
        path.write_bytes(save({"a": np.zeros(3)}, metadata={"format": FORMAT}))
    elif how == "metadata mangled":
        path.write_bytes(save({}, metadata={"format": FORMAT, "base": "x", "base_sha256": "", "about": "{"}))
    elif how == "other base":
        path.write_bytes(packed_bytes(base, tuned, base_sha256="0" * 64))
    elif how == "other task":
        path.write_bytes(packed_bytes(base, tuned, about={"task": "RTE", "seed": 1}))
    elif how == "base gone":
        path.write_bytes(packed_bytes(base, tuned, base_name=str(path.parent / "gone")))
    elif how == "a weight missing":
        path.write_bytes(packed_bytes(base, {k: v for k, v in tuned.items() if k != "classifier.weight"}))
    elif how == "a weight too many":
        path.write_bytes(packed_bytes(base, tuned | {"bert.extra.weight": np.zeros((2, 2), np.float32)}))
    elif how == "a weight cut short":
        packed = read_packed_bytes(data, path)
        name = next(key for key in packed.tensors if key.endswith(".codes"))
        tensors = packed.tensors | {name: packed.tensors[name][:64]}
        about = {"format": FORMAT, "base": base.source, "base_sha256": base.sha256, "about": json.dumps(packed.about)}
        path.write_bytes(save(tensors, metadata=about))


def read_packed_bytes(data, path):
    path.write_bytes(data)
    return read_packed(path)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "There is no checkpoint at"),
        ("truncated", "cannot be read as safetensors"),
        ("empty", "cannot be read as safetensors"),
        ("not safetensors", "cannot be read as safetensors"),
        ("other safetensors", "is not a packed checkpoint of this version .no format named"),
        ("other format", "bert-lottery-delta-int4-2"),
        ("metadata missing", "is not a packed checkpoint"),
        ("metadata mangled", "is not a packed checkpoint"),
        ("other base", "goes with another version of the base model"),
        ("other task", "was fine-tuned for RTE, not for MRPC"),
        ("base gone", "There is no model folder at"),
        ("a weight missing", "does not fit its base model"),
        ("a weight too many", "does not fit its base model"),
        ("a weight cut short", "does not fit its base model"),
    ],
)
def test_what_is_not_the_right_packed_file_is_refused(base, tuned, tmp_path, how, message):
    path = tmp_path / "checkpoint.safetensors"
    damaged(how, base, tuned, path)
    with pytest.raises(BadCheckpoint, match=message) as caught:
        load_finetuned(str(path), MRPC)
    assert caught.value.mend


def test_a_change_of_a_weight_that_the_base_lacks_is_refused(base, packed_file):
    packed = read_packed(packed_file)
    fewer = {k: v for k, v in encoder_weights(base).items() if "layer.0" not in k}
    with pytest.raises(
        BadCheckpoint, match=r"does not fit its base model \('bert.encoder.layer.0.*the base model has no weight"
    ):
        unpack(packed, fewer)


def test_a_base_reloaded_with_another_seed_gives_the_same_classifier(base, packed_file):
    again = load_pretrained(base.source, MRPC, seed=99)
    first, second = (unpack(read_packed(packed_file), encoder_weights(b)) for b in (base, replace(again)))
    assert all(np.array_equal(first[name], second[name]) for name in first)
