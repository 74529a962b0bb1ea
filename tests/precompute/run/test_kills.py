"""Kills at random moments, of the driver and of its workers, and Ctrl-C: the same command ends with all done."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from explorer.store.bundle import WORK, Bundle
from explorer.store.run_progress import read_progress
from precompute.run.freshness import fresh
from precompute.run.worker import make_job
from tests.precompute.run import worlds
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
KILLS = 6
pytestmark = pytest.mark.filterwarnings("ignore")


def drive(root, bundle):
    """Starts a driver with two workers."""
    command = [sys.executable, "-m", "tests.precompute.run.driver", str(root), bundle.root.name]
    return subprocess.Popen(command, cwd=ROOT)


def workers_of(driver):
    """Its workers, without what follows up their semaphores."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [one for one in psutil.Process(driver.pid).children(recursive=True) if "LokyProcess" in words_of(one)]
    return []


def words_of(process):
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def after_news(bundle, driver, many):
    """Returns when the driver has told so many times how far it is (every 50 ms and at every change), or has ended."""
    path, told = bundle.root / WORK / "run.json", set()

    def enough():
        with contextlib.suppress(FileNotFoundError):
            told.add(path.stat().st_mtime_ns)
        return len(told) > many or driver.poll() is not None

    until(enough)


def gone(processes):
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A world with a plan that nobody interrupted."""
    root = worlds.make(tmp_path_factory.mktemp("kills"))
    assert drive(root, Bundle(root / "bundle")).wait() == 0
    return root


@pytest.mark.long
def test_after_six_kills_the_same_plan_ends_with_the_same(whole):
    root = whole
    rng, bundle, jobs = random.Random(0), Bundle(root / "killed"), worlds.plan()
    there = set()
    kills = 0
    while kills < KILLS:
        driver = drive(root, bundle)
        after_news(bundle, driver, rng.randint(1, 160))
        workers = workers_of(driver)
        if rng.random() < 0.5 and workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                rng.choice(workers).kill()
                kills += 1
            after_news(bundle, driver, rng.randint(1, 80))
            workers += workers_of(driver)
        driver.kill()
        kills += 1
        driver.wait()
        gone(workers)
        now = fresh(bundle, jobs)
        assert there <= now, "what was made is lost"
        there = now
    assert drive(root, bundle).wait() == 0
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
    driver = drive(root, bundle)

    def runs():
        told = read_progress(bundle.root)
        return told is not None and told.of("running")

    until(runs)
    workers = workers_of(driver)
    driver.send_signal(number)
    assert driver.wait() == 130
    gone(workers)
    told = read_progress(bundle.root)
    assert not told.of("running", "failed")
    assert told.of("waiting")
    assert not told.is_alive()
