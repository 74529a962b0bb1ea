"""The pool: each thing loaded once, a bounded number kept, errors shared until forgotten."""

from __future__ import annotations

import threading

import pytest

from explorer.errors import BadData
from explorer.live.model_pool import ModelPool
from tests.waiting import HANG_SECONDS, until


@pytest.fixture
def pool():
    made: ModelPool[str] = ModelPool(2)
    yield made
    made.close()


def test_loads_once_however_many_ask(pool):
    may, loads = threading.Event(), []

    def load():
        assert may.wait(HANG_SECONDS)
        loads.append(1)
        return "model"

    asked = [pool.ask("a", load) for _ in range(5)]
    assert not asked[0].done()
    may.set()
    assert [future.result(HANG_SECONDS) for future in asked] == ["model"] * 5
    assert len(loads) == 1


def test_beyond_its_bound_the_one_unused_for_longest_goes(pool):
    loads: list[str] = []

    def load(name):
        loads.append(name)
        return name

    for name in ("a", "b", "a", "c", "a", "b"):
        pool.ask(name, lambda name=name: load(name)).result(HANG_SECONDS)
    assert loads == ["a", "b", "c", "b"]  # a was always the last but one asked for


def test_nobody_who_waits_is_told_that_it_was_given_up(pool):
    may = threading.Event()

    def load(name):
        assert may.wait(HANG_SECONDS)
        return name

    asked = [pool.ask(name, lambda name=name: load(name)) for name in "abcde"]
    assert not pool.drop_oldest(), "none is loaded"
    may.set()
    assert [future.result(HANG_SECONDS) for future in asked] == list("abcde")
    until(lambda: len(pool._kept) == 2)


def test_an_error_is_shared_until_it_is_forgotten(pool):
    def bad():
        raise BadData("The file is short.")

    assert isinstance(pool.ask("a", bad).exception(HANG_SECONDS), BadData)
    assert isinstance(pool.ask("a", lambda: "fine").exception(HANG_SECONDS), BadData)
    pool.forget("a")
    assert pool.ask("a", lambda: "fine").result(HANG_SECONDS) == "fine"
    pool.forget("not there")


class Sized:
    def __init__(self, memory_bytes):
        self.memory_bytes = memory_bytes


def test_beyond_its_room_what_was_unused_for_longest_goes_and_the_newest_stays():
    pool: ModelPool[Sized] = ModelPool(9, room=100)
    loads: list[str] = []

    def ask(name, size):
        def load():
            loads.append(name)
            return Sized(size)

        return pool.ask(name, load).result(HANG_SECONDS)

    for name, size in (("a", 40), ("b", 50), ("a", 40), ("c", 30), ("a", 40)):  # c takes the place of b
        ask(name, size)
    assert loads == ["a", "b", "c"]
    ask("huge", 1000)
    ask("huge", 1000)
    assert loads == ["a", "b", "c", "huge"]
    ask("a", 40)
    assert loads == ["a", "b", "c", "huge", "a"]
    pool.close()
