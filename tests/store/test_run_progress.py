"""How far a plan is, as a file: read back as it was written, and nothing else is taken for one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.store.bundle import WORK
from explorer.store.run_progress import JobStatus, RunProgress, read_progress, write_progress

HOSTILE = "<script>alert(1)</script> `x` [a](javascript:1) \x00\u202e"
PROGRESS = RunProgress(
    started=1.0,
    updated=9.0,
    slots=2,
    jobs=(
        JobStatus("m/MRPC/seed_7/finetune", "running", since=4.0, estimate=20.0),
        JobStatus("m/MRPC/seed_7/baseline", "failed", seconds=3.0, cause=HOSTILE),
    ),
    command=f"python -m precompute run --tasks {HOSTILE}",
)


def test_it_is_read_as_it_was_written(tmp_path):
    assert read_progress(tmp_path) is None
    write_progress(tmp_path, PROGRESS)
    assert read_progress(tmp_path) == PROGRESS
    assert [path.name for path in (tmp_path / WORK).iterdir()] == ["run.json"]


def change(**more):
    return lambda told: told | more


def of_job(**more):
    return lambda told: told | {"jobs": [told["jobs"][0] | more]}


@pytest.mark.parametrize(
    "wrong",
    [
        change(jobs=7),
        change(jobs=None),
        change(jobs=[7]),
        change(jobs=[{}]),
        change(slots="two"),
        change(started=True),
        change(started=float("nan")),
        change(updated=float("inf")),
        change(command=["rm"]),
        change(process="1"),
        change(more=1),
        of_job(status="wonderful"),
        of_job(status=["done"]),
        of_job(since="now"),
        of_job(since=float("nan")),
        of_job(path=3),
        of_job(path="../../etc/passwd"),
        of_job(path="short"),
        of_job(cause=None),
        of_job(made="yes"),
        of_job(more=1),
    ],
)
def test_what_run_did_not_write_is_no_progress(tmp_path, wrong):
    write_progress(tmp_path, PROGRESS)
    told = json.loads(json.dumps(asdict(PROGRESS)))
    (tmp_path / WORK / "run.json").write_text(json.dumps(wrong(told)))
    assert read_progress(tmp_path) is None


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_no_progress(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("any")
    (root / WORK).mkdir()
    (root / WORK / "run.json").write_bytes(data)
    assert read_progress(root) is None


def test_a_file_beyond_bounds_is_not_read(tmp_path):
    (tmp_path / WORK).mkdir()
    (tmp_path / WORK / "run.json").write_text("[" * 100_000)
    assert read_progress(tmp_path) is None
    (tmp_path / WORK / "run.json").unlink()
    os.mkfifo(tmp_path / WORK / "run.json")
    assert read_progress(tmp_path) is None


def test_it_tells_whether_its_process_still_works():
    assert PROGRESS.is_alive()
    assert not replace(PROGRESS, jobs=PROGRESS.jobs[1:]).is_alive(), "there is nothing left to do"
    assert not replace(PROGRESS, host="elsewhere").is_alive()
    assert not replace(PROGRESS, process=2**22 + 1).is_alive()
    assert not replace(PROGRESS, process=-1).is_alive(), "no process, but all of them"
    assert not replace(PROGRESS, process=2**80).is_alive()


def test_what_is_left_is_shared_by_the_slots():
    assert PROGRESS.seconds_left == (20 - 5) / 2
    unknown = replace(PROGRESS.jobs[0], estimate=None)
    assert replace(PROGRESS, jobs=(unknown,)).seconds_left is None
