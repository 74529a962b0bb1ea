"""Plans on a tiny model carried out in processes: what the engines and the kills are tried on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.glue.tasks import TASKS
from explorer.store.bundle import CHECKPOINT
from precompute.run.carrying_out import carry_out
from precompute.run.freshness import fresh
from precompute.run.graph import Extra, graph
from precompute.run.worker import Setting
from tests import tiny

ROWS, SEEDS, TRAIN = 24, (7, 8), "small.tsv"
WITHOUT = ("bank", "league", "attention", "ablations")


def make(root):
    """A tiny model and sentences of our own for MRPC; the training file has a name of its own, so it may be short."""
    tiny.save_folder(root / "tiny", scale=0.3)
    task = TASKS["MRPC"]
    tiny.write_tsv(root / "glue", tiny.make_examples(task, ROWS, seed=5, split="train"), TRAIN)
    tiny.write_tsv(root / "glue", tiny.make_examples(task, ROWS, seed=5, split="dev"))
    return root


def plan(seeds=SEEDS):
    """Everything of both seeds but the slow stages, with a super ticket retrained, which needs both."""
    jobs = graph("tiny", ["MRPC"], seeds, without=WITHOUT, train_files={"MRPC": TRAIN})
    more = graph("tiny", ["MRPC"], seeds, without=WITHOUT, extra=[Extra.parse("retrained.super-good")])
    wanted = {"finetune", "importance.expected", "structured.together", "subnetworks", "magnitude.good"}
    wanted |= {"retrained.good", "retrained.super-good"}
    files = {job.key: job for job in jobs}
    chosen = [job for job in more if f"{job.key.stage}.{job.key.variant}".removesuffix(".") in wanted]
    return [replace(job, train_file=files[job.key].train_file) if job.key in files else job for job in chosen]


def setting(root, bundle="bundle"):
    return Setting(str(root / "tiny"), root / bundle, root / "glue", "cpu")


def carried_out(engine, bundle, jobs, **more):
    return carry_out(jobs, fresh(bundle, jobs), engine, lambda _progress: None, **more)


def contents(bundle, jobs):
    """What a plan came to, but for times and places: arrays, tables, checkpoints, and what manifests say."""
    found = {}
    for job in jobs:
        artefact = bundle.read(job.key)
        bare = replace(artefact.manifest, created="", seconds=0.0, files={}, device="", command="")
        table = artefact.table.drop(columns=["seconds"], errors="ignore")
        arrays = {name: (array.dtype.str, array.tobytes()) for name, array in artefact.arrays.items()}
        weights = bundle.checkpoint(job.key.run).read_bytes() if CHECKPOINT in artefact.manifest.files else b""
        found[str(job.key.path)] = bare.to_json(), arrays, table.to_csv(index=False), weights
    return found


def differing(bundle, other, jobs):
    """The artefacts that two bundles do not hold alike."""
    one, two = contents(bundle, jobs), contents(other, jobs)
    assert np.array_equal(sorted(one), sorted(two))
    return [path for path in one if one[path] != two[path]]
