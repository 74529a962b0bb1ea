"""What one process of a plan does: one job after the other, each an artefact in the bundle or a sentence."""

from __future__ import annotations

import os
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ExplorerError
from precompute.options import options
from precompute.run.carrying_out import Outcome
from precompute.run.freshness import remove_stale
from precompute.run.graph import Job

_LOG = "failures.log"


@dataclass(frozen=True)
class Setting:
    """What all jobs of a plan share."""

    model: str
    """As it was asked for: 'minilm', a folder, a Hub id or a name in the bundle."""
    bundle: Path
    glue_dir: Path | None
    device: str
    """'auto', 'cpu' or 'cuda', resolved where the job runs."""
    recipe: str = ""
    """'' for the model's own."""


def make_job(setting: Setting, job: Job) -> Outcome:
    """Makes one artefact; whatever goes wrong comes back as a sentence, an unforeseen fault also as a log in the
    bundle's folder of unfinished work."""
    from precompute.stage_verbs import make_artefact

    started = time.perf_counter()
    error = ""
    try:
        opened = options(job.key.run.task, job.seed, setting.model, setting.bundle, setting.glue_dir, setting.device)
        remove_stale(opened.bundle, job)
        more = {"train_file": job.train_file} if job.train_file else {}
        more |= {"recipe": setting.recipe} if setting.recipe and job.verb == "finetune" else {}
        make_artefact(opened, job.key, **more)
    except ExplorerError as told:
        error = " ".join(str(told).split())
    except Exception as fault:
        _log(setting, job, traceback.format_exc())
        error = f"{type(fault).__name__}: {fault}"
    return Outcome(job.key, time.perf_counter() - started, error)


def begin(threads: int, parent: int) -> None:
    """Prepares a worker process: quiet, so many threads, and gone when the process that began it is.

    threads: for torch and BLAS. parent: the process id of the driver.
    """
    os.environ["TQDM_DISABLE"] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while _is_there(parent):
        time.sleep(0.5)
    os._exit(1)  # nobody waits for the result; what was saved is gone on from


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _log(setting: Setting, job: Job, text: str) -> None:
    from explorer.store.bundle import WORK

    folder = setting.bundle / WORK
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOG).open("a", encoding="utf-8") as log:
        log.write(f"{job.key.path}\n{text}\n")
