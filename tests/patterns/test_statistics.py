"""Statistics of attention maps by hand on small maps, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import BadRequest
from explorer.glue.tokens import Tokens, role_of
from explorer.patterns.statistics import STATISTICS, over_sentences, statistics

PAIR = Tokens(("[CLS]", "one", "[SEP]", "two", ".", "[SEP]"), np.array([0, 0, 0, 1, 1, 1]))
SINGLE = Tokens(("[CLS]", "cat", "!", "[SEP]"), np.zeros(4, np.int64))


def by_name(maps, tokens):
    return dict(zip(STATISTICS, statistics(maps, tokens).tolist(), strict=True))


def test_flat_attention_by_hand():
    got = by_name(np.ones((6, 6)), PAIR)
    assert got["entropy"] == pytest.approx(np.log(6))
    assert got["distance"] == pytest.approx(2 * (5 * 1 + 4 * 2 + 3 * 3 + 2 * 4 + 1 * 5) / 36)
    assert (got["cls"], got["sep"], got["punctuation"]) == pytest.approx((1 / 6, 2 / 6, 1 / 6))
    assert got["self"] == pytest.approx(1 / 6)
    assert got["previous"] == got["next"] == pytest.approx(5 / 36)  # the first row has no previous
    # rows 'one', 'two', '.': 'one' gives 2/6 to the other sentence, each of the others 1/6
    assert got["other"] == pytest.approx((2 + 1 + 1) / 6 / 3)


@pytest.mark.parametrize(("offset", "name", "share"), [(0, "self", 1.0), (-1, "previous", 3 / 4), (1, "next", 3 / 4)])
def test_diagonals(offset, name, share):
    """A diagonal beside the main one leaves one row without attention but for a corner, which is no neighbour."""
    weights = np.eye(4, k=offset)
    weights[0, 3] += offset == -1
    weights[3, 0] += offset == 1
    got = by_name(weights, SINGLE)
    assert got["entropy"] == 0
    assert got[name] == share
    assert sum(got[other] for other in ("self", "previous", "next")) == share
    assert got["distance"] == (0 if offset == 0 else (3 * 1 + 3) / 4)


def test_one_row_by_hand():
    weights = np.zeros((4, 4))
    weights[1] = [1, 2, 4, 1]  # 'cat' reads [CLS] 1/8, itself 1/4, '!' 1/2, [SEP] 1/8; all other rows are zero
    got = by_name(weights, SINGLE)
    assert (got["cls"], got["self"], got["punctuation"], got["next"], got["sep"]) == (1 / 8, 1 / 4, 1 / 2, 1 / 2, 1 / 8)
    assert got["previous"] == 1 / 8
    assert got["distance"] == 1 / 8 * 1 + 1 / 2 * 1 + 1 / 8 * 2
    assert got["entropy"] == pytest.approx(np.log(2) * (3 / 8 * 2 + 2 / 4 + 1 / 2))
    assert np.isnan(got["other"])


def test_rows_are_normalised_first_and_unusable_ones_left_out():
    weights = np.random.default_rng(0).random((2, 3, 6, 6))
    scaled = weights * np.linspace(0.1, 9, 6)[:, None]
    np.testing.assert_allclose(statistics(scaled, PAIR), statistics(weights, PAIR))
    for bad in (0.0, np.nan, np.inf):
        broken = weights.copy()
        broken[:, :, 4] = bad
        kept = weights.copy()
        kept[:, :, 4] = 0
        np.testing.assert_allclose(statistics(broken, PAIR), statistics(kept, PAIR))
    assert np.isnan(statistics(np.zeros((6, 6)), PAIR)).all()


def test_every_map_is_measured_as_if_alone():
    weights = np.random.default_rng(1).random((3, 2, 6, 6))
    together = statistics(weights, PAIR)
    assert together.shape == (3, 2, 9)
    for place in np.ndindex(3, 2):
        np.testing.assert_allclose(together[place], statistics(weights[place], PAIR))


@given(st.integers(0, 10**6), st.floats(0.1, 20))
def test_bounds(seed, sharpness):
    rng = np.random.default_rng(seed)
    got = by_name(np.exp(sharpness * rng.normal(size=(6, 6))), PAIR)
    assert 0 <= got["entropy"] <= np.log(6) + 1e-12
    assert 0 <= got["distance"] <= 5
    assert all(0 <= got[name] <= 1 for name in STATISTICS[2:])
    assert got["cls"] + got["sep"] + got["punctuation"] <= 1 + 1e-12
    assert got["self"] + got["previous"] + got["next"] <= 1 + 1e-12


def test_a_map_of_another_length_is_refused():
    with pytest.raises(BadRequest, match="does not go with 4 tokens"):
        statistics(np.ones((6, 6)), SINGLE)


@pytest.mark.parametrize(
    ("token", "role"),
    [
        ("[CLS]", "cls"),
        ("[SEP]", "sep"),
        ("[UNK]", "word"),
        ("[MASK]", "word"),
        (".", "punctuation"),
        ("##.", "punctuation"),
        ("##", "punctuation"),
        ("$", "punctuation"),
        ("«", "punctuation"),
        ("。", "punctuation"),
        ("##s", "word"),
        ("it's", "word"),
        ("7", "word"),
        ("ש", "word"),
    ],
)
def test_roles(token, role):
    assert role_of(token) == role


def test_over_sentences_by_hand():
    over = over_sentences([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [6.0, np.nan, np.nan]])
    np.testing.assert_array_equal(over.mean, [3, 5, np.nan])
    np.testing.assert_array_equal(over.n, [3, 1, 0])
    np.testing.assert_allclose(over.sd, [np.sqrt((4 + 1 + 9) / 2), np.nan, np.nan])
    values = np.random.default_rng(0).normal(size=(7, 2, 3))
    np.testing.assert_allclose(over_sentences(values).sd, values.std(axis=0, ddof=1))
