"""A bundle small enough to make in a moment, without torch: tiny tickets with scores drawn from a seed."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.stats.intervals import score_with_interval
from explorer.store.bundle import MANIFEST, Bundle, sha256_of, versions
from explorer.store.commands import command_for
from explorer.store.schema import ALL_SEEDS, Key, Manifest, Run
from explorer.tickets.pruning_path import PathRow, to_table

MODEL, L, H, N = "tiny-bert", 3, 4, 60
RIGHT = {"full": 0.9, "good": 0.83, "random": 0.6, "bad": 0.5, "again": 0.8}
"""Share of examples that each condition gets right."""


def ticket(seed):
    """Half of the heads and two MLPs, others for each seed."""
    rng = np.random.default_rng(seed)
    heads = rng.permutation(L * H) < L * H // 2
    return Mask(heads.reshape(L, H), rng.permutation(L) < 2)


def make_fit(folder, raw):
    """Writes a manifest, as JSON has it, with the hashes and sizes that its files have by now."""
    for name in raw["files"] if isinstance(raw["files"], dict) else ():
        if (folder / name).is_file():  # a name may be what was put there
            contents = (folder / name).read_bytes()
            raw["files"][name] = {"sha256": sha256_of(contents), "bytes": len(contents)}
    (folder / MANIFEST).write_text(json.dumps(raw))


def write(bundle, key, **parts):
    """One complete artefact; parts: config, summary, arrays, table."""
    contents = {name: parts.pop(name) for name in ("arrays", "table") if name in parts}
    manifest = Manifest(
        model=key.run.model,
        task=key.run.task,
        seed=key.run.seed,
        stage=key.stage,
        variant=key.variant,
        command=command_for(key),
        versions=versions(),
        data={"dev": {"source": "test", "n": N, "sha256": "dev"}},
        checkpoint_sha256=f"checkpoint of {key.run.path}",
        device="cpu",
        seconds=1.0,
        created="2026-01-01T00:00:00+00:00",
        **{"config": {}, "summary": {}} | parts,
    )
    return bundle.write(manifest, **contents)


def small_bundle(
    root,
    tasks=("MRPC",),
    seeds=(1337, 42),
    stages=("structured", "subnetworks", "retrained", "magnitude", "baseline"),
):
    """finetune and those stages, of tasks with two classes."""
    bundle = Bundle(root)
    for task in tasks:
        for seed in seeds:
            _run(bundle, Run(MODEL, task, seed), seeds, stages)
        if "baseline" in stages:
            summary = {"score": 0.5, "words": "always 'paraphrase'", "draws": 0, "sample_sd": 0.0}
            write(bundle, Key(Run(MODEL, task, ALL_SEEDS), "baseline"), summary=summary)
    return bundle


def _answers(labels, share, rng):
    """Right on that share of examples, one more or less."""
    said = labels.copy()
    wrong = rng.permutation(N)[: round((1 - share) * N) + rng.integers(-1, 2)]
    said[wrong] = 1 - said[wrong]
    return said


def _run(bundle, run, seeds, stages):
    rng = np.random.default_rng([run.seed, len(run.task)])
    labels = np.arange(N) % 2
    said = {name: _answers(labels, share, rng) for name, share in RIGHT.items()}
    metric = TASKS[run.task].metric

    def row(name, mask):
        score = score_with_interval(metric, said[name], labels, resamples=50)
        where = {"mask": mask.code, "heads_kept": mask.heads_kept, "mlps_kept": mask.mlps_kept}
        return where | {"score": score.value, "low": score.low, "high": score.high, "n": score.n}

    full, good = row("full", Mask.full(L, H)), row("good", ticket(run.seed))
    summary = {name: full[name] for name in ("score", "low", "high", "n")}
    logits = np.eye(2, dtype=np.float32)[said["full"]]
    arrays = {"labels": labels.astype(np.float64), "logits": logits}
    write(bundle, Key(run, "finetune"), config={"shape": [L, H]}, summary=summary, arrays=arrays)
    if "structured" in stages:
        steps = [
            PathRow(number, phase, mask, row["score"], row["low"], row["high"], row["n"], True, 0.1)
            for number, (phase, mask, row) in enumerate(
                [("together", Mask.full(L, H), full), ("heads", ticket(run.seed), good)]
            )
        ]
        write(
            bundle,
            Key(run, "structured", "together"),
            summary={"ticket": good["mask"], "ticket_score": good["score"]},
            table=to_table(steps),
            arrays={"predictions": np.stack([said["full"], said["good"]]).astype(np.int8)},
        )
    tickets = {str(seed): ticket(seed).code for seed in sorted(seeds)}
    masks = {"good": ticket(run.seed), "random": ticket(run.seed + 1), "bad": ticket(run.seed + 2)}
    if "subnetworks" in stages:
        rows = [{"kind": kind, "note": "", **row(kind, mask)} for kind, mask in masks.items()]
        if len(seeds) > 1:
            rows += [{"kind": f"super-{kind}", "note": "", **row(kind, mask)} for kind, mask in masks.items()]
        predictions = np.stack([said[str(one["kind"]).removeprefix("super-")] for one in rows]).astype(np.int8)
        config = {"tickets": tickets}
        key = Key(run, "subnetworks")
        write(bundle, key, config=config, table=pd.DataFrame(rows), arrays={"predictions": predictions})
    if "retrained" in stages:
        for kind, mask in masks.items():
            again = row("again", mask)
            write(
                bundle,
                Key(run, "retrained", kind),
                config={"mask": mask.code, "weight_mask_sha256": ""},
                summary={name: again[name] for name in ("score", "low", "high", "n")},
                arrays={"predictions": said["again"][None].astype(np.int8)},
            )
    if "magnitude" in stages:
        for kind in ("good", "random", "bad"):
            lost = {**row(kind, masks[kind]), "share_kept": 0.4, "weights_kept": 40, "held": kind == "good", "step": 1}
            write(
                bundle,
                Key(run, "magnitude", kind),
                summary={"ticket_score": lost["score"], "weight_mask_sha256": kind, "note": ""},
                table=pd.DataFrame([{**full, "share_kept": 1.0, "weights_kept": 100, "held": True, "step": 0}, lost]),
                arrays={
                    "predictions": np.stack([said["full"], said[kind]]).astype(np.int8),
                    "heads": np.stack([np.ones((L, H)), rng.uniform(0.3, 0.5, (L, H))]),
                    "mlps": np.stack([np.ones(L), rng.uniform(0.3, 0.5, L)]),
                },
            )


def with_attention(bundle, run, shape=(L, H), texts=("the red dog runs .",)):
    """Attention artefacts of the run, fine-tuned and pre-trained: drawn maps, two classes, head by head in turn."""
    from explorer.bert.maps import AttentionMaps
    from explorer.glue.tokens import Tokens
    from explorer.patterns.per_head import head_table
    from explorer.patterns.samples import Sample, pack_samples
    from explorer.patterns.statistics import statistics

    for weights, seed in (("finetuned", run.seed), ("pretrained", ALL_SEEDS)):
        rng = np.random.default_rng(seed + 1)
        samples = []
        for text in texts:
            tokens = ("[CLS]", *text.split(), "[SEP]")
            raw = rng.dirichlet(np.ones(len(tokens)) * 0.3, (*shape, len(tokens))).astype(np.float32)
            maps = AttentionMaps(raw, rng.uniform(0.1, 2, (*shape, len(tokens))).astype(np.float32))
            samples.append(Sample((text,), Tokens(tokens, np.zeros(len(tokens), np.int64)), maps))
        kinds = [np.stack([one.maps.raw, one.maps.norm_weighted]) for one in samples]
        measured = np.stack([statistics(both, one.tokens) for both, one in zip(kinds, samples, strict=True)])
        which = np.indices(shape).sum(0) % 2 * 3  # heterogeneous and vertical
        probabilities = np.broadcast_to(np.eye(5)[which], (len(texts), 2, *shape, 5))
        table = head_table(measured, np.asarray(probabilities), 0.5)
        key = Key(Run(run.model, run.task, seed), "attention", weights)
        write(bundle, key, arrays=pack_samples(samples), table=table)
