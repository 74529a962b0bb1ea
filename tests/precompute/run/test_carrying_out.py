"""How a plan is carried out, with an engine and a clock of the test's own."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from explorer.store.run_progress import JobStatus, RunProgress
from precompute.run import table
from precompute.run.carrying_out import Outcome, carry_out
from precompute.run.table import as_table, live_table
from tests.precompute.run.plans import FakeEngine, job, key

CHAIN = [
    job("finetune"),
    job("importance.expected", "finetune"),
    job("structured.together", "finetune"),
    job("subnetworks", "finetune", "structured.together"),
    job("retrained.good", "finetune", "subnetworks"),
    job("baseline"),
]


def done_with(engine, jobs=CHAIN, done=(), told=None, **more):
    tell = told.append if told is not None else lambda _progress: None
    return carry_out(jobs, set(done), engine, tell, clock=engine.clock, **more)


def statuses(progress):
    return {one.path.rpartition("/")[2]: one.status for one in progress.jobs}


def test_every_job_is_made_after_what_it_needs_and_as_many_at_once_as_there_are_slots():
    engine = FakeEngine(slots=2)
    ended = done_with(engine)
    assert set(statuses(ended).values()) == {"done"}
    assert engine.began == [key("finetune"), key("baseline"), *(one.key for one in CHAIN[1:5])]
    assert engine.most == 2
    assert engine.stopped


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_job_waits_for_what_it_would_read_but_does_not_need_it(ends):
    bank = key("bank")
    league = replace(job("league", "finetune"), after=(bank, key("pairs")))
    engine = FakeEngine(slots=2, ends={bank: [Outcome(bank, 3.0, "no room")]} if ends == "badly" else {})
    ended = done_with(engine, [job("finetune"), league, job("bank", "finetune")])
    assert engine.began == [key("finetune"), bank, key("league")]
    assert engine.most == 1
    assert statuses(ended)["league"] == "done"


def test_what_is_there_is_not_begun():
    engine = FakeEngine()
    ended = done_with(engine, done=[key("finetune"), key("baseline")])
    assert key("finetune") not in engine.began
    assert [one.made for one in ended.jobs] == [False, True, True, True, True, False]


def test_jobs_begin_in_the_order_that_is_asked_for():
    engine = FakeEngine()
    done_with(engine, order=list(reversed(CHAIN)))
    assert engine.began[:3] == [key("baseline"), key("finetune"), key("structured.together")]


def test_a_failure_blocks_only_what_needs_it():
    failed = key("structured.together")
    engine = FakeEngine(ends={failed: [Outcome(failed, 3.0, "there is no room")]})
    ended = done_with(engine)
    assert statuses(ended) == {
        "finetune": "done",
        "importance.expected": "done",
        "structured.together": "failed",
        "subnetworks": "blocked",
        "retrained.good": "blocked",
        "baseline": "done",
    }
    causes = {one.path.rpartition("/")[2]: one.cause for one in ended.jobs}
    assert causes["structured.together"] == "there is no room"
    assert causes["subnetworks"] == f"needs {failed.path}"
    assert causes["retrained.good"] == f"needs {key('subnetworks').path}"
    assert engine.began.count(failed) == 1, "what says why it failed would say so again"


def test_a_job_whose_process_died_is_begun_again_three_times_at_most():
    once, always = key("importance.expected"), key("structured.together")
    died = {of: Outcome(of, 1.0, "its process ended", died=True) for of in (once, always)}
    engine = FakeEngine(ends={once: [died[once]], always: [died[always]] * 9})
    ended = done_with(engine)
    assert engine.began.count(once) == 2
    assert engine.began.count(always) == 3
    assert statuses(ended)["importance.expected"] == "done"
    assert statuses(ended)["structured.together"] == "failed"
    assert next(one for one in ended.jobs if one.path == str(once.path)).cause == ""


def test_what_cannot_be_made_is_blocked_from_the_start_with_what_needs_it():
    engine = FakeEngine()
    ended = done_with(engine, done=[key("finetune")], cannot={key("structured.together"): "no checkpoint"})
    assert statuses(ended)["structured.together"] == statuses(ended)["retrained.good"] == "blocked"
    assert engine.began == [key("importance.expected"), key("baseline")]


def test_told_to_stop_it_stops_the_engine_and_says_what_waits():
    engine, told = FakeEngine(slots=2), []
    with pytest.raises(KeyboardInterrupt):
        done_with(engine, told=told, stop=lambda: engine.now >= 10)
    assert engine.stopped
    assert told[-1].count() == {"done": 1, "waiting": 5}
    assert "gone on from" in next(one.cause for one in told[-1].jobs if one.cause)


def test_what_is_told_on_the_way():
    engine, told = FakeEngine(), []
    done_with(engine, told=told, estimate=lambda of: 15.0 if of.stage == "finetune" else 10.0)
    first = next(one for one in told if one.of("running"))
    assert first.of("running")[0].since == 0.0
    assert first.of("running")[0].estimate == 15.0
    assert first.seconds_left == 15 + 5 * 10
    assert told[-1].of("done")[0].seconds == 10.0
    assert told[-1].seconds_left == 0


def some(*jobs, **more):
    return RunProgress(started=0.0, updated=100.0, slots=2, jobs=jobs, **more)


def path(name):
    return str(key(name).path)


def test_the_table_says_what_runs_what_failed_and_what_is_left():
    progress = some(
        JobStatus(path("finetune"), "done", seconds=3.0),
        JobStatus(path("structured.together"), "running", since=60.0, estimate=300.0),
        JobStatus(path("baseline"), "failed", cause="[red]no room[/red]"),
        JobStatus("tiny-bert/CoLA/seed_7/finetune", "waiting", estimate=20.0),
    )
    out = io.StringIO()
    Console(file=out, width=110).print(as_table(progress))
    text = out.getvalue()
    assert "structured.together" in text
    assert "40" in text
    assert "5 min" in text
    assert "failed: tiny-bert/MRPC/seed_7/baseline: [red]no room[/red]" in text
    assert "1 of 4 done, about 140 s left".replace("140 s", "2 min") in text
    rows = {line.split("│")[1].strip(): line for line in text.splitlines() if line.count("│") > 5}
    assert rows["CoLA"].split("│")[2:7] == rows["CoLA"].split("│")[2:7]
    assert [int(cell) for cell in rows["CoLA"].split("│")[2:7]] == [0, 0, 1, 0, 0]
    assert [int(cell) for cell in rows["MRPC"].split("│")[2:7]] == [1, 1, 0, 1, 0]


def test_without_a_terminal_a_line_says_how_each_ended(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(table, "Console", lambda stderr: Console(file=out, width=80))
    progress = some(
        JobStatus(path("finetune"), "done", seconds=3.0, made=True),
        JobStatus(path("importance.expected"), "done"),
        JobStatus(path("structured.together"), "running", since=60.0),
    )
    with live_table() as show:
        show(progress)
        show(replace(progress, jobs=(*progress.jobs[:2], replace(progress.jobs[2], status="failed", cause="no room"))))
    lines = out.getvalue().splitlines()
    assert lines == [f"1/3 done {path('finetune')} 3 s", f"3/3 failed {path('structured.together')} no room"]
