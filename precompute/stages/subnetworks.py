"""Stage subnetworks: the run's good, bad and random tickets, and its task's super ones, pruned and scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from explorer.mask import Mask
from explorer.store.runs_of_task import TOGETHER
from explorer.store.schema import Manifest
from explorer.store.task_tickets import tickets_beside
from explorer.tickets.subnetworks import SUPER_SEED, Subnetwork, bad, good, random, super_bad, super_good, super_random
from precompute.artefacts import Draft, Stopwatch, require_same_checkpoint, scored, up_to_date
from precompute.options import Options
from precompute.stages.opened import open_run, score_masks


def make(options: Options) -> Manifest:
    """Scores the fine-tuned model with the gates of each subnetwork; made anew when more seeds have come in.

    good, bad, random: from the run's own trajectory, drawn with the run's seed. super-*: from the tickets of all
    seeds of the task in the bundle, where there are two or more. Raises BadBundle without a trajectory.
    """
    run, key = options.run, options.key("subnetworks")
    finetuned = options.bundle.manifest(options.key("finetune"))
    tickets = dict(sorted(tickets_beside(options.bundle, run).items()))
    require_same_checkpoint(options.bundle, options.bundle.manifest(options.key(*TOGETHER)), finetuned)
    config = {
        "ticket": "structured.together",
        "tickets": {str(seed): mask.code for seed, mask in tickets.items()},
        "draw_seed": run.seed,
        "super_draw_seed": SUPER_SEED,
        "data": "dev",
    }
    if there := up_to_date(options.bundle, key, config):
        return there
    opened = open_run(options)
    draft = Draft(options, key, config, {"dev": opened.dev}, opened.classifier.sha256)
    state = draft.state("scores")
    watch = Stopwatch.start(state.seconds)
    members = subnetworks(tickets, run.seed, opened.classifier.full_mask)
    masks = [member.mask for member in members]
    evaluations = score_masks(opened.evaluator, masks, f"subnetworks {run.path}", state)
    table, arrays = scored(options.task, opened.evaluator.labels, evaluations)
    table = table.drop(columns="seconds")
    table.insert(0, "kind", [member.kind for member in members])
    table.insert(1, "state", "pruned")
    table["note"] = [member.note for member in members]
    summary = dict(zip(table["kind"], table["score"].tolist(), strict=True)) | {"seeds": len(tickets)}
    return draft.write(summary, watch.seconds, arrays=arrays, table=table)


def subnetworks(tickets: Mapping[int, Mask], seed: int, whole: Mask | None = None) -> Sequence[Subnetwork]:
    """Lists good, bad and random of `seed`, and with the tickets of two seeds or more the super ones of all.

    whole: all that the model has; None for everything.
    """
    own = tickets[seed]
    members = [good(own), bad(own, seed, whole), random(own, seed, whole)]
    if len(tickets) > 1:
        masks = list(tickets.values())
        over = f"Over {len(masks)} seeds: {', '.join(map(str, tickets))}."
        members += [
            replace(member, note=f"{over} {member.note}".strip())
            for member in (
                super_good(masks),
                super_bad(masks, SUPER_SEED, whole),
                super_random(masks, SUPER_SEED, whole),
            )
        ]
    return members
