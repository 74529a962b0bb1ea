"""The one value that says everything of a mask, on examples small enough to count."""

from __future__ import annotations

import math

import pytest

from explorer.glue.tasks import TASKS
from explorer.stats import against_full
from explorer.stats.against_full import compared, from_json, to_json


def test_counts_and_scores_of_three_classes():
    found = compared(TASKS["MNLI"], [0, 1, 2, 0, 1], [0, 1, 1, 1, 2], [0, 0, 2, 1, 0])
    assert (found.score.value, found.full.value, found.difference.difference) == (0.4, 0.4, 0.0)
    assert (found.changed, found.broken, found.fixed) == (3, 1, 1)
    assert not found.same


def test_the_full_model_against_itself():
    found = compared(TASKS["MRPC"], [0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 0])
    assert found.same
    assert (found.changed, found.broken, found.fixed) == (0, 0, 0)
    assert found.score == found.full


def test_regression_flips_nothing():
    found = compared(TASKS["STS-B"], [1.0, 2.0, 3.5, 4.0], [1.0, 2.5, 3.0, 4.0], [1.0, 2.0, 3.0, 5.0])
    assert (found.changed, found.broken, found.fixed) == (2, 0, 0)
    assert found.score.metric == "pearson"


@pytest.mark.parametrize(
    ("task", "mask", "full"),
    [
        ("MRPC", [0, 1, 1, 0], [0, 1, 0, 0]),
        ("CoLA", [0, 0, 0, 0], [0, 1, 1, 0]),
        ("STS-B", [1.0, 2, 3, 3], [1, 2, 4, 3]),
    ],
)
def test_comes_back_from_json_as_it_was(task, mask, full):
    found = compared(TASKS[task], mask, full, [0, 1, 0, 1])
    back = from_json(to_json(found), TASKS[task])
    assert back is not None
    assert repr(back) == repr(found)  # repr: nan is not equal to itself


def test_nan_survives():
    found = compared(TASKS["STS-B"], [1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    back = from_json(to_json(found), TASKS["STS-B"])
    assert back is not None
    assert math.isnan(back.score.value)
    assert back.score.undefined == found.score.undefined != ""


def test_another_task_or_other_statistics_are_not_taken(monkeypatch):
    text = to_json(compared(TASKS["MRPC"], [0, 1], [0, 0], [0, 1]))
    assert from_json(text, TASKS["RTE"]) is None
    assert from_json("", TASKS["MRPC"]) is None
    monkeypatch.setattr(against_full, "statistics_version", lambda: "newer")
    assert from_json(text, TASKS["MRPC"]) is None
