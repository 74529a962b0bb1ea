"""Masks and their codes, which are promised to stay the same for good."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.errors import BadMask
from explorer.mask import Mask


def chequered(n_layers, n_heads):
    return Mask(np.indices((n_layers, n_heads)).sum(0) % 2 == 0, np.arange(n_layers) % 3 == 0)


@st.composite
def any_mask(draw):
    n_layers, n_heads = draw(st.integers(1, 13)), draw(st.integers(1, 17))
    return Mask(draw(arrays(np.bool_, (n_layers, n_heads))), draw(arrays(np.bool_, n_layers)))


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        # 78 bits = 13 characters of 6, and two bits in a 14th; '_' is 111111, 'A' is 000000
        (Mask.full(6, 12), "_" * 13 + "A"),
        (Mask(np.zeros((6, 12)), np.zeros(6)), "A" * 14),
        (Mask.full(6, 12).with_head(0, 0, False), "f" + "_" * 12 + "A"),  # 011111
        (Mask.full(6, 12).with_mlp(5, False), "_" * 12 + "-A"),  # 111110
        (Mask.full(6, 12).with_layer(0, False), "AA" + "_" * 10 + "fA"),
        (chequered(6, 12), "qqVVqqVVqqVVkA"),  # 101010 101010, 010101 010101, ..., 100100
        # 156 bits = 26 characters, and four bits of padding in a 27th
        (Mask.full(12, 12), "_" * 26 + "A"),
        (Mask(np.zeros((12, 12)), np.zeros(12)), "A" * 27),
        (chequered(12, 12), "qqVVqqVVqqVVqqVVqqVVqqVVkkA"),
    ],
)
def test_golden_codes(mask, code):
    assert mask.code == code
    assert Mask.from_code(code, mask.n_layers, mask.n_heads) == mask


@given(any_mask())
def test_a_code_reads_back_as_the_same_mask(mask):
    again = Mask.from_code(mask.code, mask.n_layers, mask.n_heads)
    assert again == mask
    assert hash(again) == hash(mask)
    assert re.fullmatch("[A-Za-z0-9_-]+", mask.code)


@given(any_mask(), st.text(alphabet="AQgw_-af9", max_size=40))
def test_any_other_string_is_refused_or_is_the_code_of_what_it_gives(mask, text):
    try:
        read = Mask.from_code(text, mask.n_layers, mask.n_heads)
    except BadMask:
        pass
    else:
        assert read.code == text


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "is not one for 6 layers x 12 heads. Such a code has 14 characters"),
        ("_" * 13, "is not one for 6 layers x 12 heads"),
        ("_" * 26 + "A", "is it a mask for another model?"),
        ("_" * 13 + "/", "A code is made of letters"),
        ("_" * 13 + "B", "Did you mean"),  # a stray bit below the byte
        ("_" * 13 + "Q", "is not one for"),  # a stray bit in the padding of packbits
        ("_" * 13 + "A==", "A code is made of letters"),
        ("_" * 12 + "?A", "A code is made of letters, digits, '-' and '_'."),
        ("_" * 12 + "é", "A code is made of letters"),
        ("_" * 12 + "\nA", "A code is made of letters"),
        ("_" * 13, "Such a code has 14 characters"),
        ("A" * 5, "Such a code has 14 characters"),
        ("x" * 5000, "is not one for"),
    ],
)
def test_a_bad_code_is_refused_with_a_sentence(code, message):
    with pytest.raises(BadMask, match=re.escape(message)) as caught:
        Mask.from_code(code, 6, 12)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("heads", "mlps"),
    [
        (np.ones((2, 3)), np.ones(3)),
        (np.ones(3), np.ones(3)),
        (np.ones((2, 3)), np.ones((2, 1))),
        (np.ones((2, 0)), np.ones(2)),
        (np.ones((0, 3)), np.ones(0)),
        (np.full((2, 3), 2), np.ones(2)),
        (np.full((2, 3), 0.5), np.ones(2)),
        (np.full((2, 3), np.nan), np.ones(2)),
        (np.full((2, 3), "1"), np.ones(2)),
        (np.ones((2, 3)), np.array([1, -1])),
        ([[1, 0], [1]], [1, 1]),
    ],
)
def test_arrays_that_are_no_mask_are_refused(heads, mlps):
    with pytest.raises(BadMask):
        Mask(heads, mlps)


def test_numbers_0_and_1_are_taken_for_pruned_and_kept():
    assert Mask([[1, 0], [0, 1]], [1.0, 0.0]) == Mask(np.eye(2, dtype=bool), np.array([True, False]))


def test_nothing_can_write_to_a_mask():
    heads = np.ones((2, 3), np.bool_)
    mask = Mask(heads, np.ones(2))
    heads[0, 0] = False
    assert mask.is_full
    with pytest.raises(ValueError, match="read-only"):
        mask.heads[0, 0] = False
    with pytest.raises(ValueError, match="read-only"):
        mask.mlps[0] = False
    with pytest.raises(AttributeError):
        mask.heads = heads


def test_switches_give_a_new_mask():
    full = Mask.full(2, 3)
    off = full.with_head(1, 2, False)
    assert full.is_full
    assert off.heads.tolist() == [[True] * 3, [True, True, False]]
    assert off.with_head(1, 2, True) == full
    assert full.with_mlp(0, False).mlps.tolist() == [False, True]
    layer = full.with_layer(1, False)
    assert (layer.heads_kept, layer.mlps_kept, layer.is_full) == (3, 1, False)
    assert layer.heads[0].all()
    assert not layer.heads[1].any()


def test_equality_is_by_value_and_by_shape():
    full = Mask.full(2, 3)
    assert full == Mask.full(2, 3)
    assert len({full, Mask.full(2, 3), full.with_mlp(1, False)}) == 2
    assert full != full.with_mlp(0, False)
    assert Mask.full(2, 3) != Mask.full(1, 7)  # 8 bits both: the same code, another model
    assert Mask.full(2, 3).code == Mask.full(1, 7).code
    assert full != "___"
    assert repr(full) == "Mask('_w', 6/6 heads, 2/2 MLPs)"
