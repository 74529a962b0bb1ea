"""Stages that score many masks of one run: pruning trajectories and single ablations; resumable step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.errors import BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.encoding import encode
from explorer.glue.tasks import Examples
from explorer.live.evaluator import Evaluation, Evaluator
from explorer.mask import Mask
from explorer.store.bundle import CHECKPOINT
from explorer.store.schema import Key, Manifest, Run
from explorer.tickets.gradients import importance
from explorer.tickets.importance import Estimator, Importance
from explorer.tickets.structured import METHODS, THRESHOLD, Procedure, Step, prune, ticket
from precompute.artefacts import finished, same_inputs, scored
from precompute.options import Options, Stopwatch, manifest

DEV, TRAIN_SAMPLE = "dev", "train-sample"
DATA = (DEV, TRAIN_SAMPLE)
"""What importance can be measured on."""
_AT_ONCE = 14
"""Masks scored together: what a layer of MiniLM-L6 has, so that the bar moves now and then."""


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


def run_importance(options: Options, model_name: str, estimator: Estimator, data: str = DEV) -> Manifest:
    """Importance of every head and MLP of the full model, on dev or on a training sample of its size."""
    if data not in DATA:
        raise BadRequest(f"There is no data {data!r} to measure on.", f"Data: {', '.join(DATA)}.")
    variant = estimator if data == DEV else f"{estimator}-{data}"
    key = Key(Run(model_name, options.task.name, options.seed), "importance", variant)
    config: dict[str, Any] = {"estimator": estimator, "data": data}
    if data == TRAIN_SAMPLE:
        config["sample_seed"] = options.seed
    if there := finished(options.bundle, key, config):
        return there
    opened = open_run(options, model_name)
    splits = {"dev": opened.dev}
    watch = Stopwatch.start()
    if data == DEV:
        scores = _measure(opened, opened.evaluator.full_mask, estimator)
    else:
        sample = sample_of(options.examples("train"), len(opened.dev), options.seed)
        splits[data] = sample
        encoded = encode(sample, opened.classifier.tokenizer)
        mask = opened.evaluator.full_mask
        scores = importance(opened.classifier, options.task, encoded, sample.labels, mask, estimator)
    return options.bundle.write(
        manifest(
            key,
            config,
            splits,
            checkpoint_sha256=opened.classifier.sha256,
            device=options.device,
            seconds=watch.seconds,
            summary={},
        ),
        arrays={"heads": scores.heads, "mlps": scores.mlps},
    )


def sample_of(examples: Examples, many: int, seed: int) -> Examples:
    """That many of the examples (all, where there are fewer), drawn without replacement, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(examples))[:many]
    items = tuple(examples.items[i] for i in sorted(drawn))
    return replace(examples, items=items, source=f"{examples.source}, sample", sha256=examples_sha256(items))


@dataclass(frozen=True)
class PruneConfig:
    """Every option of a pruning run that changes its result."""

    method: str
    estimator: Estimator = "expected"
    procedure: Procedure = "recompute"
    share: float = THRESHOLD
    data: str = DEV


def run_prune(options: Options, model_name: str, config: PruneConfig) -> Manifest:
    """A pruning trajectory, written after each step, so that a killed run goes on where it was."""
    if config.method not in METHODS:
        raise BadRequest(f"There is no pruning method {config.method!r}.", f"Methods: {', '.join(METHODS)}.")
    variant = config.method if config.procedure == "recompute" else f"{config.method}-published"
    key = Key(Run(model_name, options.task.name, options.seed), "structured", variant)
    if there := finished(options.bundle, key, asdict(config)):
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
    if there := finished(options.bundle, key, {"data": DEV}):
        return there
    opened = open_run(options, model_name)
    watch = Stopwatch.start()
    full = opened.evaluator.full_mask
    masks = list(single_ablations(full))
    evaluations = sweep(opened.evaluator, [mask for _, mask in masks], f"ablate {opened.run.path}")
    table, arrays = scored(options.task, opened.evaluator.labels, evaluations)
    table.insert(0, "component", [name for name, _ in masks])
    table["loss"] = opened.evaluator.full.score - table["score"]
    return options.bundle.write(
        manifest(
            key,
            {"data": DEV},
            {"dev": opened.dev},
            checkpoint_sha256=opened.classifier.sha256,
            device=options.device,
            seconds=watch.seconds,
            summary={"masks": len(masks), "full_score": opened.evaluator.full.score},
        ),
        arrays=arrays,
        table=table,
    )


def sweep(evaluator: Evaluator, masks: Sequence[Mask], words: str) -> list[Evaluation]:
    """The exact scores of many masks, with a progress bar; neighbours share what they have in common."""
    evaluations: list[Evaluation] = []
    with tqdm(total=len(masks), desc=words, unit="mask") as bar:
        for start in range(0, len(masks), _AT_ONCE):
            evaluations += evaluator.evaluate_many(masks[start : start + _AT_ONCE])
            bar.update(len(evaluations) - bar.n)
    return evaluations


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
    table, arrays = scored(options.task, opened.evaluator.labels, evaluations)
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
    if not same_inputs(artefact.manifest, fresh):
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
