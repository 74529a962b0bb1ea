"""The verb `run`: the study of many runs, on this machine or on a Ray cluster."""

from __future__ import annotations

import math
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from explorer.bert.model_names import MINILM, name_in_bundle
from explorer.errors import BadRequest, ExplorerError
from explorer.glue.sources import require_file, require_glue_folder
from explorer.glue.tasks import Task
from explorer.store.bundle import Bundle
from explorer.store.own_tasks import task_as_typed
from explorer.store.paper.published import published
from explorer.store.run_progress import RunProgress, write_progress
from explorer.store.schema import ALL_SEEDS, Key, Manifest
from explorer.study.expected_seconds import seconds_of
from explorer.tickets.recipes import require_recipe
from precompute.console import (
    A_PATH,
    CACHE,
    RUNS,
    BundleOption,
    GlueOption,
    JsonOption,
    ModelOption,
    print_result,
    remark,
)
from precompute.options import options, refuse_glue_dir, refuse_train_file, require_device_name, resolved_device
from precompute.run.carrying_out import Engine, carry_out
from precompute.run.estimate import Estimates, by_longest_chain, in_words
from precompute.run.fitting import applicable, unfit
from precompute.run.freshness import fresh, without_weights
from precompute.run.graph import Extra, graph, narrowed
from precompute.run.stopping import asked_to_stop
from precompute.run.table import live_table, plan_lines
from precompute.run.worker import Setting

_CPUS = 1.0
"""Processors that a job takes on a Ray cluster."""


def run(
    tasks: Annotated[
        str, typer.Option("--tasks", help="Tasks in the order of their importance: 'MRPC,CoLA'; own ones by name.")
    ],
    seeds: Annotated[str, typer.Option("--seeds", help="Fine-tuning seeds. Default: the paper's five.")] = "",
    model: ModelOption = MINILM,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="local: this machine. ray: a Ray cluster.")
    ] = "local",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            help="Artefacts made at once, each in a process of its own. Default: 1; ray: what fits.",
            min=1,
            max=1_000,
        ),
    ] = None,
    address: Annotated[
        str, typer.Option("--address", help="ray: the cluster's address; default: a cluster of this machine alone.")
    ] = "",
    cpus: Annotated[float, typer.Option("--cpus-per-job", help="ray: processors that a job takes.")] = _CPUS,
    gpus: Annotated[float, typer.Option("--gpus-per-job", help="ray: share of a GPU that a job takes.")] = 0.0,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also", help="More than the study makes: 'retrained.super-good' or 'MRPC:retrained.super-good'."
        ),
    ] = None,
    only: Annotated[
        str, typer.Option("--only", help="These alone, with what they need: 'attention.finetuned,ablations'.")
    ] = "",
    without: Annotated[str, typer.Option("--without", help="Stages to leave out: 'retrain,magnitude'.")] = "",
    train_file: Annotated[
        list[str] | None, typer.Option("--train-file", help="Another training file of a task: 'MNLI:train_10k.tsv'.")
    ] = None,
    recipe: Annotated[str, typer.Option("--recipe", help="A named recipe for all. Default: by model and task.")] = "",
    order: Annotated[
        Literal["tasks", "longest"],
        typer.Option("--order", help="tasks: whole tasks first. longest: whatever takes longest first."),
    ] = "tasks",
    history: Annotated[
        Path | None,
        typer.Option("--history", help="A bundle whose seconds estimates come from too. Default: cache.", **A_PATH),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; make nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the whole study of many tasks and seeds; what is there stays, and the same command goes on after a kill."""
    require_meaning(engine, address, cpus, gpus)
    files = _train_files(train_file or (), bundle)
    known = [task_as_typed(bundle, name) for name in _listed(tasks)]
    names = [task.name for task in known]
    if engine == "ray" and (own := next((task.name for task in known if task.own), "")):
        raise BadRequest(f"The data of {own} lie on this machine alone.", "Use --engine local.")
    model_name = name_in_bundle(model)
    numbers = [_seed(text) for text in _listed(seeds)] or _usual_seeds(bundle, model_name, known)
    extra = [Extra.parse(text) for text in also or ()]
    for task in {one.task for one in extra} | set(files):
        if task and task not in names:
            raise BadRequest(f"{task} is not among the tasks of this plan.", f"Tasks: {', '.join(names)}.")
    _require_what_is_named(known, files, glue_dir, device, recipe, history)
    whole = graph(model_name, names, numbers, extra=extra, without=_listed(without), train_files=files)
    whole = narrowed(whole, [Extra.parse(text) for text in _listed(only)])
    opened = options(names[0], numbers[0], model, bundle, glue_dir, "cpu")
    done = fresh(opened.bundle, whole)
    planned, never = applicable(opened.bundle, whole, done)
    here = _manifests(opened.bundle)
    of_model = [one for one in (*here, *_manifests(Bundle(history or CACHE))) if one.model == model_name]
    left = [job for job in planned if job.key not in done]
    kind = _device_of_jobs(engine, device, gpus) if left else "cpu"  # to ask for a GPU takes torch
    estimates = Estimates(of_model, lambda key: seconds_of(key, of_model) if kind == "cpu" else None, kind)
    cannot = without_weights(opened.bundle, planned, done) | unfit(opened.bundle, planned, done)
    for one in known:
        if any(job.train_file and job.key.run.task == one.name and job.key not in cannot for job in left):
            require_file(one, glue_dir, files[one.name])
    if dry_run:
        seconds, unknown = estimates.total(left)
        plan: dict[str, object] = {
            "jobs": len(planned),
            "done": len(done),
            "left": len(left),
            "seconds": seconds,
            "unknown": unknown,
            "blocked": len(cannot),
            "does_not_apply": len(never),
        }
        lines = [*_do_not_apply(never), *plan_lines(planned, done, estimates, jobs or 1, cannot)]
        print_result(plan, as_json, "\n".join(lines))
        return
    for task in names:  # what is wrong with data or folders is told before hours go into it
        of_task = options(task, numbers[0], model, bundle, glue_dir, device if engine == "local" else "cpu")
        of_task.bundle.require_writable(of_task.run)
        if any(job.key.run.task == task and job.verb == "finetune" and job.key not in cannot for job in left):
            of_task.examples("train", files.get(task) or None)
            remark(of_task.doubts())
        if any(job.key.run.task == task for job in left):
            of_task.examples("dev")
    setting = Setting(model, opened.bundle.root, opened.glue_dir, device, recipe)
    made_by = _engine(engine, setting, opened.bundle, jobs, address, cpus, gpus)
    ordered = by_longest_chain(planned, estimates) if order == "longest" else planned
    root, command = opened.bundle.root, _command()
    with live_table(quiet=as_json) as show, asked_to_stop() as stop:

        def tell(progress: RunProgress) -> None:
            told = replace(progress, command=command)
            write_progress(root, told)
            show(told)

        ended = carry_out(
            planned, done, made_by, tell, order=ordered, estimate=estimates.seconds, cannot=cannot, stop=stop
        )
    count = ended.count()
    failed = [f"{job.path}: {job.cause}" for job in ended.of("failed")]
    for sentence in failed:
        typer.echo(f"failed: {sentence}", err=True)
    for line in _do_not_apply(never):
        typer.echo(line, err=True)
    for sentence, many in Counter(cannot.values()).items():
        typer.echo(f"{many} not made: {sentence}.", err=True)
    record: dict[str, object] = {name: count[name] for name in ("done", "failed", "blocked", "waiting")}
    record |= {"does_not_apply": len(never), "failures": failed}
    words = ", ".join(f"{many} {name}" for name, many in count.items() if many)
    print_result(record, as_json, f"{words}; {in_words(ended.updated - ended.started)}")
    if failed or cannot:
        raise typer.Exit(1)


def require_meaning(engine: str, address: str, cpus: float, gpus: float) -> None:
    """Raises BadRequest where an option of the Ray engine is given to the other one, or is no share of a machine."""
    if engine == "local":
        given = {"--address": address != "", "--cpus-per-job": cpus != _CPUS, "--gpus-per-job": gpus != 0}
        if named := [name for name, is_given in given.items() if is_given]:
            raise BadRequest(f"{named[0]} means something with --engine ray alone.", "Leave it out, or add that.")
    for name, share in (("--cpus-per-job", cpus), ("--gpus-per-job", gpus)):
        if not (math.isfinite(share) and share >= 0 and (share <= 1 or share == int(share))):
            raise BadRequest(f"{name} {share} is no share.", "Give a part of one, or a whole number.")
    if engine == "ray" and cpus == gpus == 0:
        raise BadRequest("A job that takes neither processors nor GPUs could begin any number of times at once.")


def _require_what_is_named(
    tasks: Sequence[Task],
    files: Mapping[str, str],
    glue_dir: Path | None,
    device: str,
    recipe: str,
    history: Path | None,
) -> None:
    """Raises BadRequest or BadData where something that the options name is not there: in a dry run too, whose plan
    would not begin."""
    require_recipe(recipe)
    require_device_name(device)
    refuse_glue_dir(glue_dir, *tasks)
    if glue_dir:
        require_glue_folder(glue_dir)
    for task in tasks:
        refuse_train_file(files.get(task.name) if task.own else None)
    if history and not history.is_dir():
        raise BadRequest(f"There is no bundle at {history}.", "Name another with --history, or leave it out.")


def _engine(
    name: str, setting: Setting, bundle: Bundle, jobs: int | None, address: str, cpus: float, gpus: float
) -> Engine:
    if name == "ray":
        from precompute.run.on_ray import RayEngine

        return RayEngine(setting, bundle, jobs, address=address, cpus=cpus, gpus=gpus)
    from precompute.run.local import LocalEngine

    return LocalEngine(setting, jobs or 1)


def _device_of_jobs(engine: str, device: str, gpus: float) -> str:
    """'cpu' or 'cuda': where jobs will compute, as far as this machine can tell."""
    if engine == "ray" and device == "auto":
        return "cuda" if gpus else "cpu"
    return device if engine == "ray" else resolved_device(device)


def _usual_seeds(bundle: Path, model: str, tasks: Sequence[Task]) -> list[int]:
    """The paper's; of tasks that nothing can be trained on, those that their runs have."""
    if any(not task.own or task.train_rows for task in tasks):
        return list(published().seeds)
    names = [task.name for task in tasks]
    there = {one.seed for one in _manifests(Bundle(bundle)) if one.model == model and one.task in names}
    return sorted(there - {ALL_SEEDS}) or list(published().seeds)


def _do_not_apply(never: Mapping[Key, str]) -> list[str]:
    """A line a reason, with the artefacts that it is the reason of."""
    found: dict[str, list[str]] = {}
    for key, why in never.items():
        found.setdefault(why, []).append(str(key.path))
    return [f"does not apply: {', '.join(paths)}: {why}." for why, paths in found.items()]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 11):
        raise BadRequest(f"{text!r} is no seed.", "Give numbers, e.g. --seeds 1337,42.")
    return int(text)


def _train_files(given: Sequence[str], bundle: Path) -> dict[str, str]:
    files = {}
    for text in given:
        task, colon, file = text.partition(":")
        if not colon or not file:
            raise BadRequest(f"{text!r} does not say of which task it is.", "An example: MNLI:train_10k.tsv.")
        files[task_as_typed(bundle, task).name] = file
    return files


def _manifests(bundle: Bundle) -> list[Manifest]:
    try:
        return list(bundle.manifests())
    except ExplorerError:
        return []  # only estimates are made of them


def _command() -> str:
    return shlex.join(["python", "-m", "precompute", *sys.argv[1:]])
