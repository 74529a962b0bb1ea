"""The driver of the tests' plan, with two workers that save at every chance, to be killed: `... driver ROOT BUNDLE`."""

from __future__ import annotations

import sys
from pathlib import Path

from explorer.store import saved_state
from explorer.store.bundle import Bundle
from explorer.store.run_progress import write_progress
from precompute.run import local, worker
from precompute.run.carrying_out import carry_out
from precompute.run.freshness import fresh
from precompute.run.stopping import asked_to_stop
from tests.precompute.run import worlds


def begin(threads, parent):
    """What every worker does first."""
    saved_state.SECONDS = 0.0
    worker.begin(threads, parent)


def main(root, bundle):
    """Makes what is missing; tells how far it is, and ends with 130 where it is told to stop, as `run` does."""
    local.begin = begin
    jobs = worlds.plan()
    engine = local.LocalEngine(worlds.setting(root, bundle.root.name), 2)
    try:
        with asked_to_stop() as stop:
            ended = carry_out(
                jobs, fresh(bundle, jobs), engine, lambda told: write_progress(bundle.root, told), stop=stop, tick=0.05
            )
    except KeyboardInterrupt:
        return 130
    for job in ended.of("failed"):
        sys.stderr.write(f"{job.path}: {job.cause}\n")
    return int(bool(ended.of("failed", "blocked")))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Bundle(Path(sys.argv[1], sys.argv[2]))))
