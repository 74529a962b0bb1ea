"""Stage structured: a pruning path, written after each step, so that a killed run goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from tqdm import tqdm

from explorer.live.evaluation import Evaluation
from explorer.mask import Mask
from explorer.store.schema import Manifest
from explorer.store.stages import stage_named
from explorer.tickets.importance import Estimator, Importance
from explorer.tickets.pruning_path import PathRow, rows_of, to_table
from explorer.tickets.structured import METHODS, THRESHOLD, Procedure, Step, prune, ticket
from precompute.artefacts import Draft, Stopwatch, config_of, finished, scored
from precompute.options import Options
from precompute.stages.importance import measured
from precompute.stages.opened import OpenRun, open_run, score_masks


@dataclass(frozen=True)
class PruneConfig:
    """Every option of a pruning run that changes its result."""

    method: str
    estimator: Estimator = "expected"
    procedure: Procedure = "recompute"
    share: float = THRESHOLD
    data: str = "dev"


@dataclass
class _Path:
    """What is known of the path so far."""

    steps: list[Step] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    """One a step."""
    seconds: float = 0.0
    """Seconds of earlier sittings."""


def make(
    options: Options,
    method: Literal["together", "heads", "mlps"] = "together",
    estimator: Estimator = "expected",
    procedure: Procedure = "recompute",
    share: float = THRESHOLD,
) -> Manifest:
    """Prunes until the score falls below `share` of the full model's, or goes on where an earlier call was killed."""
    config = PruneConfig(method, estimator, procedure, share)
    plain = config_of(config)
    key = options.key("structured", stage_named("structured").variant_of(plain))
    if there := finished(options.bundle, key, plain):
        return there
    opened = open_run(options)
    draft = Draft(options, key, plain, {"dev": opened.dev}, opened.classifier.sha256)
    path = _so_far(draft, config, opened)
    watch = Stopwatch.start(path.seconds)

    def score(mask: Mask) -> float:
        path.evaluations += score_masks(opened.evaluator, [mask], "", draft.state("score", mask.code))
        return path.evaluations[-1].score

    with tqdm(desc=f"prune {method} {opened.run.path}", unit="step", initial=len(path.steps)) as bar:
        for step in prune(
            score,
            lambda mask: measured(opened, mask, config.estimator, draft.state("importance", mask.code)),
            opened.evaluator.full_mask,
            METHODS[config.method],
            procedure=config.procedure,
            done=path.steps,
            share=config.share,
        ):
            path.steps.append(step)
            _write(draft, config, opened, path, watch.seconds, complete=False)
            bar.set_postfix(score=f"{step.score:.4f}", refresh=False)
            bar.update()
    return _write(draft, config, opened, path, watch.seconds, complete=True)


def _write(
    draft: Draft, config: PruneConfig, opened: OpenRun, path: _Path, seconds: float, *, complete: bool
) -> Manifest:
    steps = path.steps
    table, arrays = scored(draft.options.task, opened.evaluator.labels, path.evaluations)
    shape = steps[0].mask.heads.shape
    nothing = Importance(np.zeros(shape), np.zeros(shape[0]), config.estimator)
    used = [step.importance or nothing for step in steps]
    # In full: a run that goes on after a break chooses by them again, and rounding could make ties.
    arrays["importance_heads"] = np.stack([scores.heads for scores in used])
    arrays["importance_mlps"] = np.stack([scores.mlps for scores in used])
    arrays["logits"] = np.stack([evaluation.logits for evaluation in path.evaluations])
    good = ticket(steps)
    summary = {
        "full_score": steps[0].score,
        "ticket": good.code,
        "ticket_score": next(step.score for step in reversed(steps) if step.held),
        "heads_kept": good.heads_kept,
        "mlps_kept": good.mlps_kept,
        "steps": len(steps),
    }
    rows = [
        PathRow(
            step.number,
            step.phase,
            step.mask,
            float(row["score"]),
            float(row["low"]),
            float(row["high"]),
            int(row["n"]),
            step.held,
            float(row["seconds"]),
        )
        for step, row in zip(steps, table.to_dict("records"), strict=True)
    ]
    return draft.write(summary, seconds, complete=complete, arrays=arrays, table=to_table(rows))


def _so_far(draft: Draft, config: PruneConfig, opened: OpenRun) -> _Path:
    """Reads the steps of an unfinished run with the same options, weights and data."""
    bundle, path = draft.options.bundle, _Path()
    if not bundle.has(draft.key):
        return path
    artefact = bundle.read(draft.key, unfinished=True)
    if not draft.begun(artefact.manifest):
        return path
    path.seconds = artefact.manifest.seconds
    for row in rows_of(artefact.table, opened.shape):
        heads, mlps = (artefact.arrays[f"importance_{part}"][row.number] for part in ("heads", "mlps"))
        why = Importance(heads.astype(np.float64), mlps.astype(np.float64), config.estimator)
        path.steps.append(Step(row.number, row.phase, row.mask, row.score, row.held, why if row.number else None))
        path.evaluations.append(Evaluation(row.mask, row.score, artefact.arrays["logits"][row.number], row.seconds))
    return path
