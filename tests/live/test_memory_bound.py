"""The bound on memory: what is unused for longest goes, no more than is needed, and what is in use stays."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from explorer.bert.memory import resident_bytes
from explorer.live.memory_bound import MemoryBound
from explorer.live.model_pool import ModelPool
from tests.waiting import HANG_SECONDS, until

MB, ROOT = 2**20, Path(__file__).resolve().parents[2]


class Process:
    """Holds things by name; `base` cannot go."""

    def __init__(self, base, **things):
        self.base, self.things, self.dropped, self.handed_back = base, things, [], 0

    def resident(self):
        return self.base + sum(self.things.values())

    def drop(self, *names):
        def one():
            name = next((name for name in names if name in self.things), None)
            if name is not None:
                self.dropped.append(name)
                del self.things[name]
            return name is not None

        return one

    def bound(self, at_most, *drops):
        def hand_back():
            self.handed_back += 1

        return MemoryBound(at_most, drops, resident=self.resident, hand_back=hand_back)


def test_within_the_bound_nothing_goes_and_nothing_is_handed_back():
    process = Process(10, a=50)
    process.bound(60, process.drop("a")).keep()
    assert (process.dropped, process.handed_back) == ([], 0)


def test_beyond_it_things_go_in_their_order_and_no_more_than_is_needed():
    process = Process(10, model=30, other=30, table=30, tables=5)
    process.bound(45, process.drop("model", "other"), process.drop("table", "tables")).keep()
    assert process.dropped == ["model", "other"]
    process.things["more"] = 20
    process.bound(45, process.drop("model"), process.drop("table", "tables")).keep()
    assert process.dropped == ["model", "other", "table"]


def test_who_keeps_watch_lets_go_while_something_is_being_loaded():
    process, over = Process(10, old=30), threading.Event()
    watch = threading.Thread(target=process.bound(45, process.drop("old")).keep_watch, args=(over, 0.0))
    watch.start()
    assert process.dropped == []
    process.base = 40  # what is loaded grows, and is not done
    until(lambda: process.dropped == ["old"])
    over.set()
    watch.join(HANG_SECONDS)
    assert not watch.is_alive()


def test_what_is_in_use_and_too_large_does_not_empty_the_caches_at_every_call():
    process = Process(100, table=10)
    bound = process.bound(50, process.drop("table"))
    bound.keep()
    process.things["table"] = 5
    bound.keep()
    assert process.dropped == ["table"]
    process.things["table"] = 20
    bound.keep()
    assert process.dropped == ["table", "table"]
    process.base = 40
    bound.keep()  # all is within the bound again, which counts from here on
    process.things["table"] = 20
    bound.keep()
    assert process.dropped == ["table", "table", "table"]


def test_where_the_system_does_not_say_nothing_goes():
    process = Process(100, a=1)
    MemoryBound(1, (process.drop("a"),), resident=lambda: None).keep()
    assert not process.dropped


@pytest.mark.skipif(resident_bytes() is None, reason="this system does not say what a process holds")
def test_more_models_than_the_bound_allows_leave_the_process_within_it():
    """In a process of its own: what other tests leave behind may go meanwhile."""
    subprocess.run([sys.executable, "-c", f"from {__name__} import more_models; more_models()"], cwd=ROOT, check=True)


def more_models():
    pool: ModelPool[np.ndarray] = ModelPool(99, room=9999 * MB)
    at_most = resident_bytes() + 100 * MB
    bound, loads = MemoryBound(at_most, (pool.drop_oldest,)), []

    def load(name):
        loads.append(name)
        return np.ones(40 * MB, np.uint8)

    for name in range(6):
        assert len(pool.ask(name, lambda name=name: load(name)).result(HANG_SECONDS)) == 40 * MB
        bound.keep()
        assert resident_bytes() <= at_most
    pool.ask(5, lambda: load(5)).result(HANG_SECONDS)
    assert loads == [0, 1, 2, 3, 4, 5]  # the newest is never dropped
    pool.ask(0, lambda: load(0)).result(HANG_SECONDS)
    assert loads[-1] == 0
    pool.close()
