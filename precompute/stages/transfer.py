"""Stage transfer: the tickets of all tasks of a seed, scored on this run's model, each beside random masks of its size.

Goes beyond the paper; asked of lottery tickets in BERT by Chen et al. 2020 (arXiv:2007.12223).
"""

from __future__ import annotations

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.store.inventory import Inventory
from explorer.store.schema import Manifest
from explorer.store.task_tickets import tickets_by_task
from explorer.study.ground import commands_to
from explorer.tickets.subnetworks import random
from precompute.artefacts import Draft, Stopwatch, scored, up_to_date
from precompute.options import Options
from precompute.stages.opened import open_run, score_masks

DRAWS = 20
"""Random masks beside each ticket. Their seeds are 1 to DRAWS, so that tickets of one size share them, everywhere."""


def make(options: Options) -> Manifest:
    """Scores every task's ticket of this seed on this run's model; made anew when tickets of other tasks have come in.

    Goes on where an earlier call was killed. Raises BadRequest where no task of the bundle has a ticket of the seed.
    """
    run, key, bundle = options.run, options.key("transfer"), options.bundle
    manifests = Inventory(bundle.manifests())
    by_task = tickets_by_task(manifests, run.model)
    tickets = {task: of_seed[run.seed] for task, of_seed in sorted(by_task.items()) if run.seed in of_seed}
    if not set(tickets) - {run.task}:
        raise BadRequest(
            f"No other task of this bundle is pruned with seed {run.seed}: there is no ticket to try.",
            f"Make one: `{'`, then `'.join(commands_to(bundle, manifests, key)[:-1])}`.",
        )
    config = {"data": "dev", "draws": DRAWS, "tickets": {task: mask.code for task, mask in tickets.items()}}
    if there := up_to_date(bundle, key, config):
        return there
    opened = open_run(options)
    draft = Draft(options, key, config, {"dev": opened.dev}, opened.classifier.sha256)
    state = draft.state("scores")
    watch = Stopwatch.start(state.seconds)
    whole = opened.classifier.full_mask
    rows = [(task, draw, mask) for task, ticket in tickets.items() for draw, mask in enumerate(rivals(ticket, whole))]
    masks = list(dict.fromkeys(mask for _, _, mask in rows))
    evaluations = dict(zip(masks, score_masks(opened.evaluator, masks, f"transfer {run.path}", state), strict=True))
    table, arrays = scored(options.task, opened.evaluator.labels, [evaluations[mask] for _, _, mask in rows])
    table = table.drop(columns="seconds")
    table.insert(0, "ticket", [task for task, _, _ in rows])
    table.insert(1, "draw", [draw for _, draw, _ in rows])
    summary = {"masks": len(masks), "tickets": len(tickets), "full_score": opened.evaluator.full.score}
    return draft.write(summary, watch.seconds, arrays=arrays, table=table)


def rivals(ticket: Mask, whole: Mask) -> list[Mask]:
    """Lists a ticket, of what the model has, and DRAWS random masks of that with as many heads and as many MLPs."""
    there = ticket.within(whole)
    return [there, *(random(there, draw, whole).mask for draw in range(1, DRAWS + 1))]
