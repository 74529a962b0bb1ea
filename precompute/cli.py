"""The command line: one verb a stage, one result line with --json, every error a sentence.

Verbs import their stage when called: help and most errors come before torch does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.errors import BadRequest, ExplorerError
from explorer.store.bundle import Bundle
from explorer.store.validation import validate
from explorer.tickets.importance import ESTIMATORS, Estimator
from explorer.tickets.recipes import RECIPES
from explorer.tickets.structured import METHODS, Procedure
from precompute.bench.verbs import app as bench_verbs
from precompute.console import (
    RUNS,
    BundleOption,
    DeviceOption,
    GlueOption,
    JsonOption,
    NameOption,
    SeedOption,
    TaskOption,
    print_result,
    remark,
    tell,
)
from precompute.lab_verbs import VERBS
from precompute.options import options
from precompute.patterns.attention_verbs import VERBS as ATTENTION_VERBS
from precompute.patterns.verbs import app as patterns_verbs

app = typer.Typer(
    help="Make the bundle that the explorer opens on: fine-tune, measure importance, prune, score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def finetune(
    task: TaskOption,
    seed: SeedOption = 1337,
    model: Annotated[str, typer.Option(help="'minilm', a Hub id or a folder.")] = MINILM,
    recipe: Annotated[str, typer.Option(help=f"{', '.join(RECIPES)}. Default: by model and size of the task.")] = "",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Instead of the recipe's.")] = None,
    train_file: Annotated[str | None, typer.Option(help="Another training file of the task's folder.")] = None,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a pre-trained BERT on a task; killed half-way, the same command goes on."""
    if recipe and recipe not in RECIPES:
        raise BadRequest(f"There is no recipe {recipe!r}.", f"Recipes: {', '.join(RECIPES)}.")
    given = {"epochs": epochs, "learning_rate": learning_rate}
    opts = options(task, seed, bundle, glue_dir, device, "train", "dev", file=train_file)
    from precompute.stages.finetune import run_finetune

    made = run_finetune(
        opts,
        model,
        RECIPES.get(recipe),
        train_file=train_file,
        changes={name: value for name, value in given.items() if value is not None},
    )
    tell(made, as_json)


@app.command()
def study(
    task: TaskOption,
    seed: SeedOption = 1337,
    model: Annotated[str, typer.Option(help="'minilm', a Hub id or a folder.")] = MINILM,
    without: Annotated[str, typer.Option(help="Stages to leave out, e.g. 'retrain,magnitude'.")] = "",
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Every stage of one run in order, each skipped where it is done; killed half-way, it goes on."""
    opts = options(task, seed, bundle, glue_dir, device, "train", "dev")
    from precompute.study import left_undone, run_study

    for made in run_study(opts, model, None, [name.strip() for name in without.split(",") if name.strip()]):
        tell(made, as_json)
    for undone in left_undone(opts, model):
        typer.echo(f"left undone: {undone}", err=True)


@app.command()
def importance(
    task: TaskOption,
    seed: SeedOption = 1337,
    estimator: Annotated[str, typer.Option(help=", ".join(ESTIMATORS))] = "expected",
    data: Annotated[str, typer.Option(help="dev, or train-sample for as many training examples.")] = "dev",
    model_name: NameOption = MINILM_NAME,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Measure how much the loss depends on each head and MLP of the full model."""
    wanted = _estimator(estimator)
    opts = options(task, seed, bundle, glue_dir, device, "dev")
    from precompute.stages.scoring import run_importance

    tell(run_importance(opts, model_name, wanted, data), as_json)


@app.command()
def prune(
    task: TaskOption,
    seed: SeedOption = 1337,
    method: Annotated[str, typer.Option(help=", ".join(METHODS))] = "together",
    estimator: Annotated[str, typer.Option(help=", ".join(ESTIMATORS))] = "expected",
    procedure: Annotated[str, typer.Option(help="recompute, or published for the authors' quirk.")] = "recompute",
    model_name: NameOption = MINILM_NAME,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Prune heads and MLPs until the score falls below 90% of the full model's; goes on after a kill."""
    if procedure not in ("recompute", "published"):
        raise BadRequest(f"There is no procedure {procedure!r}.", "Procedures: recompute, published.")
    chosen: Procedure = "published" if procedure == "published" else "recompute"
    wanted = _estimator(estimator)
    opts = options(task, seed, bundle, glue_dir, device, "dev")
    from precompute.stages.scoring import PruneConfig, run_prune

    tell(run_prune(opts, model_name, PruneConfig(method, wanted, chosen)), as_json)


@app.command()
def ablations(
    task: TaskOption,
    seed: SeedOption = 1337,
    model_name: NameOption = MINILM_NAME,
    bundle: BundleOption = RUNS,
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score every head, MLP and layer switched off alone."""
    opts = options(task, seed, bundle, glue_dir, device, "dev")
    from precompute.stages.scoring import run_ablations

    tell(run_ablations(opts, model_name), as_json)


@app.command()
def score(
    task: TaskOption,
    model: Annotated[str, typer.Option(help="A packed checkpoint, a folder or a Hub id; 'minilm' is the bundle's.")],
    mask: Annotated[str, typer.Option(help="A mask code, or a file with one. Default: the full model.")] = "",
    seed: SeedOption = 1337,
    predictions: Annotated[Path | None, typer.Option(help="Write index, prediction and logits as CSV.")] = None,
    diagnostics: Annotated[
        bool, typer.Option(help="Score the built-in diagnostics instead of GLUE's dev set.")
    ] = False,
    bundle: BundleOption = Path("cache"),
    glue_dir: GlueOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Score a mask on the dev set: score, n, interval and seconds."""
    opts = options(task, seed, bundle, glue_dir, device, *(() if diagnostics else ("dev",)))
    from precompute.bundle.score import run_score

    result = run_score(opts, model, mask, predictions, diagnostics=diagnostics)
    remark(result.remarks)
    print_result(result.as_dict(), as_json, result.sentence())


@app.command("export")
def export_folder(
    task: TaskOption,
    out: Annotated[Path, typer.Option("--out", help="The folder to write: new, or empty.")],
    seed: SeedOption = 1337,
    model: Annotated[
        str, typer.Option(help="A packed checkpoint, a folder or a Hub id; 'minilm' is the bundle's.")
    ] = MINILM,
    mask: Annotated[str, typer.Option(help="A mask code, or a file with one. Default: the full model.")] = "",
    bundle: BundleOption = Path("cache"),
    as_json: JsonOption = False,
) -> None:
    """Write a pruned model as a folder that plain transformers loads, what is pruned set to zero."""
    opts = options(task, seed, bundle, None, "cpu")
    from precompute.bundle.export import run_export

    exported = run_export(opts, model, mask, out)
    remark(exported.remarks)
    print_result(exported.as_dict(), as_json, exported.sentence())


@app.command()
def publish(
    source: Annotated[Path, typer.Argument(help="The bundle to copy from.")] = RUNS,
    target: Annotated[Path, typer.Argument(help="The bundle to ship.")] = Path("cache"),
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="TASK:SEED whose checkpoint is shipped; all others are withheld.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy finished artefacts into the bundle that ships, with the named checkpoints only."""
    from precompute.bundle.publish import run_publish

    copied = run_publish(Bundle(source), Bundle(target), checkpoint or [])
    print_result({"copied": copied}, as_json, f"{len(copied)} artefacts copied to {target}.")


@app.command("import-paper")
def import_paper(
    clone: Annotated[Path, typer.Argument(help="A clone of github.com/sai-prasanna/bert-experiments.")],
    out: Annotated[Path, typer.Option("--out", help="The bundle to write.")],
    as_json: JsonOption = False,
) -> None:
    """Import the masks and scores that the paper's authors published; what cannot be read is named."""
    from precompute.bundle.import_paper import run_import

    report = run_import(clone, out)
    for skipped in report.skipped:
        typer.echo(f"skipped: {skipped}", err=True)
    record = {"bundle": str(out), "written": len(report.written), "skipped": [str(item) for item in report.skipped]}
    words = f"{len(report.written)} artefacts written to {out}, {len(report.skipped)} things skipped."
    print_result(record, as_json, f"{words} The authors' files carry no licence: do not publish them.")


@app.command("validate")
def validate_bundle(
    bundle: Annotated[Path, typer.Argument(help="The bundle.")] = Path("cache"), as_json: JsonOption = False
) -> None:
    """A numbered preflight over a bundle; exit status 1 where anything is wrong."""
    checks = []
    for check in validate(Bundle(bundle)):
        checks.append(check)
        if not as_json:
            typer.echo(
                f"[{check.number}/6] {check.title}: {check.detail if not check.problems else 'PROBLEM'}".rstrip(": ")
            )
            for problem in check.problems:
                typer.echo(f"      - {problem}")
    bad = [problem for check in checks for problem in check.problems]
    if as_json:
        typer.echo(json.dumps({"bundle": str(bundle), "ok": not bad, "problems": bad}))
    if bad:
        raise typer.Exit(1)


for verb in (*VERBS, *ATTENTION_VERBS):
    app.command(verb.__name__.replace("_", "-"))(verb)
app.add_typer(patterns_verbs, name="patterns")
app.add_typer(bench_verbs, name="bench")


def main() -> None:
    """Runs the command line; an error that a person can mend is printed as its sentence, exit status 2."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        app(standalone_mode=True)
    except ExplorerError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:  # typer's word for Ctrl-C
            typer.echo("Stopped. The same command goes on from here.", err=True)
        raise


def _estimator(name: str) -> Estimator:
    for known in ESTIMATORS:
        if known == name:
            return known
    raise BadRequest(f"There is no estimator {name!r}.", f"Estimators: {', '.join(ESTIMATORS)}.")
