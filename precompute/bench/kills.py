"""Kills every job of a tiny world at random moments, gives it again, and counts what was lost: nothing should be.

Long because what a killed job says, what is found after it and what it came to are judged in one place.

Half of the kills come at a random time, half at a random one of the job's own steps on files, so that the short moments
between two of them are met as well. State is saved after each step here, not after each 30 s, so what is found
afterwards tells whether more than the step under way was lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import ExplorerError
from explorer.store import saved_state
from explorer.store.bundle import Bundle
from explorer.store.schema import Manifest
from explorer.tickets import finetuning
from precompute.bench.kill_world import Job, jobs, make_world, settle, without

_ON_FILES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "shutil.rmtree"}
_SAID = "said.jsonl"


@dataclass
class Tally:
    """What became of one job's kills."""

    job: str
    kills: int = 0
    resumed: int = 0
    """Kills after which there was something to go on from."""
    lost: int = 0
    """Kills after which something that had been saved was not found."""
    torn: int = 0
    """Kills after which a reader found something broken, or gone that was there."""
    wrong: int = 0
    """Jobs that came to another result than without a kill."""
    left: int = 0
    """Jobs after which something lay about."""


@dataclass
class _Trial:
    world: Path
    job: Job
    saved: dict[str, tuple[str, str]] = field(default_factory=dict)
    """State file -> of what computation, and the sha256, as last saved."""
    steps: int = 0
    """Steps of an unfinished artefact as last written."""


def bench_kills(kills: int, seed: int = 0, on_job: Callable[[Tally], object] | None = None) -> list[Tally]:
    """Kills so many times, spread over all jobs; one tally a job. on_job: told each when it is done.

    Must be called by a process that has computed nothing yet: it forks.
    """
    rng = random.Random(seed)
    tallies = []
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        world = Path(folder, "world")
        world.mkdir()
        every, loaded = jobs(), Path(folder, "modules")
        _fork(lambda: _make(world, every, loaded)).wait()
        _import(loaded.read_text().split())
        for number, job in enumerate(every):
            share = kills * (number + 1) // len(every) - kills * number // len(every)
            tallies.append(_killed(world, job, share, rng, Path(folder)))
            if on_job:
                on_job(tallies[-1])
    return tallies


def as_markdown(tallies: list[Tally]) -> str:
    """Writes the table of BENCHMARKS.md."""
    head = "| job | kills | went on from saved state | saved work lost | torn | other result | left lying |\n"
    rows = [*tallies, _total(tallies)]
    return (
        head
        + "|---|---|---|---|---|---|---|\n"
        + "\n".join(f"| {t.job} | {t.kills} | {t.resumed} | {t.lost} | {t.torn} | {t.wrong} | {t.left} |" for t in rows)
    )


def _total(tallies: list[Tally]) -> Tally:
    total = Tally("all")
    for one in tallies:
        for name in ("kills", "resumed", "lost", "torn", "wrong", "left"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


@dataclass(frozen=True)
class _Child:
    pid: int

    def wait(self) -> bool:
        """Whether it was killed; raises RuntimeError where it failed of itself."""
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            return os.WTERMSIG(status) == signal.SIGKILL
        if os.waitstatus_to_exitcode(status):
            raise RuntimeError("A job failed; its traceback is above.")
        return False


def _fork(do: Callable[[], object]) -> _Child:
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return _Child(pid)
    status = 1
    try:
        settle()
        with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing), contextlib.redirect_stdout(nothing):  # noqa: PTH123
            do()
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def _make(world: Path, every: Sequence[Job], loaded: Path) -> None:
    """Makes a world in which every job was done once; loaded: where to write which modules that took."""
    make_world(world)
    for job in every:
        job.do(world)
    loaded.write_text("\n".join(sys.modules))


def _import(modules: Sequence[str]) -> None:
    """Imports here what jobs import late: else each of hundreds of forks would do it again, for seconds."""
    for name in modules:
        with contextlib.suppress(ImportError):  # of names that stand for no file
            importlib.import_module(name)


def _do(world: Path, job: Job, die_at: int | None = None, count: Path | None = None) -> None:
    """Runs a job in this process, which says what it saves; die_at: the step on files at which it is killed."""
    saved_state.SECONDS = 0.0
    _say_what_is_saved(world)
    seen = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in _ON_FILES and args and isinstance(args[0], str | Path) and str(args[0]).startswith(str(world)):
            if str(args[0]).endswith(_SAID):
                return
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    job.do(world)
    if count:
        count.write_text(str(seen))


def _say_what_is_saved(world: Path) -> None:
    """Has every save and every load told in a file, after it is done."""
    said = os.open(world / _SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(**what: Any) -> None:
        os.write(said, json.dumps(what).encode() + b"\n")

    save, read = saved_state.SavedState.save, saved_state.SavedState._read

    def saving(self: saved_state.SavedState, **arrays: Any) -> None:
        save(self, **arrays)
        say(saved=str(self.path), of=self.identity, sha=_sha(self.path))

    def reading(self: saved_state.SavedState) -> None:
        read(self)
        say(read=str(self.path), of=self.identity, found=bool(self.arrays) or self.seconds > 0)

    saved_state.SavedState.save = saving  # type: ignore[method-assign]
    saved_state.SavedState._read = reading  # type: ignore[method-assign]
    training: Any = finetuning
    tuned_save, tuned_restore = training.save, training.restore

    def tuned_saving(folder: Path, identity: str, *of: Any) -> None:
        tuned_save(folder, identity, *of)
        path = folder / "state.safetensors"
        say(saved=str(path), of=identity, sha=_sha(path))

    def tuned_restoring(folder: Path, identity: str, *of: Any) -> int:
        done: int = tuned_restore(folder, identity, *of)
        say(read=str(folder / "state.safetensors"), of=identity, found=done > 0)
        return done

    training.save, training.restore = tuned_saving, tuned_restoring
    write = Bundle.write

    def writing(self: Bundle, manifest: Manifest, **contents: Any) -> Manifest:
        written = write(self, manifest, **contents)
        if not manifest.complete:
            say(steps=manifest.summary["steps"])
        return written

    Bundle.write = writing  # type: ignore[method-assign]


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _killed(world: Path, job: Job, kills: int, rng: random.Random, folder: Path) -> Tally:
    tally = Tally(job.name)
    if not kills:
        return tally
    probe, count = folder / "probe", folder / "count"
    without(world, job, probe)
    began = time.monotonic()
    _fork(lambda: _do(probe, job, count=count)).wait()
    seconds, on_files = time.monotonic() - began, int(count.read_text())
    if not _same(world, probe, job):
        raise RuntimeError(f"{job.name} has not the same result twice: kills cannot be judged by it.")
    shutil.rmtree(probe)
    while tally.kills < kills:
        trial = _Trial(folder / "trial", job)
        without(world, job, trial.world)
        # A job's later moments are met too: it is killed up to four times before it may end.
        for _ in range(rng.randint(1, 4)):
            if tally.kills == kills or not _kill_once(trial, rng, seconds, on_files, tally):
                break
        _fork(lambda trial=trial: _do(trial.world, job)).wait()  # type: ignore[misc]
        tally.lost += _unread(trial)
        tally.wrong += not _same(world, trial.world, job)
        tally.left += bool(_lying_about(trial))
        shutil.rmtree(trial.world)
    return tally


def _kill_once(trial: _Trial, rng: random.Random, seconds: float, on_files: int, tally: Tally) -> bool:
    """Whether the kill came before the job had ended."""
    if rng.random() < 0.5:
        child = _fork(lambda: _do(trial.world, trial.job, die_at=rng.randint(1, on_files)))
    else:
        child = _fork(lambda: _do(trial.world, trial.job))
        time.sleep(rng.random() * seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
    was_killed = child.wait()
    tally.lost += _unread(trial)
    if not was_killed:
        return False
    tally.kills += 1
    tally.torn += _torn(trial)
    tally.lost += _gone(trial)
    tally.resumed += bool(trial.saved or trial.steps)
    return True


def _unread(trial: _Trial) -> int:
    """Reads what the job said; how often it did not go on from what it had saved of the very same computation."""
    path, unread = trial.world / _SAID, 0
    for line in path.read_text().splitlines() if path.exists() else ():
        said = json.loads(line)
        if "saved" in said:
            trial.saved[said["saved"]] = (said["of"], said["sha"])
        elif "read" in said:
            there = trial.saved.get(said["read"])
            unread += bool(there and there[0] == said["of"] and not said["found"])
        else:
            trial.steps = said["steps"]
    path.unlink(missing_ok=True)
    return unread


def _complete(trial: _Trial) -> bool:
    key, bundle = trial.job.made, Bundle(trial.world / "bundle")
    return key is not None and bundle.has(key) and bundle.manifest(key).complete


def _gone(trial: _Trial) -> int:
    """How much of what was saved is no longer there, though the artefact is not complete."""
    if _complete(trial):
        return 0
    gone = sum(not Path(path).is_file() for path in trial.saved)
    key, bundle = trial.job.made, Bundle(trial.world / "bundle")
    if trial.steps and key is not None:
        steps = bundle.manifest(key).summary["steps"] if bundle.has(key) else 0
        gone += steps < trial.steps
    return gone


def _torn(trial: _Trial) -> int:
    """Whether a reader of bundle, shipped bundle or exported folder meets anything that is not whole."""
    try:
        for name in ("bundle", "shipped", "imported"):
            if (trial.world / name).is_dir():
                bundle = Bundle(trial.world / name)
                for manifest in bundle.manifests():
                    bundle.read(manifest.key)
        exported = trial.world / "exported"
        return int(exported.is_dir() and not (exported / "README.md").is_file())
    except ExplorerError:
        return 1


def _lying_about(trial: _Trial) -> list[str]:
    """What is neither an artefact nor exported."""
    marks = (".partial-", ".old-", ".lock-", ".work", ".manifest")
    return [str(path) for path in trial.world.rglob(".*") if path.name.startswith(marks)]


def _same(one: Path, other: Path, job: Job) -> bool:
    """Whether a job came to the same in two worlds, but for times."""
    if job.name == "export":
        first, second = (_files(world / job.place, _without(world)) for world in (one, other))
        return first == second
    roots = [world / job.place.partition("/")[0] for world in (one, other)]
    contents, others = (list(_contents(Bundle(root), job)) for root in roots)
    return contents == others


def _without(world: Path) -> Callable[[Path], bytes]:
    """Reads a file but for the world's own path, which stands in the command that an exported model is told by."""
    return lambda path: path.read_bytes().replace(str(world).encode(), b"")


def _files(folder: Path, read: Callable[[Path], bytes]) -> dict[str, bytes]:
    return {path.name: read(path) for path in sorted(folder.iterdir())}


def _contents(bundle: Bundle, job: Job) -> Iterator[Any]:
    for manifest in bundle.manifests():
        if job.made and manifest.key != job.made:
            continue
        artefact = bundle.read(manifest.key)
        bare = replace(manifest, created="", seconds=0.0, files={}, command="", device="")
        table = artefact.table.drop(columns="seconds", errors="ignore")
        arrays = {
            name: (array.dtype.str, np.ascontiguousarray(array).tobytes()) for name, array in artefact.arrays.items()
        }
        checkpoints = {name: entry.sha256 for name, entry in manifest.files.items() if name.endswith(".safetensors")}
        yield bare.to_json(), table.to_csv(), arrays, checkpoints
