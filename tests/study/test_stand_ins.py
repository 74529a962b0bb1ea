"""Learned constants beside means and nothing: means over masks, paired differences and words by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from explorer.errors import BadBundle
from explorer.figures.stand_ins import stand_ins_figure
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.schema import Key, Run
from explorer.study.stand_ins import NAMES, caption, meaning, stand_ins_compared

N, RUN = 200, Run("tiny", "RTE", 7)
LABELS = np.arange(N) % 2.0
FULL = Mask.full(1, 3)
MASKS = [("good", np.nan), ("random", np.nan), ("bad", np.nan), ("drawn", 0.5), ("drawn", 0.5), ("drawn", 0.9)]
RIGHT = {"zero": (160, 110, 100, 100, 120, 170), "mean": (140, 110, 100, 100, 120, 170)}
RIGHT["learned"] = (150, 110, 100, 120, 140, 180)
"""What stands in -> how many each mask gets right; the full model gets 180."""


def answers(right):
    return np.where(np.arange(N) < right, LABELS, 1 - LABELS)


def artefact(right, codes=None):
    rows, said = [], []
    for instead, many in right.items():
        for at, ((name, rate), number) in enumerate(zip(MASKS, many, strict=True)):
            code = (codes or {}).get((instead, at), f"mask {at}")
            rows.append({"name": name, "rate": rate, "instead": instead, "mask": code, "score": number / N})
            said.append(answers(number))
    return SimpleNamespace(
        table=pd.DataFrame(rows),
        arrays={"predictions": np.stack(said)},
        manifest=SimpleNamespace(summary={"examples": 30}, config={"steps": 240}, key=Key(RUN, "constants")),
    )


def known(task="RTE"):
    full = SimpleNamespace(predictions=answers(180), score=0.9, mask=FULL)
    return SimpleNamespace(labels=LABELS, full=full, task=TASKS[task], run=RUN, shape=(1, 3))


@pytest.fixture(scope="module")
def of():
    return stand_ins_compared(artefact(RIGHT), known())


def test_points_are_means_over_the_masks_of_a_keep_rate(of):
    found = of.masks.set_index(["in the place of what is off", "rate"])
    assert len(found) == 6
    assert found.loc[("nothing (the paper)", 0.5), "score"] == pytest.approx(110 / N)
    assert found.loc[("a learned constant", 0.5), "score"] == pytest.approx(130 / N)
    assert found.loc[("a learned constant", 0.9), "masks"] == 1
    assert (found["low"] < found["score"]).all()
    assert (found["score"] < found["high"]).all()


def test_differences_are_paired(of):
    gain = of.learned_minus["zero"]
    assert gain.value == pytest.approx((20 + 20 + 10) / 3 / N)
    assert gain.beyond_noise
    assert gain.high - gain.low < 0.1, "what is right under both is in neither"
    same = of.learned_minus["mean"]
    assert (same.value, same.low, same.high) == (gain.value, gain.low, gain.high)
    assert (of.drawn, of.sample, of.steps, of.n) == (3, 30, 240, N)


def test_a_ticket_that_scores_the_same_differs_by_nothing(of):
    rows = of.tickets.set_index("ticket")
    assert rows.loc["bad", "learned minus the mean"] == "0.000"
    assert rows.loc["good", "learned minus nothing (the paper)"].startswith("−0.050 [")
    assert rows.loc["good", "a learned constant"].startswith("0.750 [")


def test_masks_that_give_one_answer_are_counted_with_what_that_scores():
    of_one = np.ones(N)
    whole = artefact(RIGHT)
    at = [number for number, name in enumerate(whole.table["name"]) if name == "drawn"][:2]  # with nothing there
    whole.arrays["predictions"][at] = of_one
    found = stand_ins_compared(whole, known())
    assert found.one_answer == {"zero": 2, "mean": 0, "learned": 0}
    assert found.majority == 0.5
    said = meaning(found, "accuracy", learnt=True)
    assert "one and the same answer: 2 with nothing, 0 with the mean, 0 with a learned constant; the answer" in said
    assert "scores 0.500." in said


def test_the_sentence_says_more_less_or_neither(of):
    words = meaning(of, "accuracy", learnt=True)
    assert words.startswith("**A learned constant keeps more of the score than leaving nothing there, +0.083 [")
    assert "3 random masks of RTE, seed 7" in words
    worse = stand_ins_compared(artefact(RIGHT | {"zero": (160, 110, 100, 140, 160, 190)}), known())
    assert meaning(worse, "accuracy", learnt=True).startswith(
        "**A learned constant keeps less of the score than leaving nothing there, −0.0"
    )
    same = stand_ins_compared(artefact(RIGHT | {"zero": RIGHT["learned"]}), known())
    assert "is not told from leaving nothing there by 200 examples, 0.000" in meaning(same, "accuracy", learnt=True)
    assert "nothing is claimed" in meaning(of, "accuracy", learnt=False)
    assert "240 steps from 30 training examples" in caption(of)


def test_an_undefined_correlation_counts_as_0():
    constant = artefact(dict.fromkeys(NAMES, (0,) * 6))
    constant.arrays["predictions"][:] = 1
    found = stand_ins_compared(constant, known("CoLA"))
    assert (found.masks["score"] == 0).all()
    assert not found.learned_minus["zero"].beyond_noise


def test_other_masks_under_one_of_them_are_refused():
    with pytest.raises(BadBundle, match="not the same ones"):
        stand_ins_compared(artefact(RIGHT, {("mean", 3): "another"}), known())


def test_the_figure_has_a_line_for_each(of):
    figure = stand_ins_figure(of.masks, metric="accuracy", full=0.9, majority=0.5, majority_title="majority class")
    assert [trace.name for trace in figure.data] == list(NAMES.values())
    texts = {note.text for note in figure.layout.annotations}
    assert texts == {"full model", "majority class"}
    alone = stand_ins_figure(of.masks, metric="accuracy", full=0.9)
    assert {note.text for note in alone.layout.annotations} == {"full model"}
