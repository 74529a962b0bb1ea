"""Stage mean-ablated: pruning, ablations and tickets again, with the mean in the place of a head or MLP that is off.

Goes beyond the paper, which leaves nothing there; mean ablation is Li and Janson's (2024, arXiv:2409.09951, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.bert.stand_ins import MEAN, SAMPLE, SAMPLE_SEED, ZERO, sample_for_means
from explorer.live.evaluation import Evaluation
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.runs_of_task import TOGETHER
from explorer.store.schema import Manifest
from explorer.store.task_tickets import tickets_beside
from explorer.tickets.importance import Estimator, Importance
from explorer.tickets.structured import METHODS, Step, prune, ticket
from explorer.tickets.subnetworks import bad, good, random
from precompute.artefacts import Draft, Stopwatch, config_of, require_same_checkpoint, scored, up_to_date
from precompute.options import Options
from precompute.stages.ablations import single_ablations
from precompute.stages.importance import measured
from precompute.stages.opened import OpenRun, open_run, score_masks
from precompute.stages.prune import PruneConfig


@dataclass(frozen=True)
class _Row:
    """One mask, scored, and what it is."""

    part: str
    """alone: one component off; path: a step of pruning; ticket: a subnetwork."""
    name: str
    """The component, the phase or the kind."""
    instead: str
    """What stands in for what is off: zero or mean."""
    evaluation: Evaluation
    found: str = ""
    """What stood in where a ticket was pruned; '' for what is no ticket."""
    step: int = 0
    held: bool = True


def make(options: Options) -> Manifest:
    """Prunes and scores with means over training examples in the place of what is off, beside nothing there.

    The rule of pruning is that of the run's own path, which tells the tickets under zero; bad and random ones are drawn
    as the stage subnetworks draws them. Made anew when the run was pruned anew; goes on where an earlier call was
    killed. Raises BadBundle without a path.
    """
    run, key, bundle = options.run, options.key("mean-ablated"), options.bundle
    finetuned, pruned = bundle.manifest(options.key("finetune")), bundle.manifest(options.key(*TOGETHER))
    require_same_checkpoint(bundle, pruned, finetuned)
    under_zero = tickets_beside(bundle, run)[run.seed]
    rule = config_of(PruneConfig("together"))
    rule = {name: pruned.config.get(name, usual) for name, usual in rule.items()}
    config = {
        **rule,
        "means": f"{SAMPLE} training examples",
        "sample_seed": SAMPLE_SEED,
        "ticket": under_zero.code,
        "draw_seed": run.seed,
    }
    if there := up_to_date(bundle, key, config):
        return there
    opened, sample = open_run(options), sample_for_means(options.examples("train", finetuned.config.get("train_file")))
    splits = {"dev": opened.dev, "train-sample": sample}
    draft = Draft(options, key, config, splits, opened.classifier.sha256)
    began = draft.state("began")  # holds nothing but the seconds of earlier sittings
    watch = Stopwatch.start(began.seconds)
    of = {ZERO: opened.evaluator, MEAN: opened.evaluator.with_means_of(sample)}
    full = opened.evaluator.full_mask

    path, steps = _path(draft, opened, of[MEAN], rule)
    began.save()
    rows = [
        _Row("path", step.phase, MEAN, one, "", step.number, step.held) for step, one in zip(steps, path, strict=True)
    ]
    parts = [(name, mask) for name, mask in single_ablations(full) if not name.startswith("layer")]
    alone = score_masks(of[MEAN], [mask for _, mask in parts], f"alone {run.path}", draft.state("alone"))
    began.save()
    rows += [_Row("alone", name, MEAN, one) for (name, _), one in zip(parts, alone, strict=True)]
    under_mean = ticket(steps)
    members = {
        found: [good(own), random(own, run.seed, full), bad(own, run.seed, full)]
        for found, own in ((ZERO, under_zero), (MEAN, under_mean))
    }
    masks = [member.mask for one in members.values() for member in one]
    for instead, evaluator in of.items():
        state = draft.state(f"tickets-{instead}", *(mask.code for mask in masks))
        known = score_masks(evaluator, masks, f"tickets {run.path}", state)
        each = [(found, member.kind) for found, one in members.items() for member in one]
        rows += [_Row("ticket", kind, instead, one, found) for (found, kind), one in zip(each, known, strict=True)]
    table, arrays = scored(options.task, opened.evaluator.labels, [row.evaluation for row in rows])
    for at, name in enumerate(("part", "name", "instead", "found", "step", "held")):
        table.insert(at, name, [getattr(row, name) for row in rows])
    summary = {
        "full_score": opened.evaluator.full.score,
        "ticket": under_mean.code,
        "ticket_score": next(step.score for step in reversed(steps) if step.held),
        "heads_kept": under_mean.heads_kept,
        "mlps_kept": under_mean.mlps_kept,
        "steps": len(steps),
        "examples_of_means": len(sample),
    }
    return draft.write(summary, watch.seconds, arrays=arrays, table=table.drop(columns="seconds"))


def _path(
    draft: Draft, opened: OpenRun, evaluator: Evaluator, rule: dict[str, Any]
) -> tuple[list[Evaluation], list[Step]]:
    """Prunes with means in the place of what is off. What an earlier call knew of a step is read, not computed."""
    scores: list[Evaluation] = []

    def score(mask: Mask) -> float:
        state = draft.state(f"path-{len(scores)}", mask.code)
        scores.extend(score_masks(evaluator, [mask], f"prune {opened.run.path}, step {len(scores)}", state))
        return scores[-1].score

    def measure(mask: Mask) -> Importance:
        name = f"importance-{len(scores)}"
        known = draft.state(f"{name}-known", mask.code)
        estimator: Estimator = rule["estimator"]
        if "heads" not in known.arrays:
            found = measured(opened, mask, estimator, draft.state(name, mask.code), evaluator.instead)
            known.save(heads=found.heads, mlps=found.mlps)
            return found
        return Importance(np.asarray(known.arrays["heads"]), np.asarray(known.arrays["mlps"]), estimator)

    phases, full = METHODS[rule["method"]], opened.evaluator.full_mask
    steps = list(prune(score, measure, full, phases, procedure=rule["procedure"], share=rule["share"]))
    return scores, steps
