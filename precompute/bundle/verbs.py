"""Verbs on bundles and single masks: score, export, study, report, site, publish, import-paper, validate, migrate."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from explorer.bert.model_names import MINILM_NAME, name_in_bundle
from explorer.bert.stand_ins import StandIn
from explorer.errors import BadRequest
from explorer.store.bundle import Bundle
from explorer.store.schema import Manifest
from explorer.store.validation import validate
from precompute.bundle import results
from precompute.console import A_PATH, CACHE, RUNS, JsonOption, ModelOption, on_a_run, print_result
from precompute.options import Options

MaskOption = Annotated[
    str,
    typer.Option(
        "--mask",
        help="A mask code, a ticket of the run (good, bad, random, super-good ...), a file (code, .npy, JSON, zip), or "
        "a folder with the .npy files. Default: full.",
    ),
]


def study(
    options: Options,
    without: Annotated[str, typer.Option(help="Stages to leave out, e.g. 'retrain,magnitude'.")] = "",
) -> Iterator[Manifest]:
    """Every stage of one run in order, each skipped where it is done; killed half-way, it goes on."""
    from precompute.study import left_undone, run_study

    yield from run_study(options, [name.strip() for name in without.split(",") if name.strip()])
    for undone in left_undone(options):
        typer.echo(f"left undone: {undone}", err=True)


def score(
    options: Options,
    mask: MaskOption = "",
    predictions: Annotated[
        Path | None, typer.Option(help="Write index, prediction and logits as CSV.", **A_PATH)
    ] = None,
    diagnostics: Annotated[
        bool, typer.Option(help="Score the built-in diagnostics instead of GLUE's dev set.")
    ] = False,
    precision: Annotated[
        str, typer.Option(help="auto: bf16 with low margins in fp32, where that is faster. fp32: fp32 throughout.")
    ] = "auto",
    prove: Annotated[
        bool,
        typer.Option(help="Compare gates, surgery, engine, plain transformers in fp32; exit status 1 if one is off."),
    ] = False,
    instead: Annotated[
        StandIn,
        typer.Option(help="What stands in for what is off: nothing, its mean, or what the stage constants learnt."),
    ] = "zero",
) -> Iterator[results.ScoreResult]:
    """Score a mask on the dev set: score, n, interval and seconds."""
    if prove and instead != "zero":
        raise BadRequest("Gates and surgery put nothing in the place of what is off.", "Leave out --prove.")
    if precision not in ("auto", "fp32"):
        raise BadRequest(f"There is no precision {precision!r}.", "Use auto or fp32.")
    if not diagnostics:
        options.examples("dev")  # what is wrong with the data is told before torch is imported
    from precompute.bundle.score import run_score

    scored = run_score(
        options, mask, predictions, diagnostics=diagnostics, in_fp32=precision == "fp32", prove=prove, instead=instead
    )
    yield scored
    if scored.proof and scored.proof.beyond:
        typer.echo(f"error: {scored.proof.beyond}", err=True)
        raise typer.Exit(1)


def export(
    options: Options,
    out: Annotated[Path, typer.Option("--out", help="The folder to write: new, or empty.", **A_PATH)],
    mask: MaskOption = "",
    form: Annotated[
        Literal["transformers", "onnx"],
        typer.Option(
            "--format", help="A folder that plain transformers loads, or an ONNX graph that is really smaller."
        ),
    ] = "transformers",
    loader: Annotated[
        Literal["transformers-5", "transformers-4"],
        typer.Option("--for", help="transformers-4: without the pruned heads, which transformers 5 cannot load."),
    ] = "transformers-5",
) -> results.Exported:
    """Write a pruned model as a folder that another program loads, proven to give the gated model's logits."""
    from precompute.bundle.export import run_export

    return run_export(options, mask, out, form, loader)


def report(
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle to read.", **A_PATH)] = CACHE,
    task: Annotated[str, typer.Option("--task", help="A GLUE task. Default: all that the bundle has.")] = "",
    model: ModelOption = MINILM_NAME,
    as_json: JsonOption = False,
) -> None:
    """Set the scores of a bundle beside the published ones of BERT-base; name the command for what is missing."""
    from precompute.bundle.report import printed_report

    typer.echo(printed_report(bundle, task, name_in_bundle(model), as_json=as_json))


def site(
    out: Annotated[Path, typer.Option("--out", help="The folder to write: new, empty, or a site of ours.", **A_PATH)],
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle to show.", **A_PATH)] = CACHE,
    task: Annotated[list[str] | None, typer.Option("--task", help="A task to show; may be given again.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the bundle as a static site, a page a task, that opens as files with no server and no network."""
    from precompute.bundle.site import run_site

    waiting = functools.partial(typer.echo, err=True)
    made = run_site(Bundle(bundle, called=bundle.name), out, task or [], waiting)
    print_result(made.as_dict(), as_json, made.sentence())


def publish(
    source: Annotated[Path, typer.Argument(help="The bundle to copy from.", **A_PATH)] = RUNS,
    target: Annotated[Path, typer.Argument(help="The bundle to ship.", **A_PATH)] = CACHE,
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="TASK:SEED whose checkpoint ships, beside those that ship already.")
    ] = None,
    withhold: Annotated[list[str] | None, typer.Option(help="TASK:SEED whose checkpoint ships no longer.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Copy finished artefacts into the bundle that ships; a checkpoint ships once it is named, until withheld."""
    from precompute.bundle.publish import run_publish

    waiting = functools.partial(typer.echo, err=True)
    copied = run_publish(Bundle(source), Bundle(target), checkpoint or [], withhold or [], waiting)
    print_result({"copied": copied}, as_json, f"{len(copied)} artefacts copied to {target}.")


def import_paper(
    clone: Annotated[Path, typer.Argument(help="A clone of github.com/sai-prasanna/bert-experiments.", **A_PATH)],
    out: Annotated[Path, typer.Option("--out", help="The bundle to write.", **A_PATH)],
    as_json: JsonOption = False,
) -> None:
    """Import the masks and scores that the paper's authors published; what cannot be read is named."""
    from precompute.bundle.import_paper import run_import

    report = run_import(clone, out)
    for cause in report.causes:
        typer.echo(f"skipped: {cause}", err=True)
    if len(report.skipped) > len(report.causes):
        typer.echo("--json lists every one of them.", err=True)
    record = {"bundle": str(out), "written": len(report.written), "skipped": [str(item) for item in report.skipped]}
    words = f"{len(report.written)} artefacts written to {out}, {len(report.skipped)} things skipped."
    print_result(record, as_json, f"{words} The authors' files carry no licence: do not publish them.")


def validate_bundle(
    bundle: Annotated[Path, typer.Argument(help="The bundle.", **A_PATH)] = CACHE, as_json: JsonOption = False
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


def migrate(
    bundle: Annotated[Path, typer.Argument(help="The bundle, of schema version 1.", **A_PATH)],
    as_json: JsonOption = False,
) -> None:
    """Rewrite the manifests of an older bundle for this version; no number, array or checkpoint changes."""
    from precompute.bundle.migrate import run_migrate

    migrated = run_migrate(bundle)
    print_result({"migrated": migrated}, as_json, f"{migrated} manifests of {bundle} rewritten.")


VERBS: dict[str, Callable[..., None]] = {
    "study": on_a_run(study, "train", "dev", writes=True),
    "score": on_a_run(score, bundle=CACHE, of_model=True),
    "export": on_a_run(export, without=("device",), bundle=CACHE, of_model=True),
    "report": report,
    "site": site,
    "publish": publish,
    "import-paper": import_paper,
    "validate": validate_bundle,
    "migrate": migrate,
}
"""Name on the command line -> its function."""
