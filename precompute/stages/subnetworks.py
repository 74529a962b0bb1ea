"""Stage subnetworks: the run's good, bad and random tickets, and its task's super ones, pruned and scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from explorer.mask import Mask
from explorer.store.runs_of_task import TOGETHER, complete, tickets_of
from explorer.store.schema import Key, Manifest, Run
from explorer.tickets.subnetworks import SUPER_SEED, Subnetwork, bad, good, random, super_bad, super_good, super_random
from precompute.artefacts import plain, require_same_checkpoint, scored
from precompute.options import Options, Stopwatch, manifest
from precompute.stages.scoring import open_run, sweep


def run_subnetworks(options: Options, model_name: str) -> Manifest:
    """Scores of the fine-tuned model with the gates of each subnetwork; made anew when more seeds have come in.

    good, bad, random: from the run's own trajectory, drawn with the run's seed. super-*: from the tickets of all
    seeds of the task in the bundle, where there are two or more. Raises BadBundle without a trajectory.
    """
    run = Run(model_name, options.task.name, options.seed)
    key = Key(run, "subnetworks")
    finetuned = options.bundle.manifest(Key(run, "finetune"))
    tickets = tickets_of(options.bundle, run)
    require_same_checkpoint(options.bundle.manifest(Key(run, *TOGETHER)), finetuned)
    config = {
        "ticket": "structured.together",
        "tickets": {str(seed): code for seed, code in tickets.items()},
        "draw_seed": run.seed,
        "super_draw_seed": SUPER_SEED,
        "data": "dev",
    }
    there = complete(options.bundle, key)
    if there and dict(there.config) == plain(config) and there.checkpoint_sha256 == finetuned.checkpoint_sha256:
        return there
    opened = open_run(options, model_name)
    watch = Stopwatch.start()
    full = opened.evaluator.full_mask
    masks = {seed: Mask.from_code(code, full.n_layers, full.n_heads) for seed, code in tickets.items()}
    members = subnetworks(masks, run.seed)
    evaluations = sweep(opened.evaluator, [member.mask for member in members], f"subnetworks {run.path}")
    table, arrays = scored(options.task, opened.evaluator.labels, evaluations)
    table = table.drop(columns="seconds")
    table.insert(0, "kind", [member.kind for member in members])
    table.insert(1, "state", "pruned")
    table["note"] = [member.note for member in members]
    return options.bundle.write(
        manifest(
            key,
            config,
            {"dev": opened.dev},
            checkpoint_sha256=opened.classifier.sha256,
            device=options.device,
            seconds=watch.seconds,
            summary=dict(zip(table["kind"], table["score"].tolist(), strict=True)) | {"seeds": len(tickets)},
        ),
        arrays=arrays,
        table=table,
    )


def subnetworks(tickets: Mapping[int, Mask], seed: int) -> Sequence[Subnetwork]:
    """Good, bad and random of `seed`, and with the tickets of two seeds or more the super ones of all of them."""
    own = tickets[seed]
    members = [good(own), bad(own, seed), random(own, seed)]
    if len(tickets) > 1:
        masks = list(tickets.values())
        over = f"Over {len(masks)} seeds: {', '.join(map(str, tickets))}."
        members += [
            replace(member, note=f"{over} {member.note}".strip())
            for member in (super_good(masks), super_bad(masks, SUPER_SEED), super_random(masks, SUPER_SEED))
        ]
    return members
