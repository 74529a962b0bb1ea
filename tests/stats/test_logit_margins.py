"""Margins and flips on logits small enough to read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.errors import BadRequest
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import TASKS
from explorer.stats.logit_margins import BROKEN, FIXED, OTHER, flipped, margins, moved

MNLI, STSB = TASKS["MNLI"], TASKS["STS-B"]


def test_margins_of_three_classes():
    logits = np.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    assert margins(logits, [0, 1, 2]).tolist() == [1.0, -2.0, -1.0]


@given(arrays(np.float32, (6, 3), elements=st.integers(-5, 5)), arrays(np.int64, 6, elements=st.integers(0, 2)))
@settings(max_examples=50)
def test_a_positive_margin_is_a_right_answer_and_a_negative_one_a_wrong_answer(logits, labels):
    right = predictions_of(MNLI, logits) == labels
    found = margins(logits, labels)
    assert right[found > 0].all()
    assert not right[found < 0].any()


@pytest.mark.parametrize(
    ("logits", "labels"), [(np.zeros((2, 1)), [0, 0]), (np.zeros((2, 2)), [0]), (np.zeros(2), [0, 0])]
)
def test_shapes_without_margins(logits, labels):
    with pytest.raises(BadRequest, match="no margins"):
        margins(logits, labels)


def test_a_label_that_is_no_class():
    with pytest.raises(BadRequest, match="not one of 2 classes"):
        margins(np.zeros((1, 2)), [2])


def test_flipped_names_each_kind_the_farthest_first():
    full = np.array([[2.0, 0, 0], [0, 2, 0], [0, 2, 0], [2, 0, 0], [1, 0, 0]])
    mask = np.array([[0, 1.0, 0], [9, 2, 0], [0, 2, 3], [3, 0, 0], [0, 1, 0]])
    labels = np.array([0.0, 0, 0, 0, 2])
    table = flipped(MNLI, mask, full, labels)
    assert table["index"].tolist() == [1, 0, 2, 4]  # moved by 9, 3, 1 and 0: example 3 is as before
    assert table["change"].tolist() == [FIXED, BROKEN, OTHER, OTHER]
    assert table[["gold", "before", "after"]].to_numpy().tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 2], [2, 0, 1]]
    assert table["margin_before"].tolist() == [-2, 2, -2, -1]
    assert table["margin_after"].tolist() == [7, -1, -3, -1]


def test_nothing_flips_where_nothing_changes():
    logits = np.array([[2.0, 0, 0], [0, 2, 0]])
    table = flipped(MNLI, logits, logits, np.array([0.0, 0]))
    assert len(table) == 0
    assert "margin_after" in table


def test_moved_ranks_by_how_far_a_value_went():
    full = np.array([[1.0], [2], [3], [4]])
    mask = np.array([[1.5], [2], [1], [4.25]])
    table = moved(STSB, mask, full, np.array([2.0, 2, 2, 5]), at_most=2)
    assert table["index"].tolist() == [2, 0]
    assert table["error_before"].tolist() == [1, 1]
    assert table["error_after"].tolist() == [1, 0.5]
    assert len(moved(STSB, full, full, np.zeros(4))) == 0
