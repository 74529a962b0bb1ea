"""Holm's correction by hand."""

from __future__ import annotations

import pytest

from explorer.stats.multiple import holm


def test_holm_by_hand():
    # Sorted .01 .02 .04: times 3, 2, 1, never falling.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
