"""The scoring process's promises: it dies with the app, is started again, and nobody's request is lost with it.

Long because each promise is tried on a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from explorer.errors import BadCheckpoint, BadRequest, Busy
from explorer.glue.tasks import TASKS
from explorer.live import turns
from explorer.live.model_on_data import Source
from explorer.live.process_worker import ProcessWorker
from explorer.live.scoring import ScoreMany, known_answer, score
from explorer.live.worker import Done, Dropped, Failed, Running, Waiting
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.ledger import Ledger
from explorer.store.schema import Key, Run
from tests import tiny
from tests.browser.gate import Gate
from tests.live import weightless
from tests.live.weightless import Ends, Knocks
from tests.waiting import HANG_SECONDS, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def examples():
    return tiny.make_examples(TASKS["MRPC"], 40)


@contextmanager
def working(examples, **options):
    worker = ProcessWorker(":memory:", **({"command": weightless.COMMAND, "clock": lambda: 0.0} | options))
    try:
        yield worker, worker.load(weightless.source(examples)).result(HANG_SECONDS)
    finally:
        worker.close()


def until_heard(worker, examples):
    """Until the process has heard all that was said before: it answers in order."""
    worker.load(weightless.source(examples, "asked to hear the answer")).result(HANG_SECONDS)


def test_a_model_and_a_result_cross_over(examples, gate):
    with working(examples) as (worker, model):
        assert model.examples is examples, "what the app has already is not sent back"
        assert model.full.score == 0.5
        gate.shut("a 1")
        job = worker.submit("anna", Knocks(model, "a", gate.port))
        gate.until_reached()
        until(lambda: job.news == Running(0))
        gate.open()
        assert job.wait(HANG_SECONDS) == Done("score of a")
        assert worker.load(weightless.source(examples)).result() is model


def test_a_process_that_is_killed_loses_nobodys_request(examples, gate):
    with working(examples) as (worker, model):
        gate.shut("first 1")
        jobs = [worker.submit(name, Knocks(model, name, gate.port)) for name in ("first", "second")]
        gate.until_reached()
        killed = worker.pid
        gate.shut()  # the next process is held at its first turn, so that what is told meanwhile is seen
        os.kill(killed, signal.SIGKILL)
        until(lambda: all(isinstance(job.news, Waiting) and job.news.told for job in jobs))
        assert "ended (signal 9)" in jobs[0].news.told
        gate.open()
        assert [job.wait(HANG_SECONDS) for job in jobs] == [Done("score of first"), Done("score of second")]
        assert worker.pid != killed
        assert not psutil.pid_exists(killed)


def test_what_kills_the_process_is_told_and_the_others_are_served(examples, gate):
    with working(examples) as (worker, model):
        gate.shut("before 0")
        before = worker.submit("before", Knocks(model, "before", gate.port, turns=1))
        gate.until_reached()
        bad = worker.submit("bad", Ends(model))
        good = worker.submit("good", Knocks(model, "good", gate.port))
        gate.open()
        news = bad.wait(HANG_SECONDS)
        assert isinstance(news, Failed)
        assert "ended twice (signal 9)" in news.error.wrong
        assert [job.wait(HANG_SECONDS) for job in (before, good)] == [Done("score of before"), Done("score of good")]


def test_every_score_is_ahead_of_spare_work(examples, gate):
    with working(examples) as (worker, model):
        gate.shut()
        spare = worker.submit("anna", Knocks(model, "spare", gate.port), spare=True)
        score = worker.submit("bela", Knocks(model, "score", gate.port))
        assert (score.ahead, spare.ahead) == (0, 1), "as many wait there: looks may be far apart"
        gate.open()
        assert isinstance(spare.wait(HANG_SECONDS), Done)


def test_whose_turn_it_was_beside_a_deadly_one_is_served(examples, gate):
    with working(examples, turns=2) as (worker, model):
        gate.shut("good 0")
        good = worker.submit("good", Knocks(model, "good", gate.port))
        gate.until_reached()
        bad = worker.submit("bad", Ends(model))
        until(lambda: getattr(good.news, "told", ""))  # both were under way when the process died
        gate.open()
        news = bad.wait(HANG_SECONDS)
        assert isinstance(news, Failed)
        assert "ended twice (signal 9)" in news.error.wrong
        assert good.wait(HANG_SECONDS) == Done("score of good")


def test_as_many_turns_at_once_as_processors_and_no_more_than_was_said(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert turns.turns_at_once() == 4
    for given, many in (("1", 1), ("2,1", 2), ("64", 4), ("0", 4), ("dynamic", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert turns.turns_at_once() == many


def test_a_process_that_does_not_start_is_told_and_tried_again_with_the_next_request(examples):
    worker = ProcessWorker(":memory:", command=(sys.executable, "-c", "raise SystemExit(3)"))
    future = worker.load(weightless.source(examples))
    for _ in range(2):
        error = future.exception(HANG_SECONDS)
        assert "does not start" in str(error)
        assert "(status 3)" in str(error)
        worker.forget(weightless.source(examples))
        future = worker.load(weightless.source(examples))
    worker.close()


def test_it_ends_with_the_app_however_that_ends(gate):
    gate.shut()
    app = subprocess.Popen(
        [sys.executable, "-m", "tests.live.holder", str(gate.port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert app.stdout is not None
    scoring = psutil.Process(int(app.stdout.readline()))
    gate.until_reached()  # it is in the middle of a turn
    app.kill()
    app.wait()
    app.stdout.close()
    until(lambda: not scoring.is_running() or scoring.status() == psutil.STATUS_ZOMBIE)


def test_closing_ends_the_process_and_drops_what_waits(examples, gate):
    gate.shut()
    with working(examples) as (worker, model):
        job = worker.submit("anna", Knocks(model, "a", gate.port))
        gate.until_reached()
        scoring = worker.pid
    assert job.news == Dropped()
    assert not psutil.pid_exists(scoring)
    with pytest.raises(BadRequest, match="restarted"):
        worker.submit("anna", Knocks(model, "a", gate.port))


def test_equal_requests_of_several_sessions_are_computed_once(examples, gate):
    with working(examples) as (worker, model):
        gate.shut("mask 1")
        first = worker.submit("anna", Knocks(model, "mask", gate.port, key="mask"))
        gate.until_reached()
        second = worker.submit("bela", Knocks(model, "never begun", gate.port, key="mask"))
        third = worker.submit("cora", Knocks(model, "another", gate.port, key="another"))
        assert [job.ahead for job in (first, second, third)] == [0, 1, 2]
        until_heard(worker, examples)
        gate.open()
        assert [job.wait(HANG_SECONDS) for job in (first, second)] == [Done("score of mask")] * 2
        assert third.wait(HANG_SECONDS) == Done("score of another")


def test_the_newest_of_a_session_wins(examples, gate):
    with working(examples) as (worker, model):
        gate.shut("older 0")
        older = worker.submit("anna", Knocks(model, "older", gate.port, turns=100))
        gate.until_reached()
        newer = worker.submit("anna", Knocks(model, "newer", gate.port))
        assert older.news == Dropped()
        gate.open()
        assert newer.wait(HANG_SECONDS) == Done("score of newer")
        assert older.news == Dropped()
        known = worker.answer("anna", "from the ledger")
        assert known.news == Done("from the ledger")


def test_what_had_to_wait_for_its_model_does_not_end_what_its_session_asked_for_since(examples, gate):
    """The first request's model was forgotten and is loaded again; meanwhile the second, on another model, begins."""
    door = Gate()
    slow = weightless.source(examples, f"slow {door.port}")
    with working(examples) as (worker, model):
        other = worker.load(slow).result(HANG_SECONDS)
        door.shut("load")
        worker.forget(slow)
        first = worker.submit("anna", Knocks(other, "first", gate.port))
        door.until_reached()
        gate.shut("second 1")
        second = worker.submit("anna", Knocks(model, "second", gate.port))
        gate.until_reached()
        assert first.news == Dropped()
        door.open()
        worker.load(slow).result(HANG_SECONDS)  # and with it, what waited for it has begun or was left out
        gate.open()
        assert second.wait(HANG_SECONDS) == Done("score of second")
    door.close()


def test_a_model_that_ends_the_process_is_told_and_the_next_one_is_loaded(examples):
    with working(examples) as (worker, _):
        deadly = weightless.source(examples, weightless.DEADLY)
        error = worker.load(deadly).exception(HANG_SECONDS)
        assert "signal 9" in str(error)
        until_heard(worker, examples)


def test_a_process_that_cannot_be_made_is_told(examples):
    worker = ProcessWorker(":memory:", command=("/nowhere/python",))
    assert "No such file" in str(worker.load(weightless.source(examples)).exception(HANG_SECONDS))
    worker.close()


def test_what_nobody_asks_after_is_dropped_here_and_there(examples, gate):
    clock = [100.0]
    with working(examples, patience=20, clock=lambda: clock[0]) as (worker, model):
        gate.shut("here 0", "gone 0")
        here = worker.submit("here", Knocks(model, "here", gate.port))
        gate.until_reached()
        gone = worker.submit("gone", Knocks(model, "gone", gate.port))
        with worker._lock:  # else the sweep, which has a clock of its own, may come between these two
            clock[0] = 125
            assert here.news == Waiting(0)
        worker.drop_abandoned()
        assert gone.over
        spare = worker.submit("here", Knocks(model, "spare", gate.port), spare=True)
        until_heard(worker, examples)
        gate.let_through()  # "gone 0" would be held
        assert here.wait(HANG_SECONDS) == Done("score of here")
        assert spare.wait(HANG_SECONDS) == Done("score of spare")
        assert gone.news == Dropped()


def test_the_queue_is_bounded_and_says_so(examples, gate):
    with working(examples, sessions=1) as (worker, model):
        gate.shut("a 0")
        worker.submit("a", Knocks(model, "a", gate.port))
        with pytest.raises(Busy, match="1 other people"):
            worker.submit("b", Knocks(model, "b", gate.port))
        newer = worker.submit("a", Knocks(model, "newer", gate.port))  # whoever waits may change their mind
        gate.open()
        assert newer.wait(HANG_SECONDS) == Done("score of newer")


def test_a_model_that_cannot_be_loaded_is_told(examples):
    with working(examples) as (worker, _):
        bad = weightless.source(examples, weightless.UNREADABLE)
        error = worker.load(bad).exception(HANG_SECONDS)
        assert isinstance(error, BadCheckpoint)
        assert error.mend == "Copy it again."


@pytest.mark.long
def test_the_process_gives_the_evaluators_own_numbers_and_writes_them_down(examples, tmp_path):
    from explorer.live.opening import opened

    run = Run("minilm-l6", "MRPC", 1337)
    manifest = Bundle(ROOT / "cache").manifest(Key(run, "finetune"))
    shipped = Source(ROOT / "cache", run, manifest.model_content, examples)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    evaluator = opened(shipped, ledger)
    masks = (Mask.full(6, 12).with_head(2, 3, False), Mask.full(6, 12).with_layer(0, False))
    worker = ProcessWorker(str(ledger.path))
    try:
        model = worker.load(shipped).result(HANG_SECONDS)
        assert (model.precision, model.engine_version) == (evaluator.precision, evaluator.engine_version)
        np.testing.assert_allclose(model.full.logits, evaluator.full.logits, atol=tiny.FP32, rtol=0)
        news = score(worker, "anna", model, masks[0], ledger).wait(HANG_SECONDS)
        assert isinstance(news, Done)
        np.testing.assert_allclose(
            news.result.evaluation.logits, evaluator.evaluate(masks[0]).logits, atol=tiny.FP32, rtol=0
        )
        many = worker.submit("bela", ScoreMany(model, masks)).wait(HANG_SECONDS)
        assert isinstance(many, Done)
        for mask, found in zip(masks, many.result, strict=True):
            kept = known_answer(model, mask, ledger)
            assert kept is not None
            assert kept.evaluation.score == found.evaluation.score
    finally:
        worker.close()
        ledger.close()
