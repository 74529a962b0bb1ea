"""The same plan on two processes of this machine and on a real local Ray of two workers: the same artefacts."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

import pytest

from explorer.store.bundle import WORK, Bundle
from precompute.run.freshness import fresh
from precompute.run.local import LocalEngine
from tests.precompute.run import worlds
from tests.waiting import until

pytestmark = pytest.mark.filterwarnings("ignore")  # of packages that are begun here


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A world whose plan the local engine carried out with two processes; read-only."""
    root = worlds.make(tmp_path_factory.mktemp("grid"))
    bundle, jobs = Bundle(root / "bundle"), worlds.plan()
    ended = worlds.carried_out(LocalEngine(worlds.setting(root), 2), bundle, jobs)
    assert {job.path: job.cause for job in ended.jobs if job.status != "done"} == {}
    return root


def begun(make):
    """The engine, as soon as this machine is fast enough: Ray gives its own raylet 30 s to register, and no more."""
    import ray

    made = []

    def tried():
        try:
            made.append(make())
        except Exception as error:
            if "raylet" not in str(error).lower():
                raise
            ray.shutdown()
        return bool(made)

    until(tried)
    return made[0]


@pytest.mark.long
def test_two_processes_of_this_machine_make_the_plan(made):
    bundle, jobs = Bundle(made / "bundle"), worlds.plan()
    assert fresh(bundle, jobs) == {job.key for job in jobs}
    assert not (bundle.root / WORK).exists()


def test_a_ray_cluster_makes_the_same_without_a_shared_disk(made, tmp_path, monkeypatch):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: `pip install -r requirements-grid.txt`.")
    from precompute.run.on_ray import RayEngine

    jobs, bundle = worlds.plan(), Bundle(tmp_path / "bundle")
    setting = worlds.setting(made, bundle.root)
    nodes = Path(tempfile.mkdtemp(prefix="grid-"))  # the nodes' own disk
    monkeypatch.setenv("TMPDIR", str(nodes))
    monkeypatch.setenv("RAY_gcs_server_port_wait_time_s", "300")  # 30 are usual
    monkeypatch.setenv("RAY_worker_niceness", "0")  # 15 is usual: on a busy machine, next to nothing
    try:
        engine = begun(lambda: RayEngine(setting, bundle, cpus=0.5, jobs=2))
        assert engine.slots == 2
        ended = worlds.carried_out(engine, bundle, jobs)
    finally:
        shutil.rmtree(nodes, ignore_errors=True)
    assert {job.path: job.cause for job in ended.jobs if job.status != "done"} == {}
    assert worlds.differing(Bundle(made / "bundle"), bundle, jobs) == []
    assert not (bundle.root / WORK).exists()
