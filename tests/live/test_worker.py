"""The worker's promises, on work that takes a turn only when the test lets it: no model, no clock.

Long because all promises are tried on one kind of work.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from explorer.errors import BadMask, BadRequest, Busy
from explorer.live.thread_worker import ThreadWorker
from explorer.live.worker import Done, Dropped, Failed, Milestone, Running, Steps, Waiting
from tests.waiting import HANG_SECONDS, until


@dataclass
class Turns:
    """Work whose turns the test hands out one by one, and the order in which they were taken."""

    taken: list[str] = field(default_factory=list)
    began: list[str] = field(default_factory=list)
    _may: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _did: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    closed: list[str] = field(default_factory=list)

    def work(self, name, turns=3, error=None):
        try:
            for number in range(turns):
                self.began.append(name)
                self._begun.release()
                self._may.acquire(timeout=HANG_SECONDS)
                self.taken.append(name)
                self._did.release()
                if error is not None:
                    raise error
                if number < turns - 1:
                    yield number
            return f"score of {name}"
        finally:
            self.closed.append(name)

    def until_begun(self, turns):
        """Until so many turns have begun, counted from the last such call."""
        for _ in range(turns):
            assert self._begun.acquire(timeout=HANG_SECONDS)

    def give(self, turns=1):
        for _ in range(turns):
            self._may.release()
            assert self._did.acquire(timeout=HANG_SECONDS)


@pytest.fixture
def turns():
    return Turns()


@contextmanager
def working(turns, **options):
    worker = ThreadWorker(**({"clock": lambda: 0.0} | options))  # nobody loses patience
    try:
        yield worker
    finally:
        turns._may.release(1000)
        worker.close()


def until_running(job, news):
    until(lambda: job.news == Running(news))


def test_news_then_the_result(turns):
    with working(turns) as worker:
        job = worker.do("anna", turns.work("a", 2))
        assert job.news == Waiting(0)
        assert not job.over
        turns.give()
        until_running(job, 0)
        turns.give()
        assert job.wait(HANG_SECONDS) == Done("score of a")
        assert job.over


def test_everyones_first_turn_comes_first_then_the_oldest_is_finished_first(turns):
    with working(turns) as worker:
        jobs = [worker.do(name, turns.work(name)) for name in "abc"]
        turns.until_begun(1)
        assert [job.ahead for job in jobs] == [0, 1, 2]
        turns.give(9)
        assert [job.wait(HANG_SECONDS) for job in jobs] == [Done(f"score of {name}") for name in "abc"]
        assert [job.ahead for job in jobs] == [0, 0, 0]
    assert turns.taken == list("abcaabbcc")


def test_a_first_turn_comes_before_what_is_under_way(turns):
    with working(turns) as worker:
        worker.do("old", turns.work("old", 4))
        turns.give(1)
        turns.until_begun(2)  # it is in its second turn now
        new = worker.do("new", turns.work("new", 2))
        turns.give(5)
        assert new.wait(HANG_SECONDS) == Done("score of new")
    assert turns.taken == ["old", "old", "new", "old", "old", "new"]


def test_after_a_milestone_others_are_finished_first(turns):
    def sweep():
        for number in range(3):
            yield from turns.work(f"sweep {number}", 2)
            yield Milestone(number)

    with working(turns) as worker:
        worker.do("anna", sweep())
        turns.give(1)
        turns.until_begun(2)
        one = worker.do("bela", turns.work("bela", 3))
        turns.give(4)
        assert one.wait(HANG_SECONDS) == Done("score of bela")
    assert turns.taken[:5] == ["sweep 0", "sweep 0", "bela", "bela", "bela"]


def test_equal_work_is_done_once_for_all_who_ask(turns):
    with working(turns) as worker:
        first = worker.do("anna", Steps(turns.work("mask", 3), key="mask"))
        turns.give(1)
        until_running(first, 0)
        turns.until_begun(2)
        second = worker.do("bela", Steps(turns.work("never begun", 3), key="mask"))
        assert second.news == Running(0), "what is known already is told at once"
        other = worker.do("cora", Steps(turns.work("another", 1), key="another"))
        turns.give(3)
        assert first.wait(HANG_SECONDS) == second.wait(HANG_SECONDS) == Done("score of mask")
        assert other.wait(HANG_SECONDS) == Done("score of another")
    assert turns.taken == ["mask", "mask", "another", "mask"]


def test_who_leaves_takes_nothing_from_whoever_waits_for_the_same(turns):
    with working(turns) as worker:
        first = worker.do("anna", Steps(turns.work("mask", 2), key="mask"))
        second = worker.do("bela", Steps(turns.work("never begun", 2), key="mask"))
        turns.until_begun(1)
        newer = worker.do("anna", turns.work("newer", 1))
        assert first.news == Dropped()
        turns.give(3)
        assert second.wait(HANG_SECONDS) == Done("score of mask")
        assert newer.wait(HANG_SECONDS) == Done("score of newer")


@dataclass
class Joined:
    """Work that takes its turns together with all of its kind."""

    turns: Turns
    name: str
    left: int
    key: None = None
    alone: bool = False

    def joins(self, other):
        return isinstance(other, Joined) and other.left == self.left

    def turn(self, others):
        works = (self, *others)
        self.turns._may.acquire(timeout=HANG_SECONDS)
        self.turns.taken.append("+".join(work.name for work in works))
        self.turns._did.release()
        for work in works:
            work.left -= 1
        return [Running(work.left) if work.left else Done(work.name) for work in works]


def test_work_that_joins_takes_its_turns_together(turns):
    with working(turns) as worker:
        gate = worker.do("gate", turns.work("gate", 1))
        turns.until_begun(1)
        jobs = [worker.do(name, Joined(turns, name, left)) for name, left in (("a", 2), ("b", 1), ("c", 2))]
        turns.give(3)
        assert gate.wait(HANG_SECONDS) == Done("score of gate")
        assert [job.wait(HANG_SECONDS) for job in jobs] == [Done(name) for name in "abc"]
    assert turns.taken == ["gate", "a+c", "b+a+c"]


def test_turns_at_once_are_each_of_another_piece(turns):
    shares = []
    with working(turns, threads=2, shares=shares.append) as worker:
        jobs = [worker.do(name, turns.work(name, 2)) for name in "abc"]
        turns.until_begun(2)
        assert sorted(turns.began) == ["a", "b"], "the third waits, and nobody's second turn begins beside its first"
        turns.give(6)
        assert [job.wait(HANG_SECONDS) for job in jobs] == [Done(f"score of {name}") for name in "abc"]
        assert sorted(turns.taken) == ["a", "a", "b", "b", "c", "c"]
        assert set(shares) <= {1, 2}
        assert shares[2] == 2


def test_spare_work_begins_beside_nobodys_score(turns):
    with working(turns, threads=2) as worker:
        first = worker.do("anna", turns.work("a", 2))
        turns.until_begun(1)
        spare = worker.do("anna", turns.work("spare", 1), spare=True)
        second = worker.do("bela", turns.work("b", 1))
        turns.until_begun(1)
        assert turns.began == ["a", "b"]
        turns.give(4)
        for job in (first, second, spare):
            assert isinstance(job.wait(HANG_SECONDS), Done)
        assert turns.taken[-1] == "spare"


def test_what_measures_time_is_alone_and_keeps_its_place(turns):
    with working(turns, threads=2) as worker:
        jobs = [worker.do("anna", turns.work("a", 1))]
        turns.until_begun(1)
        jobs.append(worker.do("timer", Steps(turns.work("timed", 1), alone=True)))
        jobs.append(worker.do("bela", turns.work("b", 1)))
        turns.give(1)
        turns.until_begun(1)
        assert turns.began == ["a", "timed"]
        turns.give(2)
        assert all(isinstance(job.wait(HANG_SECONDS), Done) for job in jobs)
        assert turns.began == ["a", "timed", "b"]


def test_a_short_one_does_not_wait_for_a_long_one(turns):
    with working(turns) as worker:
        worker.do("long", turns.work("long", 100))
        turns.give(5)
        short = worker.do("short", turns.work("short", 1))
        turns.give(2)
        assert short.wait(HANG_SECONDS) == Done("score of short")


def test_the_newest_of_a_session_wins_and_the_older_ends_between_turns(turns):
    with working(turns) as worker:
        older = worker.do("anna", turns.work("older", 50))
        turns.give()
        turns.until_begun(2)  # it is in its second turn now
        newer = worker.do("anna", turns.work("newer", 2))
        assert older.news == Dropped()
        turns.give(3)
        assert newer.wait(HANG_SECONDS) == Done("score of newer")
        assert older.news == Dropped()
    assert turns.taken == ["older", "older", "newer", "newer"]
    assert "older" in turns.closed


def test_of_many_clicks_only_the_last_is_computed(turns):
    with working(turns) as worker:
        worker.do("bela", turns.work("other", 3))
        clicks = [worker.do("anna", turns.work(f"click {number}", 1)) for number in range(10)]
        turns.give(4)
        assert clicks[-1].wait(HANG_SECONDS) == Done("score of click 9")
        assert [click.news for click in clicks[:-1]] == [Dropped()] * 9
    assert [name for name in turns.taken if name.startswith("click")] == ["click 9"]


def test_a_newer_request_keeps_the_place_of_the_older(turns):
    with working(turns) as worker:
        for name in ("a", "b", "c"):
            worker.do(name, turns.work(name, 1))
        worker.do("b", turns.work("b, again", 1))
        turns.give(3)
    assert turns.taken[:3] == ["a", "b, again", "c"]


def test_how_many_are_ahead(turns):
    with working(turns) as worker:
        first = worker.do("a", turns.work("a"))
        turns.give()
        until_running(first, 0)
        second, third = (worker.do(name, turns.work(name)) for name in "bc")
        assert (second.news, third.news) == (Waiting(1), Waiting(2))


def test_every_score_is_ahead_of_spare_work(turns):
    with working(turns) as worker:
        first = worker.do("anna", turns.work("a", 1))
        turns.until_begun(1)
        spares = [worker.do(name, turns.work(f"spare of {name}", 1), spare=True) for name in ("bela", "carla")]
        second = worker.do("dora", turns.work("b", 1))
        assert [job.ahead for job in (first, second, *spares)] == [0, 1, 2, 3]


def test_a_crash_is_told_to_its_own_session_only(turns, caplog):
    with working(turns) as worker, caplog.at_level(logging.ERROR):
        bad = worker.do("anna", turns.work("bad", error=MemoryError("secret detail")))
        good = worker.do("bela", turns.work("good", 2))
        turns.give(3)
        news = bad.wait(HANG_SECONDS)
        assert isinstance(news, Failed)
        assert "MemoryError" in news.error.wrong
        assert "secret detail" not in str(news.error)
        assert good.wait(HANG_SECONDS) == Done("score of good")
        again = worker.do("anna", turns.work("again", 1))
        turns.give()
        assert again.wait(HANG_SECONDS) == Done("score of again")
    assert "secret detail" in caplog.text


def test_an_error_for_people_is_passed_on_as_it_is(turns):
    error = BadMask("It does not fit.", "Take another.")
    with working(turns) as worker:
        job = worker.do("anna", turns.work("a", error=error))
        turns.give()
        assert job.wait(HANG_SECONDS) == Failed(error)


def test_the_queue_is_bounded_and_says_so(turns):
    with working(turns, sessions=2) as worker:
        worker.do("a", turns.work("a"))
        waiting = worker.do("b", turns.work("b"))
        with pytest.raises(Busy, match="2 other people"):
            worker.do("c", turns.work("c"))
        newer = worker.do("b", turns.work("b, again"))  # whoever waits already may change their mind
        assert waiting.news == Dropped()
        assert isinstance(newer.news, Waiting)
        turns.give(6)
        assert newer.wait(HANG_SECONDS) == Done("score of b, again")
        late = worker.do("c", turns.work("c", 1))
        turns.give()
        assert late.wait(HANG_SECONDS) == Done("score of c")


def test_what_nobody_asks_after_is_dropped(turns):
    clock = [100.0]
    with working(turns, sessions=3, patience=20, clock=lambda: clock[0]) as worker:
        here = worker.do("here", turns.work("here", 3))
        turns.until_begun(1)
        gone = worker.do("left the page", turns.work("gone"))
        other = worker.do("other", turns.work("other"))
        clock[0] = 115
        assert isinstance(other.news, Waiting)
        assert isinstance(here.news, Waiting)
        clock[0] = 125
        new = worker.do("new", turns.work("new", 1))  # there is room again
        assert gone.over
        turns.give(3 + 3 + 1)
        assert [job.wait(HANG_SECONDS) for job in (here, other, new)] == [
            Done("score of here"),
            Done("score of other"),
            Done("score of new"),
        ]
        assert gone.news == Dropped()
    assert "gone" not in turns.taken


def test_spare_work_yields_at_its_next_turn_to_whoever_waits(turns):
    with working(turns) as worker:
        spare = worker.do("anna", turns.work("spare", 4), spare=True)
        turns.give()
        turns.until_begun(2)  # it is in its second turn now
        asked = [worker.do(name, turns.work(name, 2)) for name in ("anna", "bela")]
        assert not spare.over, "a session's score takes no place of its verification"
        turns.give(7)
        assert spare.wait(HANG_SECONDS) == Done("score of spare")
        assert all(isinstance(job.news, Done) for job in asked)
    assert turns.taken == ["spare", "spare", "anna", "bela", "anna", "bela", "spare", "spare"]


def test_newer_spare_work_of_a_session_takes_the_place_of_the_older_alone(turns):
    with working(turns) as worker:
        score = worker.do("anna", turns.work("score", 2))
        turns.until_begun(1)
        older = worker.do("anna", turns.work("older", 2), spare=True)
        other = worker.do("bela", turns.work("other", 1), spare=True)
        newer = worker.do("anna", turns.work("newer", 1), spare=True)
        known = worker.answer("cora", "from the ledger")
        assert (older.news, known.news) == (Dropped(), Done("from the ledger"))
        turns.give(4)
        assert newer.wait(HANG_SECONDS) == Done("score of newer")
        assert other.wait(HANG_SECONDS) == Done("score of other")
        assert score.news == Done("score of score")
    assert turns.taken == ["score", "score", "newer", "other"]


def test_spare_work_takes_nobodys_seat(turns):
    with working(turns, sessions=1) as worker:
        spare = worker.do("anna", turns.work("spare", 2), spare=True)
        turns.until_begun(1)
        with pytest.raises(Busy):
            worker.do("bela", turns.work("another spare"), spare=True)
        asked = worker.do("bela", turns.work("asked", 1))
        turns.give(3)
        assert spare.wait(HANG_SECONDS) == Done("score of spare")
        assert asked.news == Done("score of asked")


def test_spare_work_that_nobody_asks_after_is_dropped(turns):
    clock = [100.0]
    with working(turns, patience=20, clock=lambda: clock[0]) as worker:
        here = worker.do("here", turns.work("here", 2))
        turns.until_begun(1)
        gone = worker.do("gone", turns.work("gone"), spare=True)
        clock[0] = 125
        assert isinstance(here.news, Waiting)
        turns.give(2)
        assert here.wait(HANG_SECONDS) == Done("score of here")
        until(lambda: gone.over)
    assert turns.taken == ["here", "here"]


def test_an_answer_that_is_known_ends_the_older_job(turns):
    with working(turns) as worker:
        older = worker.do("anna", turns.work("older"))
        job = worker.answer("anna", "from the ledger")
        assert job.news == Done("from the ledger")
        assert older.news == Dropped()


def test_closing_drops_everything_and_ends_the_thread(turns):
    worker = ThreadWorker()
    jobs = [worker.do(name, turns.work(name)) for name in "ab"]
    turns._may.release(1000)
    worker.close()
    assert all(job.over for job in jobs)
    assert worker._threads
    assert not any(thread.is_alive() for thread in worker._threads)
    with pytest.raises(BadRequest, match="restarted"):
        worker.do("c", turns.work("c"))
    worker.close()
