"""What one process of a plan does: one job after the other, each an artefact in the bundle or a sentence."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.errors import ExplorerError
from explorer.store.bundle import WORK, Bundle
from precompute.options import options
from precompute.run.carrying_out import Outcome
from precompute.run.freshness import remove_stale
from precompute.run.graph import Job

_LOG = "failures.log"


@dataclass(frozen=True)
class Setting:
    """What all jobs of a plan share."""

    model: str
    """Model as it was asked for: 'minilm', a folder, a Hub id or a name in the bundle."""
    bundle: Path
    glue_dir: Path | None
    device: str
    """'auto', 'cpu' or 'cuda', resolved where the job runs."""
    recipe: str = ""
    """'' for the model's own."""
    called: str = ""
    """What commands in manifests call the bundle, where that is not its path here."""


def make_job(setting: Setting, job: Job) -> Outcome:
    """Makes one artefact; whatever goes wrong comes back as a sentence, an unforeseen fault with its traceback."""
    from precompute.stage_verbs import make_artefact

    started = time.perf_counter()
    error = trace = ""
    try:
        opened = options(job.key.run.task, job.seed, setting.model, setting.bundle, setting.glue_dir, setting.device)
        opened = replace(opened, bundle=Bundle(opened.bundle.root, setting.called))
        remove_stale(opened.bundle, job)
        more = {"train_file": job.train_file} if job.train_file else {}
        more |= {"recipe": setting.recipe} if setting.recipe and job.verb == "finetune" else {}
        make_artefact(opened, job.key, **more)
    except ExplorerError as told:
        error = " ".join(str(told).split())
    except Exception as fault:
        trace = traceback.format_exc()
        error = f"{type(fault).__name__}: {' '.join(str(fault).split())}"
    return Outcome(job.key, time.perf_counter() - started, error, traceback=trace)


def begin(threads: int, parent: int) -> None:
    """Prepares a worker process: quiet, so many threads, deaf to Ctrl-C, which its driver hears, and gone when that is.

    threads: for torch and BLAS. parent: the process id of the driver.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; whoever began this ends it
    be_quiet()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def be_quiet() -> None:
    """Has this process draw no progress bars and print no advice."""
    os.environ["TQDM_DISABLE"] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def log(bundle: Path, outcome: Outcome) -> None:
    """Appends the traceback of a fault that nobody foresaw to a log beside the bundle's unfinished work."""
    if not outcome.traceback:
        return
    folder = bundle / WORK
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOG).open("a", encoding="utf-8") as file:
        file.write(f"{outcome.key.path}\n{outcome.traceback}\n")


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
