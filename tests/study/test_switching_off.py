"""The stops of the slider: nested, in order, and said in one sentence each."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from explorer.mask import Mask
from explorer.study.switching_off import Stop, all_off, off_since, size_words, stop_words, stops_of
from explorer.tickets.importance import Importance
from explorer.tickets.pruning_path import PathRow
from explorer.tickets.structured import TOGETHER, prune

SHAPE = (3, 4)


def mask(*heads_off, mlps_off=()):
    heads, mlps = np.ones(SHAPE, bool), np.ones(SHAPE[0], bool)
    for at in heads_off:
        heads.flat[at] = False
    mlps[list(mlps_off)] = False
    return Mask(heads, mlps)


def step(number, of, score, *, held=True):
    return PathRow(number, "heads", of, score, score - 0.05, score + 0.05, 100, held, 0.1)


def stop(of, score, *, held=True):
    return Stop(of, score, score - 0.05, score + 0.05, held)


def test_what_was_taken_back_on_the_way_is_left_out_and_the_last_fall_is_kept():
    stops = stops_of(
        [
            step(0, mask(), 0.8),
            step(1, mask(0), 0.79),
            step(2, mask(0, 1, 2, 3), 0.5, held=False),
            step(3, mask(0, 4), 0.76),
            step(4, mask(0, 4, 5), 0.6, held=False),
        ]
    )
    assert [one.heads_off for one in stops] == [0, 1, 2, 3]
    assert [one.held for one in stops] == [True, True, True, False]


def test_a_fall_that_does_not_come_from_the_ticket_is_no_stop():
    rows = [step(0, mask(), 0.8), step(1, mask(0), 0.79), step(2, mask(5), 0.5, held=False)]
    assert [one.held for one in stops_of(rows)] == [True, True]


@settings(deadline=None, max_examples=40)
@given(some.integers(0, 10_000))
def test_each_stop_of_a_real_pruning_lies_in_the_one_before(seed):
    rng = np.random.default_rng(seed)
    full = Mask.full(4, 5)

    def measure(_):
        return Importance(rng.random((4, 5)), rng.random(4), "expected")

    run = list(prune(lambda of: 0.7 + 0.3 * float(rng.random()) * of.heads.mean(), measure, full, TOGETHER))
    stops = stops_of([step(one.number, one.mask, one.score, held=one.held) for one in run])
    assert stops[0].parts_off == 0
    for before, after in pairwise(stops):
        assert (after.mask.heads <= before.mask.heads).all()
        assert (after.mask.mlps <= before.mask.mlps).all()
        assert after.parts_off > before.parts_off


def test_a_stop_is_said_in_one_sentence():
    ticket = mask(0, 1, 2, mlps_off=(1,))
    assert stop_words(stop(mask(), 0.8), 0.8, learnt=True) == "Everything is on: this is the full model."
    assert (
        stop_words(stop(ticket, 0.752), 0.8, learnt=True)
        == "3 of 12 heads and 1 of 3 MLPs off, still 94% of the full score."
    )
    assert "70% of the full score, below the 90% line" in stop_words(stop(ticket, 0.56, held=False), 0.8, learnt=True)
    assert stop_words(stop(mask(0), 0.84), 0.8, learnt=True) == "1 of 12 heads off, and 105% of the full score."


def test_nothing_is_claimed_where_the_model_has_learnt_nothing():
    assert stop_words(stop(mask(0), 0.56), 0.56, learnt=False) == "1 of 12 heads off."
    assert "%" not in stop_words(stop(mask(0), -0.02), -0.01, learnt=True)


def test_a_score_that_is_not_stored_is_said_to_be_so():
    assert "not stored" in stop_words(Stop(mask(0), math.nan, math.nan, math.nan, True), math.nan, learnt=True)


@pytest.mark.parametrize(("of", "words"), [(mask(0), "1 of 12 heads off"), (mask(mlps_off=(0, 2)), "2 of 3 MLPs off")])
def test_sizes_name_only_what_is_off(of, words):
    assert size_words(stop(of, 0.5)) == words


def test_cells_know_at_which_stop_they_go_off():
    heads, mlps = off_since([stop(mask(), 1), stop(mask(0), 1), stop(mask(0, 5, mlps_off=(2,)), 1)])
    assert heads == [[1, None, None, None], [None, 2, None, None], [None] * 4]
    assert mlps == [None, None, 2]


def test_everything_off_has_no_score():
    last = all_off(SHAPE)
    assert last.parts_off == 15
    assert math.isnan(last.score)
