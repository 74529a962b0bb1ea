"""What the benchmark of intervals counts, on cases small enough to follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.stats.partial import known
from precompute.bench.intervals import Case, as_markdown, coverage, is_met, looks_of, synthetic_case


def a_case():
    labels = np.tile([0, 1], 40)
    full = np.where(np.arange(80) % 5 == 0, 1 - labels, labels)
    one_flip, ruined = full.copy(), 1 - labels
    one_flip[3] = 1 - one_flip[3]
    return Case("a case", known("accuracy", full, labels), (one_flip, ruined), (20, 50))


def test_streams_are_counted_and_noise_is_told_from_a_real_difference():
    found = coverage(a_case(), 10)
    assert (found.streams, found.masks, found.noise_masks) == (20, 2, 1)
    assert found.called_real == 0
    assert found.found == 1
    assert found.score_held_throughout == found.difference_held_throughout >= 0.95
    assert found.widths[0] > found.widths[1] > 0
    assert is_met(found)
    assert not is_met(replace(found, score_held_throughout=0.94))
    assert not is_met(replace(found, called_real=0.06))
    assert "20, 50 of 80" in as_markdown([found])


def test_looks_grow_and_leave_the_last_one_out():
    looks = looks_of(408, 53)
    assert looks[0] == 20
    assert list(looks) == sorted(set(looks))
    assert looks[-1] < 408


def test_made_up_pairs_are_the_same_each_time_and_correlate():
    one, other = synthetic_case(6), synthetic_case(6)
    assert 0.8 < one.of.value < 0.95
    for a, b in zip(one.masks, other.masks, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_to_count_is_refused():
    with pytest.raises(BadRequest, match="nothing to count"):
        coverage(a_case(), 0)
