"""Stored maps and drawn maps come back as they were, up to the rounding that is promised; damage is a sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.bert.maps import AttentionMaps
from explorer.errors import BadBundle
from explorer.glue.tokens import Tokens
from explorer.patterns.classifier.labelled_maps import MAPS, TABLE, DrawnMap, read_maps, write_maps
from explorer.patterns.samples import Sample, pack_maps, pack_samples, unpack_maps, unpack_samples

SINGLE = Tokens(("[CLS]", "cat", "!", "[SEP]"), np.zeros(4, np.int64))
PAIR = Tokens(("[CLS]", "קט", '"', "[SEP]", "##s", "[SEP]"), np.array([0, 0, 0, 0, 1, 1]))


def maps(seed, length):
    return np.random.default_rng(seed).gamma(0.3, size=(3, 4, length, length)).astype(np.float32)


def sample(texts, tokens, seed):
    raw = maps(seed, len(tokens))
    return Sample(texts, tokens, AttentionMaps(raw / raw.sum(-1, keepdims=True), maps(seed + 1, len(tokens))[..., 0]))


SAMPLES = [sample(("Cat!",), SINGLE, 0), sample(('קט "', "s"), PAIR, 5)]


def test_maps_come_back_up_to_their_rounding():
    """Half a step of the fourth root, of which there are 255: 4 x 0.5 / 255 of the greatest, less for what is faint."""
    original = maps(0, 9)
    original[1, 2] = 0
    back = unpack_maps(*pack_maps(original))
    top = original.max((-2, -1), keepdims=True)
    off = np.abs(back - original) / np.where(top > 0, top, 1)
    assert off.max() <= 0.008
    np.testing.assert_allclose(back.max((-2, -1)), top[..., 0, 0], rtol=1e-6)
    faint = original / np.where(top > 0, top, 1) < 1e-3
    assert 0 < off[faint].max() <= 0.008 * 1e-3 ** (3 / 4) * 1.1
    assert (back[1, 2] == 0).all()


def test_samples_come_back():
    back = unpack_samples(pack_samples(SAMPLES))
    assert [one.texts for one in back] == [one.texts for one in SAMPLES]
    for one, original in zip(back, SAMPLES, strict=True):
        assert one.tokens.texts == original.tokens.texts
        assert one.tokens.segments.tolist() == original.tokens.segments.tolist()
        np.testing.assert_array_equal(one.maps.raw, unpack_maps(*pack_maps(original.maps.raw)))
        np.testing.assert_allclose(one.maps.norms, original.maps.norms, rtol=1e-3, atol=1e-6)
        greatest = original.maps.norm_weighted.max()
        np.testing.assert_allclose(one.maps.norm_weighted, original.maps.norm_weighted, atol=0.02 * greatest)


def test_samples_without_pickle(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", allow_pickle=False, **pack_samples(SAMPLES))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert unpack_samples(dict(file))[1].tokens.texts == PAIR.texts


@pytest.mark.parametrize("name", sorted(pack_samples(SAMPLES)))
def test_damaged_samples_are_a_sentence(name):
    arrays = pack_samples(SAMPLES)
    with pytest.raises(BadBundle, match="cannot be read"):
        unpack_samples({key: array for key, array in arrays.items() if key != name})
    with pytest.raises(BadBundle, match="cannot be read"):
        unpack_samples(arrays | {name: arrays[name][:-1]})


def drawn(number, tokens, kind):
    weights = maps(number, len(tokens))[0, 0]
    return DrawnMap(
        f"m{number:03d}", kind, "minilm-l6", "MRPC", 1337, "0" * 12, 1, number, "paraphrase", 3, tokens, weights
    )


DRAWN = [drawn(0, SINGLE, "raw"), drawn(1, PAIR, "norm")]


def test_drawn_maps_come_back(tmp_path):
    write_maps(DRAWN, tmp_path)
    back = read_maps(tmp_path)
    assert len(back) == 2
    for one, original in zip(back, DRAWN, strict=True):
        assert one.tokens.texts == original.tokens.texts
        assert one.tokens.segments.tolist() == original.tokens.segments.tolist()
        np.testing.assert_allclose(one.weights, original.weights, rtol=1e-3, atol=1e-7)
        empty = {"tokens": original.tokens, "weights": original.weights}
        assert replace(one, **empty).__dict__ == original.__dict__


def test_drawn_maps_that_do_not_go_together(tmp_path):
    with pytest.raises(BadBundle, match="cannot be read"):
        read_maps(tmp_path)
    write_maps(DRAWN, tmp_path / "two")
    write_maps(DRAWN[:1], tmp_path / "one")
    (tmp_path / "two" / MAPS).write_bytes((tmp_path / "one" / MAPS).read_bytes())
    with pytest.raises(BadBundle, match="do not go together"):
        read_maps(tmp_path / "two")
    (tmp_path / "one" / TABLE).write_text("id\n")
    with pytest.raises(BadBundle, match="cannot be read"):
        read_maps(tmp_path / "one")


def test_the_maps_for_labelling_cover_every_head_evenly():
    shipped = read_maps()
    assert len({one.id for one in shipped}) == len(shipped)
    per_head = np.zeros((6, 12), int)
    for one in shipped:
        per_head[one.layer, one.head] += 1
        if one.kind == "raw":
            np.testing.assert_allclose(one.weights.sum(1), 1, atol=2e-3)
        assert one.weights.shape == (len(one.tokens),) * 2
    assert len(np.unique(per_head)) == 1
    assert sum(one.kind == "raw" for one in shipped) * 2 == len(shipped)
