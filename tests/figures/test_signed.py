"""Differences in print."""

from __future__ import annotations

import pytest

from explorer.figures.signed import signed


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.0123, "+0.012"), (-0.0123, "\u22120.012"), (-0.0001, "0.000"), (0.0, "0.000"), (float("nan"), "nan")],
)
def test_signs(value, says):
    assert signed(value) == says
