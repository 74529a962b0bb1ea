"""State of an unfinished computation: saved by time, whole or not at all, and read by the same computation only."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from explorer.errors import BadBundle
from explorer.store.saved_state import Pace, SavedState


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_it_is_time_after_thirty_seconds_and_not_more_often_than_saving_can_keep_up():
    clock = Clock()
    pace = Pace(clock=clock)
    clock.now += 29.9
    assert not pace.due
    clock.now += 0.1
    assert pace.due
    with pace.saving():
        clock.now += 5
    clock.now += 99
    assert not pace.due, "saving took 5 s: once in 100 s it takes a twentieth of the time"
    clock.now += 1
    assert pace.due
    assert Pace(0.0, clock).due


def test_what_is_saved_is_read_by_the_same_computation(tmp_path):
    clock = Clock()
    state = SavedState(tmp_path / "work" / "s.npz", "of this", Pace(clock=clock))
    assert (state.arrays, state.seconds) == ({}, 0.0)
    clock.now += 7
    state.save(done=3, totals=np.arange(4.0))
    again = SavedState(tmp_path / "work" / "s.npz", "of this")
    assert again.seconds == 7
    assert int(again.arrays["done"]) == 3
    np.testing.assert_array_equal(again.arrays["totals"], np.arange(4.0))
    assert SavedState(tmp_path / "work" / "s.npz", "of that").arrays == {}
    content = state.path.read_bytes()
    for size in (0, 1, len(content) // 2, len(content) - 1):
        state.path.write_bytes(content[:size])
        assert SavedState(state.path, "of this").arrays == {}


def test_a_full_disk_is_a_sentence_and_the_state_before_it_stays(tmp_path, monkeypatch):
    state = SavedState(tmp_path / "s.npz", "of this")
    state.save(done=1)

    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BadBundle, match=r"cannot be saved in .* \(No space left on device\)\. Make room and give"):
            state.save(done=2)
    assert int(SavedState(tmp_path / "s.npz", "of this").arrays["done"]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"], "no half of a file takes the room that is left"
