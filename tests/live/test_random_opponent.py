"""Chance as an opponent: exact sizes, the same masks for the same seed, and a count that is arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.live.evaluation import Evaluation
from explorer.live.random_opponent import RandomOpponent, play, random_masks
from explorer.live.worker import Milestone
from explorer.mask import Mask


@pytest.mark.parametrize("n_off", [0, 1, 7, 12])
def test_draws_switch_off_exactly_so_many_heads_and_no_mlp(n_off):
    masks = random_masks((3, 4), n_off, 5, seed=1)
    assert [mask.heads_kept for mask in masks] == [12 - n_off] * 5
    assert all(mask.mlps.all() for mask in masks)
    assert masks == random_masks((3, 4), n_off, 5, seed=1)


def test_every_head_is_as_likely_as_any_other():
    off = np.mean([~mask.heads for mask in random_masks((3, 4), 3, 4000)], axis=0)
    assert np.abs(off - 0.25).max() < 0.04


def test_more_heads_than_there_are_cannot_be_off():
    with pytest.raises(BadRequest):
        random_masks((3, 4), 13, 1)


class Half:
    """Scores the share of heads in the first layer that is kept."""

    def stream(self, mask):
        yield "a score so far"
        yield Evaluation(mask, float(mask.heads[0].mean()), np.zeros((1, 2), np.float32), 0.0)


def test_play_tells_every_draw_and_counts_those_on_the_line():
    masks = [Mask.full(2, 2).with_head(0, 0, False), Mask.full(2, 2), Mask.full(2, 2).with_layer(0, False)]
    work = play(Half(), masks, 1, 0.5)
    news = []
    while True:
        try:
            news.append(next(work))
        except StopIteration as end:
            last = end.value
            break
    draws = [of.news for of in news if isinstance(of, Milestone)]
    assert [len(of.scores) for of in draws] == [1, 2]
    assert [len(of.scores) for of in news if not isinstance(of, Milestone)] == [0, 1, 2]
    assert last == RandomOpponent(1, 3, (0.5, 1.0, 0.0), 0.5)
    assert last.held == 2
