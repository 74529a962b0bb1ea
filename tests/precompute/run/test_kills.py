"""Kills at random moments, of the driver and of its workers, and Ctrl-C: the same command ends with all done."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys

import psutil
import pytest

from explorer.store import saved_state
from explorer.store.bundle import WORK, Bundle
from explorer.store.run_progress import read_progress, write_progress
from precompute.run.carrying_out import carry_out
from precompute.run.freshness import fresh
from precompute.run.local import LocalEngine
from precompute.run.stopping import asked_to_stop
from precompute.run.worker import make_job
from tests.precompute.run import worlds
from tests.waiting import until

KILLS = 10
pytestmark = pytest.mark.filterwarnings("ignore")


def drive(root, bundle):
    """Forks a driver with two workers, which are forks too, so that torch is imported once; its process id."""
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        saved_state.SECONDS = 0.0
        jobs = worlds.plan()
        engine = LocalEngine(worlds.setting(root, bundle.root.name), 2, begun="fork")
        with asked_to_stop() as stop:
            carry_out(
                jobs, fresh(bundle, jobs), engine, lambda told: write_progress(bundle.root, told), stop=stop, tick=0.05
            )
        status = 0
    except KeyboardInterrupt:
        status = 130
    finally:
        os._exit(status)


def after_news(bundle, driver, many):
    """Returns when the driver has told so many times how far it is (every 50 ms and at every change), or has ended."""
    path, told = bundle.root / WORK / "run.json", set()

    def enough():
        with contextlib.suppress(FileNotFoundError):
            told.add(path.stat().st_mtime_ns)
        return len(told) > many or driver.status() == psutil.STATUS_ZOMBIE

    until(enough)


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def gone(processes):
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A world with a plan that nobody interrupted."""
    import torch

    torch.set_num_threads(1)
    root = worlds.make(tmp_path_factory.mktemp("kills"))
    for job in worlds.plan():  # what jobs import late is here before the first fork: else each would import it again
        if job.key.run.seed == worlds.SEEDS[0] and "super" not in job.key.variant:
            assert not make_job(worlds.setting(root, "imports"), job).error
    assert ended(drive(root, Bundle(root / "bundle"))) == 0
    return root


@pytest.mark.long
def test_after_ten_kills_the_same_plan_ends_with_the_same(whole):
    root = whole
    rng, bundle, jobs = random.Random(0), Bundle(root / "killed"), worlds.plan()
    there = set()
    kills = 0
    while kills < KILLS:
        pid = drive(root, bundle)
        driver = psutil.Process(pid)
        after_news(bundle, driver, rng.randint(1, 120))
        workers = [one for one in driver.children(recursive=True) if one.is_running()]
        with contextlib.suppress(psutil.NoSuchProcess):
            if rng.random() < 0.5 and workers:
                rng.choice(workers).send_signal(signal.SIGKILL)
                kills += 1
                after_news(bundle, driver, rng.randint(1, 40))
            driver.send_signal(signal.SIGKILL)
            kills += 1
        os.waitpid(pid, 0)
        gone(workers)
        now = fresh(bundle, jobs)
        assert there <= now, "what was made is lost"
        there = now
    assert ended(drive(root, bundle)) == 0
    assert fresh(bundle, jobs) == {job.key for job in jobs}
    assert worlds.differing(Bundle(root / "bundle"), bundle, jobs) == []
    for job in jobs:  # given again, a command clears what a kill left after its last write
        assert not make_job(worlds.setting(root, "killed"), job).error
    lying = [path.name for path in bundle.root.rglob(".*") if path.name.startswith((".partial-", ".old-", ".lock-"))]
    assert lying == []
    assert [path.name for path in (bundle.root / WORK).iterdir()] == ["run.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_in_a_sentence_and_leaves_no_process(whole, number):
    root = whole
    bundle = Bundle(root / f"stopped-{number}")
    pid = drive(root, bundle)

    def runs():
        told = read_progress(bundle.root)
        return told is not None and told.of("running")

    until(runs)
    workers = psutil.Process(pid).children(recursive=True)
    os.kill(pid, number)
    assert ended(pid) == 130
    gone(workers)
    told = read_progress(bundle.root)
    assert not told.of("running", "failed")
    assert told.of("waiting")
    assert not told.is_alive()
