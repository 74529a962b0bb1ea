"""Stages that score many masks of one run: pruning trajectories and single ablations; resumable step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from explorer.analysis.intervals import score_with_interval
from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.errors import BadRequest
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Examples
from explorer.live.evaluator import Evaluation, Evaluator
from explorer.mask import Mask
from explorer.store.bundle import CHECKPOINT
from explorer.store.schema import Key, Manifest, Run
from explorer.tickets.gradients import importance
from explorer.tickets.importance import Estimator, Importance
from explorer.tickets.structured import METHODS, THRESHOLD, Procedure, Step, prune, ticket
from precompute.options import Options, Stopwatch, manifest


@dataclass(frozen=True)
class OpenRun:
    """A fine-tuned run with its dev set, ready to be scored under masks."""

    run: Run
    classifier: Classifier
    dev: Examples
    evaluator: Evaluator


def open_run(options: Options, model_name: str) -> OpenRun:
    """Loads the run's checkpoint from the bundle; raises BadBundle where it is not there."""
    run = Run(model_name, options.task.name, options.seed)
    dev = options.examples("dev")
    classifier = load_finetuned(str(options.bundle.checkpoint(run)), options.task)
    evaluator = Evaluator(classifier, dev, device=options.device)
    stored = options.bundle.read(Key(run, "finetune")).arrays["logits"]
    if not np.allclose(stored, evaluator.full.logits, atol=1e-3):
        raise BadRequest(
            f"{CHECKPOINT} of {run.path} does not give the logits stored beside it on this dev set.",
            "Is it another GLUE version? Make the run again with `python -m precompute finetune`.",
        )
    return OpenRun(run, classifier, dev, evaluator)


def run_importance(options: Options, model_name: str, estimator: Estimator) -> Manifest:
    """Importance of every head and MLP of the full model, on dev."""
    key = Key(Run(model_name, options.task.name, options.seed), "importance", estimator)
    if options.bundle.has(key):
        return options.bundle.manifest(key)
    opened = open_run(options, model_name)
    watch = Stopwatch.start()
    scores = _measure(opened, opened.evaluator.full_mask, estimator)
    return options.bundle.write(
        manifest(
            key,
            {"estimator": estimator, "data": "dev"},
            {"dev": opened.dev},
            checkpoint_sha256=opened.classifier.sha256,
            device=options.device,
            seconds=watch.seconds,
            summary={},
        ),
        arrays={"heads": scores.heads, "mlps": scores.mlps},
    )


@dataclass(frozen=True)
class PruneConfig:
    """Every option of a pruning run that changes its result."""

    method: str
    estimator: Estimator = "expected"
    procedure: Procedure = "recompute"
    share: float = THRESHOLD
    data: str = "dev"


def run_prune(options: Options, model_name: str, config: PruneConfig) -> Manifest:
    """A pruning trajectory, written after each step, so that a killed run goes on where it was."""
    if config.method not in METHODS:
        raise BadRequest(f"There is no pruning method {config.method!r}.", f"Methods: {', '.join(METHODS)}.")
    variant = config.method if config.procedure == "recompute" else f"{config.method}-published"
    key = Key(Run(model_name, options.task.name, options.seed), "structured", variant)
    if options.bundle.has(key) and (there := options.bundle.manifest(key)).complete:
        if dict(there.config) != asdict(config):
            raise BadRequest(
                f"The bundle holds {key.path} already, made with other options.",
                "Name another --bundle, or delete that folder.",
            )
        return there
    opened = open_run(options, model_name)
    evaluated: list[Evaluation] = []
    steps, before = _steps_so_far(options, key, config, opened, evaluated)
    watch = Stopwatch.start(before)

    def score(mask: Mask) -> float:
        evaluated.append(opened.evaluator.evaluate(mask))
        return evaluated[-1].score

    with tqdm(desc=f"prune {config.method} {opened.run.path}", unit="step", initial=len(steps)) as bar:
        for step in prune(
            score,
            lambda mask: _measure(opened, mask, config.estimator),
            opened.evaluator.full_mask,
            METHODS[config.method],
            procedure=config.procedure,
            done=steps,
            share=config.share,
        ):
            steps.append(step)
            _write_steps(options, key, config, opened, steps, evaluated, watch.seconds, complete=False)
            bar.set_postfix(score=f"{step.score:.4f}", refresh=False)
            bar.update()
    return _write_steps(options, key, config, opened, steps, evaluated, watch.seconds, complete=True)


def run_ablations(options: Options, model_name: str) -> Manifest:
    """The score lost when each head, each MLP and each layer alone is switched off."""
    key = Key(Run(model_name, options.task.name, options.seed), "ablations")
    if options.bundle.has(key):
        return options.bundle.manifest(key)
    opened = open_run(options, model_name)
    watch = Stopwatch.start()
    full = opened.evaluator.full_mask
    masks = list(single_ablations(full))
    evaluations = [
        opened.evaluator.evaluate(mask) for _, mask in tqdm(masks, desc=f"ablate {opened.run.path}", unit="mask")
    ]
    table, arrays = _scored(opened, evaluations)
    table.insert(0, "component", [name for name, _ in masks])
    table["loss"] = opened.evaluator.full.score - table["score"]
    return options.bundle.write(
        manifest(
            key,
            {"data": "dev"},
            {"dev": opened.dev},
            checkpoint_sha256=opened.classifier.sha256,
            device=options.device,
            seconds=watch.seconds,
            summary={"masks": len(masks), "full_score": opened.evaluator.full.score},
        ),
        arrays=arrays,
        table=table,
    )


def single_ablations(full: Mask) -> Iterator[tuple[str, Mask]]:
    """Name and mask of every head, MLP and layer switched off alone, e.g. 'head 0 3', 'mlp 2', 'layer 5'."""
    for layer in range(full.n_layers):
        for head in range(full.n_heads):
            yield f"head {layer} {head}", full.with_head(layer, head, False)
        yield f"mlp {layer}", full.with_mlp(layer, False)
        yield f"layer {layer}", full.with_layer(layer, False)


def _measure(opened: OpenRun, mask: Mask, estimator: Estimator) -> Importance:
    evaluator = opened.evaluator
    return importance(opened.classifier, evaluator.task, evaluator.encoded, evaluator.labels, mask, estimator)


def _scored(opened: OpenRun, evaluations: Sequence[Evaluation]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A row per mask (code, score, interval, n, seconds) and the predictions, (masks, n)."""
    task, labels = opened.evaluator.task, opened.evaluator.labels
    predictions = [predictions_of(task, evaluation.logits) for evaluation in evaluations]
    scores = [score_with_interval(task.metric, p, labels) for p in predictions]
    table = pd.DataFrame(
        {
            "mask": [evaluation.mask.code for evaluation in evaluations],
            "score": [score.value for score in scores],
            "low": [score.low for score in scores],
            "high": [score.high for score in scores],
            "n": [score.n for score in scores],
            "heads_kept": [evaluation.mask.heads_kept for evaluation in evaluations],
            "mlps_kept": [evaluation.mask.mlps_kept for evaluation in evaluations],
            "seconds": [evaluation.seconds for evaluation in evaluations],
        }
    )
    dtype = np.float32 if task.is_regression else np.int8
    return table, {"predictions": np.stack(predictions).astype(dtype)}


def _write_steps(
    options: Options,
    key: Key,
    config: PruneConfig,
    opened: OpenRun,
    steps: Sequence[Step],
    evaluations: Sequence[Evaluation],
    seconds: float,
    *,
    complete: bool,
) -> Manifest:
    table, arrays = _scored(opened, evaluations)
    table.insert(0, "step", [step.number for step in steps])
    table.insert(1, "phase", [step.phase for step in steps])
    table["held"] = [step.held for step in steps]
    shape = steps[0].mask.heads.shape
    nothing = Importance(np.zeros(shape), np.zeros(shape[0]), config.estimator)
    used = [step.importance or nothing for step in steps]
    # In full: a run that goes on after a break chooses by them again, and rounding could make ties.
    arrays["importance_heads"] = np.stack([scores.heads for scores in used])
    arrays["importance_mlps"] = np.stack([scores.mlps for scores in used])
    arrays["logits"] = np.stack([evaluation.logits for evaluation in evaluations])
    good = ticket(steps)
    summary = {
        "full_score": steps[0].score,
        "ticket": good.code,
        "ticket_score": next(step.score for step in reversed(steps) if step.held),
        "heads_kept": good.heads_kept,
        "mlps_kept": good.mlps_kept,
        "steps": len(steps),
    }
    return options.bundle.write(
        manifest(
            key,
            config,
            {"dev": opened.dev},
            checkpoint_sha256=opened.classifier.sha256,
            device=options.device,
            seconds=seconds,
            summary=summary,
            complete=complete,
        ),
        arrays=arrays,
        table=table,
    )


def _steps_so_far(
    options: Options, key: Key, config: PruneConfig, opened: OpenRun, evaluated: list[Evaluation]
) -> tuple[list[Step], float]:
    """The steps of an unfinished run with the same options; `evaluated` receives their evaluations."""
    if not options.bundle.has(key):
        return [], 0.0
    artefact = options.bundle.read(key, unfinished=True)
    fresh = manifest(
        key,
        config,
        {"dev": opened.dev},
        checkpoint_sha256=opened.classifier.sha256,
        device="cpu",
        seconds=0,
        summary={},
    )
    same = (
        dict(artefact.manifest.config) == dict(fresh.config)
        and artefact.manifest.checkpoint_sha256 == fresh.checkpoint_sha256
        and artefact.manifest.data["dev"]["sha256"] == fresh.data["dev"]["sha256"]
    )
    if not same:
        return [], 0.0
    steps = []
    full = opened.evaluator.full_mask
    for i, row in enumerate(artefact.table.to_dict("records")):
        mask = Mask.from_code(str(row["mask"]), full.n_layers, full.n_heads)
        scores = Importance(
            artefact.arrays["importance_heads"][i].astype(np.float64),
            artefact.arrays["importance_mlps"][i].astype(np.float64),
            config.estimator,
        )
        steps.append(
            Step(
                int(row["step"]), str(row["phase"]), mask, float(row["score"]), bool(row["held"]), scores if i else None
            )
        )
        evaluated.append(Evaluation(mask, float(row["score"]), artefact.arrays["logits"][i], float(row["seconds"])))
    return steps, artefact.manifest.seconds
