"""One sentence under every switch, on models made by hand: additive ones, and one where greedy is not best."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.mask import Mask
from explorer.tickets.criteria import kept_of
from explorer.tickets.microscope import Switch, closeup, turn_of

FULL = Mask.full(2, 2)  # four heads, two MLPs


def additive(weights, bias):
    """Logits (0, bias + what is on)."""
    return lambda masks: np.array([[0.0, bias + float(np.dot(weights, kept_of(mask)))] for mask in masks])


def turned(of, logits_of, **options):
    def through():
        found.append((yield from turn_of(of, logits_of, **options)))

    found = []
    assert len(list(through())) == len(found[0].switches)
    return found[0]


def test_each_switch_moves_an_additive_margin_by_its_weight():
    weights = np.array([0.5, -0.25, 1.0, 0.0, 2.0, -3.0])
    mask = FULL.with_head(0, 1, False).with_mlp(1, False)
    of = closeup(mask, additive(weights, 0.5))
    assert (of.answer, of.margin) == (1, pytest.approx(4.0))
    heads, mlps = of.changes
    np.testing.assert_allclose(heads, [[-0.5, -0.25], [-1.0, 0.0]])  # the second head comes on again
    np.testing.assert_allclose(mlps, [-2.0, -3.0])
    assert of.turning == 0
    turn = turned(of, additive(weights, 0.5))
    assert turn.switches == (Switch(1, None, False), Switch(0, None, True))
    np.testing.assert_allclose(turn.margins, [1.0, -1.0])
    assert (turn.turned, turn.fewest) == (True, True)
    assert additive(weights, 0.5)([turn.mask])[0].argmax() == 0


def test_a_single_switch_that_turns_it_is_taken_at_once():
    logits_of = additive(np.array([0.1, 0.2, 0.3, 0.4, 1.5, 0.0]), -1.5)
    of = closeup(FULL, logits_of)
    assert of.turning == 1
    assert turned(of, logits_of).switches == (Switch(0, None, True),)


def test_where_nothing_turns_it_the_search_says_so():
    logits_of = additive(np.array([-1.0, 0.5, 0.0, 0.0, -1.0, -1.0]), 9.0)
    turn = turned(closeup(FULL, logits_of), logits_of)
    assert (turn.turned, turn.fewest, turn.switches) == (False, False, (Switch(0, 1, True),))
    stopped = turned(closeup(FULL, additive(np.ones(6), 9.0)), additive(np.ones(6), 9.0), at_most=3)
    assert (stopped.turned, len(stopped.switches)) == (False, 3)


def test_greedy_may_miss_the_fewest_and_does_not_claim_them():
    def logits_of(masks):  # heads 1 and 2 turn it together, neither does alone
        rows = []
        for mask in masks:
            a, b, c, d, *_ = kept_of(mask)
            rows.append([0.0, -1.0 if not (b or c) else 1.0 - 0.4 * (not a) - 0.4 * (not d) - 0.3 * (not b)])
        return np.array(rows)

    turn = turned(closeup(FULL, logits_of), logits_of)
    assert turn.turned
    assert len(turn.switches) == 3
    assert not turn.fewest


def test_of_three_classes_the_best_other_counts_and_a_value_never_turns():
    of = closeup(FULL, lambda masks: np.array([[3.0, 1.0, 2.5 + 0.25 * (i == 1)] for i in range(len(masks))]))
    assert (of.margin, of.heads[0, 0]) == (0.5, 0.25)
    value = closeup(FULL, lambda masks: np.array([[2.0 - (i == 2)] for i in range(len(masks))]))
    assert (value.answer, value.margin, value.heads[0, 1], value.turning) == (None, 2.0, 1.0, 0)
    assert turned(value, lambda masks: None).switches == ()
