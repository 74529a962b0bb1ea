"""Verbs of the command line for subnetworks: magnitude pruning, scoring, retraining, baseline and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.bert.model_names import MINILM_NAME
from precompute.console import (
    RUNS,
    BundleOption,
    DeviceOption,
    GlueOption,
    JsonOption,
    NameOption,
    SeedOption,
    TaskOption,
    tell,
)
from precompute.options import options


def subnetworks(
    task: TaskOption,
    seed: SeedOption = 1337,
    model_name: NameOption = MINILM_NAME,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score the good, bad and random subnetworks of a run, and the super ones where other seeds are pruned."""
    opts = options(task, seed, bundle, glue_dir, device, "dev")
    from precompute.stages.subnetworks import run_subnetworks

    tell(run_subnetworks(opts, model_name), as_json)


def retrain(
    task: TaskOption,
    seed: SeedOption = 1337,
    kind: Annotated[
        str,
        typer.Option(help="good, bad, random, super-good, super-bad, super-random, magnitude-good, -random or -bad."),
    ] = "good",
    model_name: NameOption = MINILM_NAME,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a subnetwork of the pre-trained model as the run was; killed half-way, it goes on."""
    opts = options(task, seed, bundle, glue_dir, device, "dev")
    from precompute.stages.retrain import run_retrain

    tell(run_retrain(opts, model_name, kind), as_json)


def magnitude(
    task: TaskOption,
    seed: SeedOption = 1337,
    kind: Annotated[str, typer.Option(help="good, random or bad; good comes first.")] = "good",
    model_name: NameOption = MINILM_NAME,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Prune single weights by magnitude, a tenth a step, until the score falls below 90%; goes on after a kill."""
    opts = options(task, seed, bundle, glue_dir, device, "dev")
    from precompute.stages.magnitude import run_magnitude

    tell(run_magnitude(opts, model_name, kind), as_json)


def baseline(
    task: TaskOption,
    model_name: NameOption = MINILM_NAME,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score the majority class (STS-B: random draws) on the dev set."""
    opts = options(task, 0, bundle, glue_dir, "cpu", "train", "dev")
    from precompute.stages.baseline import run_baseline

    tell(run_baseline(opts, model_name), as_json)


def report(
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle to read.")] = Path("cache"),
    task: Annotated[str, typer.Option("--task", help="A GLUE task. Default: all that the bundle has.")] = "",
    model_name: NameOption = MINILM_NAME,
    as_json: JsonOption = False,
) -> None:
    """Set the scores of a bundle beside the published ones of BERT-base; name the command for what is missing."""
    from precompute.bundle.report import printed_report

    typer.echo(printed_report(bundle, task, model_name, as_json=as_json))


VERBS = (subnetworks, retrain, magnitude, baseline, report)
