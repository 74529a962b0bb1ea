"""The interval of a partial score: its ends, and how often it holds the final score."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.stats.partial import partial_score


def test_all_examples_leave_no_doubt() -> None:
    score = partial_score("accuracy", [1, 1, 0, 0], [1, 1, 1, 0], 4)
    assert (score.value, score.low, score.high) == (0.75, 0.75, 0.75)


def test_it_narrows_with_more_examples() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=400)
    predictions = np.where(rng.random(400) < 0.8, labels, 1 - labels)
    widths = [
        (lambda s: s.high - s.low)(partial_score("accuracy", predictions[:m], labels[:m], 400))
        for m in (50, 100, 200, 300, 399)
    ]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("metric", ["accuracy", "matthews"])
def test_it_holds_the_final_score_about_as_often_as_it_says(metric: str) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=400)
    predictions = np.where(rng.random(400) < 0.75, labels, 1 - labels)
    final = partial_score(metric, predictions, labels, 400).value  # type: ignore[arg-type]
    held = 0
    for _ in range(200):
        part = rng.permutation(400)[:130]
        score = partial_score(metric, predictions[part], labels[part], 400, resamples=300)  # type: ignore[arg-type]
        held += score.low <= final <= score.high
    assert held >= 182  # 95% of 200 is 190; fewer than 182 happens once in 200 times


def test_degenerate_and_impossible_samples() -> None:
    constant = partial_score("matthews", [1, 1, 1], [1, 0, 1], 10)
    assert constant.undefined
    with pytest.raises(BadRequest, match="not part of a set"):
        partial_score("accuracy", [1, 1], [1, 1], 1)
