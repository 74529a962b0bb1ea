"""Resume means resume: each stage of the register, stopped after it saved something, goes on there, to the same end."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.glue.tasks import TASKS
from explorer.store import saved_state
from explorer.store.bundle import WORK, Bundle
from explorer.store.stages import computed
from explorer.tickets import finetuning, resuming
from precompute.artefacts import Draft
from precompute.bench.kill_world import LONG, ROWS, TASK, jobs, make_world, without
from precompute.bench.kills import _same
from precompute.stages import attention

ROOT = Path(__file__).resolve().parents[2]
ONE_STEP = {"baseline", "magnitude.random", "magnitude.bad"}
"""Stages that are one step: a second of arithmetic, or one pass over the dev set."""
TWO_TASKS = {"transfer"}
"""Stages that need another task, which this world lacks: test_transfer.py stops this one."""
STOPPED_ELSEWHERE = {"pairs", "constants"}
"""Stages whose own tests stop them: test_pairs.py, test_learned_constants.py."""
JOBS = {job.name.partition("/")[2]: job for job in jobs() if job.made}
KEPT = [
    "finetune",
    "importance.expected",
    "importance.published",
    "importance.expected-train-sample",
    "structured.together",
    "ablations",
    "magnitude.good",
    "subnetworks",
    "mean-ablated",
    "retrained.good",
    "attention.finetuned",
    "attention.pretrained",
]


class Killed(BaseException):
    """What nothing catches."""


@pytest.fixture(scope="module")
def settled():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, TASK, replace(TASKS[TASK], train_rows=ROWS, dev_rows=ROWS))
        patch.setattr(attention, "SENTENCES", 5)
        patch.setattr(attention, "SAMPLES", 2)
        yield


@pytest.fixture(scope="module")
def world(settled, tmp_path_factory):
    """A world in which everything is made that these tests make again; read-only."""
    root = tmp_path_factory.mktemp("world")
    make_world(root)
    for name in KEPT:
        JOBS[name].do(root)
    return root


def test_every_stage_of_the_register_is_here():
    tested = {name.partition(".")[0] for name in [*KEPT, *ONE_STEP, *LONG, *TWO_TASKS, *STOPPED_ELSEWHERE]}
    assert tested == {stage.name for stage in computed()}


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("name", KEPT)
def test_a_stage_goes_on_where_it_was_stopped(world, tmp_path, monkeypatch, name, after):
    job, here = JOBS[name], tmp_path / "here"
    without(world, job, here)
    monkeypatch.setattr(saved_state, "SECONDS", 0.0)
    with monkeypatch.context() as patch:
        stop_after_saving(patch, after)
        with pytest.raises(Killed):
            job.do(here)
    made = Bundle(here / "bundle")
    assert not made.has(job.made) or not made.manifest(job.made).complete
    gone_on, saved = [], []
    watch_restoring(monkeypatch, gone_on)
    watch_saving(monkeypatch, saved.append)
    job.do(here)
    assert gone_on, "it began anew"
    assert _same(world, here, job)
    assert not (here / "bundle" / WORK).exists(), "nothing is kept of what is finished"


def stop_after_saving(patch, after):
    """Ends the process, as far as it can tell, once it has saved its state so many times."""
    saved = []

    def count(what):
        saved.append(what)
        if len(saved) == after:
            raise Killed

    watch_saving(patch, count)


def watch_saving(patch, told):
    """Tells what was saved, after it was: arrays, a model in training, or the steps of an unfinished artefact."""
    save, tuned, write = saved_state.SavedState.save, finetuning.save, Draft.write

    def saving(self, **arrays):
        save(self, **arrays)
        told(self.path)

    def tuned_saving(*of):
        tuned(*of)
        told(of[0])

    def writing(self, *of, complete=True, **contents):
        written = write(self, *of, complete=complete, **contents)
        if not complete:
            told(self.key)
        return written

    patch.setattr(saved_state.SavedState, "save", saving)
    patch.setattr(finetuning, "save", tuned_saving)
    patch.setattr(Draft, "write", writing)


def watch_restoring(patch, found):
    read, restore, begun = saved_state.SavedState._read, finetuning.restore, Draft.begun

    def reading(self):
        read(self)
        if self.arrays:
            found.append(self.path)

    def restoring(*of):
        done = restore(*of)
        if done:
            found.append(done)
        return done

    def beginning(self, there):
        if begun(self, there):
            found.append(there.key)
            return True
        return False

    patch.setattr(saved_state.SavedState, "_read", reading)
    patch.setattr(finetuning, "restore", restoring)
    patch.setattr(Draft, "begun", beginning)


def test_the_seconds_of_all_sittings_are_told(world, tmp_path, monkeypatch):
    """A fine-tuning that was stopped took what both sittings took."""
    job, here = JOBS["finetune"], tmp_path / "here"
    without(world, job, here)
    monkeypatch.setattr(saved_state, "SECONDS", 0.0)
    with monkeypatch.context() as patch:
        stop_after_saving(patch, 2)
        with pytest.raises(Killed):
            job.do(here)
    work = next((here / "bundle" / WORK).rglob("state.safetensors")).parent
    before = resuming.saved_seconds(work)
    assert before > 0
    made = job.do(here)
    assert made.seconds > before


@pytest.mark.long
def test_killed_at_random_moments_nothing_that_was_saved_is_lost():
    """Real kills, of every job: `bench kills` is the same with as many as one has time for."""
    done = subprocess.run(
        [sys.executable, "-m", "precompute", "bench", "kills", "--kills", "22", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tallies = json.loads(done.stdout)["jobs"]
    assert sum(tally["kills"] for tally in tallies) == 22
    assert {tally["job"].partition("/")[2] or tally["job"] for tally in tallies} >= {*KEPT, *ONE_STEP, "publish"}
    for tally in tallies:
        assert not any(tally[name] for name in ("lost", "torn", "wrong", "left")), tally
