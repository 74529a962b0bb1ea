"""What the score card says, from comparisons that can be checked by eye."""

from __future__ import annotations

import io

import numpy as np
import pytest
import segno
from PIL import Image

from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.stats.against_full import compared
from explorer.study.majority_baseline import MajorityBaseline
from explorer.ui.pages.game.result_card import Result, result_card
from explorer.ui.scoring import card_words
from explorer.ui.widgets.answers import marked_pair

MRPC = TASKS["MRPC"]
N = 400
ONES = np.ones(N, np.int64)
HALF = MajorityBaseline(0.5, "", "majority class")


def right(share):
    """Predictions of which that share is right, where every label is 1."""
    return (np.arange(N) < share * N).astype(np.int64)


def made(mask, full, baseline=HALF, **options):
    found = compared(MRPC, right(mask), right(full), ONES)
    return card_words.exact("code", "title", found, baseline, **({"is_full": False, "provenance": ""} | options))


@pytest.mark.parametrize(
    ("mask", "chip"),
    [
        (0.89, ("above", "Above the 90% line, clearly")),
        (0.82, ("above", "Above the 90% line, but not clearly")),
        (0.80, ("below", "Below the 90% line, but not clearly")),
        (0.60, ("below", "Below the 90% line, clearly")),
    ],
)
def test_the_verdict_is_against_the_line_and_says_how_sure_it_is(mask, chip):
    assert made(mask, 0.9).chip == chip


def test_the_axis_is_the_same_for_every_mask():
    axes = {made(share, 0.9).axis for share in (0.1, 0.5, 0.95)}
    (axis,) = axes
    assert axis.line == pytest.approx(0.81)
    assert axis.low < axis.baseline < axis.line < axis.full.at < axis.high


def test_where_the_full_model_does_not_beat_the_baseline_there_is_no_line_and_no_verdict():
    card = made(0.4, 0.52)
    assert card.axis.line is None
    assert card.chip == ("none", "No verdict: the full model does not beat the majority class")
    assert "nothing that a mask could lose" in " ".join(card.folded)


def test_a_score_that_stays_is_told_without_a_sign():
    half, other = (np.arange(N) % 2 == of for of in (0, 1))
    found = compared(MRPC, half.astype(np.int64), other.astype(np.int64), ONES)
    card = card_words.exact("code", "title", found, HALF, is_full=False, provenance="")
    assert card.against == "as much as the full model"
    assert made(0.8, 0.9).against == "−0.100 against the full model"


def test_the_full_model_is_named_and_not_held_against_itself():
    card = made(0.9, 0.9, is_full=True)
    assert (card.against, card.chip[0]) == ("the full model", "full")


def test_what_changed_is_two_lines_and_the_tests_are_folded():
    card = made(0.8, 0.9)
    assert card.lines == (
        "40 of 400 answers change: 40 turn wrong, 0 turn right.",
        "The difference from the full model is larger than noise.",
    )
    assert "McNemar" in card.folded[0]
    assert "*" not in " ".join(card.folded)


def test_words_that_differ_are_marked_and_nothing_is_lost():
    pair = "He bought a small dog, they say.", "They say he bought  a big dog."
    marked = marked_pair(*pair)
    assert tuple("".join(words for words, _ in text) for text in marked) == pair
    assert ("small ", True) in marked[0]
    assert any("big" in words and mark for words, mark in marked[1])


def test_the_result_card_is_a_picture_that_differs_with_the_mask():
    full = Mask.full(6, 12)
    one, other = (
        result_card(Result(mask, "accuracy 0.850", "", "https://example.org/game?mask=x"))
        for mask in (full.with_head(0, 0, False), full.with_head(0, 1, False))
    )
    assert one.startswith(b"\x89PNG")
    assert one != other


def test_the_code_on_the_result_card_leads_to_the_mask():
    link = "https://example.org/game?task=SST-2&mask=v1-6x12-abc"
    code = segno.make_qr(link, error="m")
    modules = np.array([list(row) for row in code.matrix], np.bool_)
    with Image.open(io.BytesIO(result_card(Result(Mask.full(6, 12), "accuracy 0.850", "", link)))) as card:
        dark = np.asarray(card.convert("L")) < 128
    side = 250 // (len(modules) + 4)  # two modules of margin on each side
    width = side * (len(modules) + 4)
    printed = dark[300 : 300 + width, 1200 - 50 - width : 1200 - 50]
    at = (np.arange(len(modules)) + 2) * side + side // 2
    np.testing.assert_array_equal(printed[np.ix_(at, at)], modules)
