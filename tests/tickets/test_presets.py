"""Preset masks on a model of 2 layers x 3 heads, and on the tickets that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import tickets_beside
from explorer.tickets.presets import most_important, named_masks, surviving, without_layer

ROOT = Path(__file__).resolve().parents[2]
SHAPE = (2, 3)
A = Mask(np.array([[1, 1, 0], [0, 1, 0]]), np.array([1, 0]))
B = Mask(np.array([[1, 0, 0], [0, 1, 1]]), np.array([1, 1]))
C = Mask(np.array([[1, 0, 0], [1, 0, 0]]), np.array([0, 1]))
TICKETS = {1: A, 2: B, 3: C}


def test_each_draw_of_random_is_the_same_each_time_and_draws_differ():
    drawn = [named_masks((6, 12), {7: Mask.full(6, 12).with_layer(2, False)}, 7, draw=n)["random"].mask for n in (0, 1)]
    again = named_masks((6, 12), {7: Mask.full(6, 12).with_layer(2, False)}, 7, draw=1)["random"].mask
    assert drawn[0] != drawn[1] == again


def test_one_layer_off_and_what_several_seeds_keep():
    assert without_layer(SHAPE, 1) == Mask(np.array([[1, 1, 1], [0, 0, 0]]), np.array([1, 0]))
    assert surviving(TICKETS, 1) == Mask(np.array([[1, 1, 0], [1, 1, 1]]), np.array([1, 1]))
    assert surviving(TICKETS, 2) == Mask(np.array([[1, 0, 0], [0, 1, 0]]), np.array([1, 1]))
    assert surviving(TICKETS, 3) == named_masks(SHAPE, TICKETS, 1)["super"].mask
    with pytest.raises(BadRequest):
        surviving({}, 1)


def test_the_most_important_are_ranked_within_their_layer_first_as_pruning_does():
    heads = np.array([[3.0, 4.0, 0.0], [0.03, 0.0, 0.04]])  # both layers become 0.6, 0.8 and 0
    mask = most_important(heads, np.array([5.0, 9.0]), 2, 1)
    np.testing.assert_array_equal(mask.heads, [[False, True, False], [False, False, True]])
    np.testing.assert_array_equal(mask.mlps, [False, True])
    assert most_important(heads, np.array([5.0, 9.0]), 6, 2).is_full
    nothing = most_important(heads, np.array([5.0, 9.0]), 0, 0)
    assert (nothing.heads_kept, nothing.mlps_kept) == (0, 0)
    with pytest.raises(BadRequest, match="no 7 heads"):
        most_important(heads, np.array([5.0, 9.0]), 7, 1)


def test_pruning_switches_off_what_the_most_important_leave_out():
    from explorer.tickets.importance import Importance
    from explorer.tickets.structured import Phase, select

    rng = np.random.default_rng(0)
    heads, mlps = rng.integers(0, 4, (3, 4)).astype(float), rng.integers(0, 2, 3).astype(float)  # with ties
    pruned = select(Mask.full(3, 4), Importance(heads, mlps, "expected"), Phase("together", 0.25, 1))
    assert most_important(heads, mlps, 9, 2) == pruned


def test_what_ships_was_scored_for_these_very_masks():
    """A preset whose score is stored is of use only if it is the mask that was stored."""
    bundle, run = Bundle(ROOT / "cache"), Run("minilm-l6", "MRPC", 1337)
    stored = bundle.read(Key(run, "subnetworks"))
    tickets = {int(seed): Mask.from_code(code, 6, 12) for seed, code in stored.manifest.config["tickets"].items()}
    assert set(tickets) <= set(tickets_beside(bundle, run))
    masks = named_masks((6, 12), tickets, run.seed)
    names = {"super-good": "super"}
    for kind, code in zip(stored.table["kind"], stored.table["mask"], strict=True):
        mask = masks[names.get(kind, kind)].mask
        assert mask.code == code, kind
