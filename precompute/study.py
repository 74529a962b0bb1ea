"""The whole study of one run: every stage of the register in order, each skipped where it is already done."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from explorer.store.bundle import Bundle
from explorer.store.paper.published import published
from explorer.store.runs_of_task import TOGETHER, complete, seeds_with
from explorer.store.schema import Key, Manifest, Run
from explorer.store.stages import stage_named
from explorer.study.fitting import why_not
from precompute.options import Options
from precompute.run.fitting import unfit
from precompute.run.graph import Job, graph, require_optional
from precompute.same_model import require_same_model
from precompute.stage_verbs import make_artefact


def plan(run: Run) -> tuple[Job, ...]:
    """Lists all that the study makes of a run and, once for all seeds, of its task, in the order of the register."""
    return graph(run.model, [run.task], [run.seed])


def run_study(options: Options, without: Collection[str] = ()) -> Iterator[Manifest]:
    """Yields the manifests in the order in which the stages finish; killed half-way, the same call goes on.

    A run that is fine-tuned already is taken as it is, whatever its recipe. Stages whose ground was left out are
    skipped: `left_undone` names them. Raises BadRequest on an unknown stage in `without`, which takes verbs, and where
    the bundle has another model of that name.
    """
    require_optional(without)
    require_same_model(options)
    never = unfit(options.bundle, plan(options.run))
    for planned in plan(options.run):
        if (
            planned.verb in without
            or planned.key in never
            or not all(complete(options.bundle, key) for key in planned.needs)
        ):
            continue
        as_it_is = complete(options.bundle, planned.key) if planned.key == options.key("finetune") else None
        yield as_it_is or make_artefact(options, planned.key)


def left_undone(options: Options) -> list[str]:
    """Words a sentence with its command for every part of the study that the bundle lacks, super subnetworks too."""
    bundle, run = options.bundle, options.run
    keys = [planned.key for planned in plan(run)]
    undone = [_missing(bundle, key) for key in keys if not complete(bundle, key)]
    undone += _super(bundle, run)
    retrain = stage_named("retrained").options[0].values
    extra = [Key(run, "retrained", kind) for kind in retrain]
    return undone + [_missing(bundle, key) for key in extra if key not in keys and not complete(bundle, key)]


def _super(bundle: Bundle, run: Run) -> list[str]:
    seeds = seeds_with(bundle, run.model, run.task, *TOGETHER)
    others = [seed for seed in published().seeds if seed not in seeds]
    if len(seeds) < 2:
        other = next(seed for seed in others if seed != run.seed)
        command = bundle.command_for(Key(replace(run, seed=other), *TOGETHER))
        return [f"super subnetworks, which need the pruning paths of two seeds or more: `{command}`"]
    undone = []
    there = complete(bundle, Key(run, "subnetworks"))
    if there and len(there.config["tickets"]) < len(seeds):
        again = bundle.command_for(there.key)
        undone.append(f"super subnetworks over all {len(seeds)} seeds: `{again}`")
    if others:
        words = ", ".join(map(str, others))
        undone.append(f"super subnetworks over the paper's five seeds: {words} have no pruning path here")
    return undone


def _missing(bundle: Bundle, key: Key) -> str:
    why = why_not(bundle, key)
    return f"{key.path}: {why}" if why else f"{key.path}: `{bundle.command_for(key)}`"
