"""Error probability over looks: all of it is spent, none twice, however many looks there are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadRequest
from explorer.stats.spending import coverage_words, spent_at


@given(seen=st.lists(st.integers(1, 40_000), unique=True, min_size=1, max_size=100).map(sorted))
@settings(deadline=None)
def test_all_looks_together_spend_what_there_is(seen):
    errors = spent_at(seen)
    assert len(errors) == len(seen)
    assert all(error > 0 for error in errors)
    assert sum(errors) == pytest.approx(0.05)


def test_by_hand():
    half = 0.05 * math.log(1 + (math.e - 1) / 2)
    assert spent_at([50, 100]) == pytest.approx((half, 0.05 - half))
    assert spent_at([]) == ()
    assert spent_at([7], confidence=0.9) == pytest.approx((0.1,))
    assert coverage_words() == "95% over all looks"


def test_looks_that_do_not_ascend_are_refused():
    for seen in ([0, 5], [5, 5], [6, 5]):
        with pytest.raises(BadRequest, match="do not ascend"):
            spent_at(seen)
    with pytest.raises(BadRequest, match="not between 0 and 1"):
        spent_at([5], confidence=1)
