"""Features and rules on maps that a person can check by eye."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadRequest
from explorer.patterns.classes import CLASSES, MEANINGS, UNCERTAIN
from explorer.patterns.classifier.features import NAMES, features_of, scaled, shows_nothing, table
from explorer.patterns.classifier.rules import class_by_rules, classify_by_rules


def column(length, at):
    out = np.full((length, length), 0.01)
    out[:, at] = 1
    return out


def line(length, offset=0):
    return np.full((length, length), 0.01) + np.eye(length, k=offset)


def squares(length, border):
    out = np.full((length, length), 0.05)
    out[:border, :border] = out[border:, border:] = 1
    return out


def scattered(length, seed=0):
    return np.random.default_rng(seed).exponential(size=(length, length)) ** 2


@pytest.mark.parametrize("length", [12, 20, 64, 128])
def test_rules_name_the_textbook_maps(length):
    maps = [
        scattered(length),
        squares(length, length // 2),
        line(length, -1),
        column(length, 0),
        column(length, 0) + line(length),
    ]
    assert [CLASSES[k] for k in classify_by_rules(maps)] == list(CLASSES)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_previous_self_and_next_are_all_diagonals(offset):
    shown = features_of(line(16, offset))
    assert shown.best_diagonal == pytest.approx(1.0)
    assert class_by_rules(shown) == "diagonal"


def test_a_single_column_in_numbers():
    shown = features_of(column(20, 19))
    assert shown.best_column == 1
    assert shown.columns_counted == pytest.approx(1 / 20)
    assert shown.mass_of_columns == pytest.approx(1 / 1.19)
    assert shown.variance_of_columns == pytest.approx(1)
    assert shown.visible_elsewhere == 0
    assert shown.best_diagonal == 0


def test_squares_explain_their_map():
    shown = features_of(squares(20, 8))
    assert shown.block_contrast == pytest.approx((0.5 - 0.05) / (0.5 + 0.05))  # strong cells count as half
    assert shown.block_variance == pytest.approx(1)
    assert shown.symmetry == pytest.approx(1)


def test_a_flat_map_is_heterogeneous_and_finite():
    shown = features_of(np.ones((12, 12)))
    assert np.isfinite(astuple(shown)).all()
    assert shown.row_entropy == pytest.approx(1)
    assert class_by_rules(shown) == "heterogeneous"


@settings(max_examples=40)
@given(st.integers(3, 40), st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_features_are_finite_and_do_not_see_the_scale(length, seed, factor):
    weights = scattered(length, seed)
    values = astuple(features_of(weights))
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values, astuple(features_of(factor * weights)), rtol=1e-6, atol=1e-9)


def test_the_table_has_a_column_for_each_name():
    assert table([line(9), column(30, 2)]).shape == (2, len(NAMES))
    assert table([]).shape == (0, len(NAMES))


def test_what_shows_nothing_is_no_error_for_those_who_ask():
    assert shows_nothing(np.ones((2, 2)))
    assert shows_nothing(np.zeros((9, 9)))
    assert not shows_nothing(line(9))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones((3, 4)), "not square"),
        (np.ones(4), "not square"),
        (np.full((4, 4), np.nan), "no attention weights"),
        (-np.eye(4), "no attention weights"),
        (np.ones((2, 2)), "2 tokens"),
        (np.zeros((4, 4)), "zero everywhere"),
    ],
)
def test_what_is_no_map_is_told(weights, words):
    with pytest.raises(BadRequest, match=words):
        scaled(weights)


def test_every_name_has_a_meaning():
    assert set(MEANINGS) == {*CLASSES, UNCERTAIN}
