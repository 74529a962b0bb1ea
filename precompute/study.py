"""The whole study of one run: every stage in order, each skipped where it is already done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

from explorer.bert.model_names import model_name
from explorer.errors import BadRequest
from explorer.store.bundle import Bundle, command_for
from explorer.store.paper.published import published
from explorer.store.runs_of_task import TOGETHER, complete, seeds_with
from explorer.store.schema import ALL_SEEDS, Key, Manifest, Run
from explorer.study.survivor_patterns import WEIGHTS, attention_key
from explorer.tickets.importance import Estimator
from explorer.tickets.recipes import Recipe
from precompute.options import Options
from precompute.stages.attention import run_attention
from precompute.stages.baseline import run_baseline
from precompute.stages.finetune import run_finetune
from precompute.stages.magnitude import run_magnitude
from precompute.stages.retrain import RETRAIN_KINDS, run_retrain
from precompute.stages.scoring import PruneConfig, run_ablations, run_importance, run_prune
from precompute.stages.subnetworks import run_subnetworks

STAGES = ("importance", "prune", "ablations", "attention", "magnitude", "subnetworks", "retrain", "baseline")
"""That can be left out; fine-tuning cannot."""


@dataclass(frozen=True)
class Planned:
    """An artefact of the study: which stage makes it, from which others, and how."""

    stage: str
    key: Key
    make: Callable[[], Manifest]
    needs: tuple[Key, ...] = ()


def plan(options: Options, name: str) -> tuple[Planned, ...]:
    """All that follows fine-tuning, in order; name: the model's in the bundle."""
    run = Run(name, options.task.name, options.seed)
    steps: list[Planned] = []

    def add(stage: str, key: Key, make: Callable[[], Manifest], *needs: Key) -> None:
        steps.append(Planned(stage, key, make, needs))

    estimators: tuple[Estimator, ...] = ("expected", "published", "batch")
    for estimator in estimators:
        add("importance", Key(run, "importance", estimator), partial(run_importance, options, name, estimator))
    for method in ("together", "heads", "mlps"):
        add("prune", Key(run, "structured", method), partial(run_prune, options, name, PruneConfig(method)))
    add("ablations", Key(run, "ablations"), partial(run_ablations, options, name))
    for weights in WEIGHTS:
        key = attention_key(name, run.task, run.seed, weights)
        add("attention", key, partial(run_attention, options, name, weights))
    good = Key(run, "magnitude", "good")
    for kind in ("good", "random", "bad"):
        needs = () if kind == "good" else (good,)
        add("magnitude", Key(run, "magnitude", kind), partial(run_magnitude, options, name, kind), *needs)
    subnetworks = Key(run, "subnetworks")
    add("subnetworks", subnetworks, partial(run_subnetworks, options, name), Key(run, *TOGETHER))
    for kind in ("good", "random", "bad"):
        add("retrain", Key(run, "retrained", kind), partial(run_retrain, options, name, kind), subnetworks)
    add("baseline", Key(Run(name, run.task, ALL_SEEDS), "baseline"), partial(run_baseline, options, name))
    return tuple(steps)


def run_study(options: Options, model: str, recipe: Recipe | None, without: Collection[str] = ()) -> Iterator[Manifest]:
    """The manifests in the order in which the stages finish; killed half-way, the same call goes on.

    A run that is fine-tuned already is taken as it is, whatever its recipe. Stages whose ground was left out are
    skipped: `left_undone` names them. Raises BadRequest on an unknown stage in `without`.
    """
    unknown = sorted(set(without) - set(STAGES))
    if unknown:
        raise BadRequest(f"There is no stage {unknown[0]!r} to leave out.", f"Stages: {', '.join(STAGES)}.")
    there = complete(options.bundle, Key(Run(model_name(model), options.task.name, options.seed), "finetune"))
    if there and recipe is None and there.config.get("model") == model:
        finetuned = there
    else:
        finetuned = run_finetune(options, model, recipe)
    yield finetuned
    for planned in plan(options, finetuned.model):
        if planned.stage not in without and all(complete(options.bundle, key) for key in planned.needs):
            yield planned.make()


def left_undone(options: Options, model: str) -> list[str]:
    """A sentence with its command for every part of the study that the bundle lacks, super subnetworks included."""
    bundle, run = options.bundle, Run(model_name(model), options.task.name, options.seed)
    keys = [planned.key for planned in plan(options, run.model)]
    undone = [_missing(key) for key in keys if not complete(bundle, key)]
    undone += _super(bundle, run)
    extra = [Key(run, "retrained", kind) for kind in RETRAIN_KINDS]
    return undone + [_missing(key) for key in extra if key not in keys and not complete(bundle, key)]


def _super(bundle: Bundle, run: Run) -> list[str]:
    seeds = seeds_with(bundle, run.model, run.task, *TOGETHER)
    others = [seed for seed in published().seeds if seed not in seeds]
    if len(seeds) < 2:
        other = next(seed for seed in others if seed != run.seed)
        command = command_for(Key(Run(run.model, run.task, other), *TOGETHER))
        return [f"super subnetworks, which need the trajectories of two seeds or more: `{command}`"]
    undone = []
    there = complete(bundle, Key(run, "subnetworks"))
    if there and len(there.config["tickets"]) < len(seeds):
        undone.append(f"super subnetworks over all {len(seeds)} seeds: `{there.command}`")
    if others:
        words = ", ".join(map(str, others))
        undone.append(f"super subnetworks over the paper's five seeds: {words} have no trajectory here")
    return undone


def _missing(key: Key) -> str:
    return f"{key.path}: `{command_for(key)}`"
