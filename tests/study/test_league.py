"""Places in the league: what counts as won and as lost against random orders."""

from __future__ import annotations

import pytest

from explorer.stats.weighted import Difference
from explorer.study.league import Standing
from explorer.tickets.criteria import criterion_named

ABOVE, BELOW = Difference(0.1, 0.05, 0.15), Difference(-0.1, -0.15, -0.05)


def standing(against_chance, beaten, lost, draws=20):
    return Standing(criterion_named("fisher"), 0.7, 0.6, 0.8, ABOVE, against_chance, beaten, lost, draws)


@pytest.mark.parametrize(
    ("against", "beaten", "lost", "beats", "loses"),
    [
        (ABOVE, 20, 0, True, False),
        (ABOVE, 19, 1, False, False),
        (BELOW, 0, 20, False, True),
        (BELOW, 1, 19, False, False),
        (ABOVE, 0, 0, False, False),
        (BELOW, 0, 0, False, False),
        (BELOW, 0, 19, False, False),
        (Difference(-0.1, -0.15, 0.05), 0, 20, False, False),
    ],
    ids=["beats all", "loses to one", "loses to all", "beats one", "ties above", "ties below", "one tie", "noise"],
)
def test_a_tie_with_a_random_order_is_neither_won_nor_lost(against, beaten, lost, beats, loses):
    one = standing(against, beaten, lost)
    assert (one.beats_chance, one.loses_to_chance) == (beats, loses)
    assert one.p_of_orders == pytest.approx((21 - beaten) / 21)
