"""The engine on a Ray cluster: what a job needs travels to it as bytes, and what it makes travels back.

Workers share no disk with the driver. Each node keeps a folder of its own, so that a job whose process died goes on
there from what it had saved; it is asked of the same node again where that is still there.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from explorer.bert.model_source import stand_in
from explorer.errors import BadRequest, ExplorerError
from explorer.glue.sources import glue_dir_from_environment
from explorer.store.bundle import CHECKPOINT, MANIFEST, Bundle
from explorer.store.runs_of_task import complete
from explorer.store.schema import Key
from explorer.store.user_folders import PROJECT
from explorer.store.whole_folders import sole_writer, written_aside
from precompute.options import options
from precompute.run.carrying_out import Outcome
from precompute.run.graph import Job
from precompute.run.parcels import Files, Shared, brings, glue_parcel, model_parcel, needed, pack, unpack, write_files
from precompute.run.worker import Setting, be_quiet, log, make_job

_FOLDER = "bert-lottery-grid"
_PACKAGES = ("explorer", "precompute")
"""What a cluster's nodes are sent of this project."""


@dataclass
class _Running:
    job: Job
    result: Any
    since: float


class _Board:
    """Where each job was begun: said by the jobs, asked by the driver when one has died."""

    def __init__(self) -> None:
        self._nodes: dict[str, str] = {}

    def begun(self, job: str, node: str) -> None:
        self._nodes[job] = node

    def where(self, job: str) -> str:
        return self._nodes.get(job, "")


class RayEngine:
    """Jobs as Ray tasks, each with its share of processors and GPUs; artefacts are written by this process alone."""

    def __init__(
        self,
        setting: Setting,
        bundle: Bundle,
        jobs: int | None = None,
        *,
        address: str = "",
        cpus: float = 1.0,
        gpus: float = 0.0,
    ) -> None:
        """Connects to the cluster at `address`, '' for one of this machine alone, with `jobs` at once.

        jobs: None for as many as the cluster has room for. cpus, gpus: what a job takes. Raises BadRequest where there
        is no such cluster, or it has not room for one job.
        """
        try:
            ray.init(
                address=address or None,
                include_dashboard=None if address else False,
                runtime_env={"py_modules": [str(PROJECT / name) for name in _PACKAGES]} if address else None,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            words = " ".join(str(error).split())[:300]
            raise BadRequest(
                f"There is no Ray cluster at {address or 'this machine'} ({words}).",
                "Start one: `ray start --head --port 6379`, then --address HOST:6379.",
            ) from None
        self._bundle, self._given = bundle, setting
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}
        fit = _room(cpus, gpus)
        if not fit:
            ray.shutdown()
            raise BadRequest(f"No job of {cpus:g} processors and {gpus:g} GPUs fits on this cluster.")
        self._slots = min(jobs, fit) if jobs else fit
        self._task = ray.remote(_made_there).options(max_retries=0, **self._resources)
        self._board: Any = ray.remote(_Board).options(num_cpus=0).remote()
        self._running: list[_Running] = []
        self._node: dict[Key, str] = {}
        self._shared: dict[tuple[str, str], Any] = {}
        self._sent: dict[tuple[Key, bool], tuple[int, Any]] = {}
        self._model: tuple[str, Files] | None = None

    @property
    def slots(self) -> int:
        """Jobs at once."""
        return self._slots

    def start(self, job: Job) -> None:
        """Hands a job with what it needs to the cluster."""
        node = self._node.get(job.key)
        task = self._task
        if node:
            strategy = NodeAffinitySchedulingStrategy(node, soft=True)
            task = ray.remote(_made_there).options(max_retries=0, scheduling_strategy=strategy, **self._resources)
        inputs = {key: self._parcel(key, whole) for key, whole in brings(needed(self._bundle, job), job).items()}
        result = task.remote(
            self._setting(job), job, self._of_task(job), list(inputs), list(inputs.values()), self._place(), self._board
        )
        self._running.append(_Running(job, result, time.perf_counter()))

    def outcomes(self, seconds: float) -> Iterable[Outcome]:
        """Waits until a job has ended, at most so many seconds, and gives those that have."""
        told, _ = ray.wait([one.result for one in self._running], timeout=seconds, fetch_local=False)
        ended = []
        for running in [one for one in self._running if one.result in told]:
            self._running.remove(running)
            ended.append(self._ended(running))
            log(self._bundle.root, ended[-1])
        return ended

    def stop(self) -> None:
        """Ends whatever runs, and leaves the cluster; what was saved stays on the nodes."""
        for running in self._running:
            ray.cancel(running.result, force=True)
        self._running.clear()
        ray.shutdown()

    def _ended(self, running: _Running) -> Outcome:
        key = running.job.key
        try:
            outcome, files = ray.get(running.result)
            if files:
                unpack(self._bundle, key, files)
            return replace(outcome, seconds=time.perf_counter() - running.since) if files else outcome
        except ExplorerError as told:
            return Outcome(key, time.perf_counter() - running.since, " ".join(str(told).split()))
        except ray.exceptions.RayTaskError as fault:
            words = " ".join(str(fault.cause).split())[:300]
            return Outcome(key, 0.0, f"{type(fault.cause).__name__}: {words}", traceback=str(fault))
        except ray.exceptions.RayError as fault:
            self._node[key] = self._where(key)
            words = f"its process ended ({type(fault).__name__}); was memory short, or was it killed?"
            return Outcome(key, time.perf_counter() - running.since, words, died=True)

    def _where(self, key: Key) -> str:
        """The node that a job was begun on; '' where nobody says so any more."""
        try:
            return str(ray.get(self._board.where.remote(str(key.path)), timeout=10))
        except ray.exceptions.RayError:
            return ""

    def _setting(self, job: Job) -> Setting:
        return replace(self._given, model=self._of_model(job)[0], called=self._bundle.place)

    def _of_model(self, job: Job) -> tuple[str, Files]:
        if self._model is None:
            given = self._given
            opened = options(job.key.run.task, job.seed, given.model, given.bundle, given.glue_dir, "cpu")
            self._model = model_parcel(opened.source)
        return self._model

    def _of_task(self, job: Job) -> Any:
        at = (job.key.run.task, job.train_file or self._bundle.train_file_of(job.key.run))  # retraining reads it too
        if at not in self._shared:
            name, weights = self._of_model(job)
            folder = self._given.glue_dir or glue_dir_from_environment()
            self._shared[at] = ray.put(Shared(name, weights, glue_parcel(folder, *at)))
        return self._shared[at]

    def _parcel(self, key: Key, checkpoint: bool) -> Any:
        """An artefact in the object store, read once as long as it stays as it is."""
        stamp = (self._bundle.root / key.path / MANIFEST).stat().st_mtime_ns
        stored = self._sent.get((key, checkpoint))
        if stored is None or stored[0] != stamp:
            stored = self._sent[key, checkpoint] = stamp, ray.put(pack(self._bundle, key, checkpoint=checkpoint))
        return stored[1]

    def _place(self) -> str:
        """Which folder of a node belongs to this bundle."""
        of = f"{socket.gethostname()} {self._bundle.root.resolve()}"
        return hashlib.sha256(of.encode()).hexdigest()[:16]


def _room(cpus: float, gpus: float) -> int:
    fit = 0
    for node in ray.nodes():
        if node["Alive"]:
            has = node["Resources"]
            shares = [has.get(name, 0.0) / share for name, share in (("CPU", cpus), ("GPU", gpus)) if share]
            fit += int(min(shares) + 1e-9)
    return fit


def _made_there(
    setting: Setting, job: Job, shared: Shared, keys: list[Key], parcels: list[Any], place: str, board: Any
) -> tuple[Outcome, Files]:
    """Runs on a node: how the job ended, with the artefact's files where it was made."""
    board.begun.remote(str(job.key.path), ray.get_runtime_context().get_node_id())
    be_quiet()
    os.environ.pop("GLUE_DIR", None)  # the driver's data, or none
    home = Path(tempfile.gettempdir()) / f"{_FOLDER}-{os.getuid()}" / place
    bundle = Bundle(home / "bundle")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    there = replace(setting, bundle=bundle.root, glue_dir=_laid(home, "glue", shared.glue) if shared.glue else None)
    if shared.weights:
        stand_in(shared.model, _laid(home, "models", shared.weights))
    for key, files in zip(keys, ray.get(parcels), strict=True):
        _take_in(bundle, key, files)
    if complete(bundle, job.key):  # left of another sitting: the driver, who asks for it, has it no longer
        shutil.rmtree(bundle.root / job.key.path)
    outcome = make_job(there, job)
    if outcome.error:
        return outcome, {}
    files = pack(bundle, job.key)
    shutil.rmtree(bundle.root / job.key.path)
    return outcome, files


def _laid(home: Path, kind: str, files: Files) -> Path:
    """A folder with these very files, told by their content."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])} ".encode() + files[name])
    folder = home / kind / digest.hexdigest()[:16]
    with sole_writer(folder, on_wait=lambda _words: None):
        if not folder.is_dir():
            with written_aside(folder) as partial:
                write_files(partial, files)
    return folder


def _take_in(bundle: Bundle, key: Key, files: Files) -> None:
    """Writes an artefact unless it lies there; without its checkpoint where another job brought that already."""
    folder = bundle.root / key.path
    with sole_writer(folder, on_wait=lambda _words: None):
        path = folder / MANIFEST
        same = path.is_file() and path.read_bytes() == files[MANIFEST]
        if same and (CHECKPOINT not in files or (folder / CHECKPOINT).is_file()):
            return
        with written_aside(folder) as partial:
            write_files(partial, files)
