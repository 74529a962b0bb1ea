"""Verbs of the command line for benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.bert.model_names import MINILM, name_in_bundle
from explorer.store.bundle import Bundle
from precompute.console import GlueOption, JsonOption, ModelOption, SeedOption, print_result
from precompute.options import resolved_device

if TYPE_CHECKING:
    from precompute.bench.live import Figure

app = typer.Typer(help="Measure speed, and how often intervals hold; nothing of it is a test.", no_args_is_help=True)


@app.callback()
def benchmarks() -> None:
    """Measure speed, and how often intervals hold; nothing of it is a test."""


@app.command()
def live(
    task: Annotated[str, typer.Option(help="Timed on its dev set.")] = "SST-2",
    seed: SeedOption = 1337,
    masks: Annotated[int, typer.Option(help="Random masks compared with fp32 transformers; 0 to leave out.")] = 200,
    toggles: Annotated[int, typer.Option(help="Single toggles timed, of all heads and MLPs.")] = 78,
    model: ModelOption = MINILM,
    bundle: Annotated[Path, typer.Option(help="The bundle to read.")] = Path("cache"),
    glue_dir: GlueOption = None,
    as_json: JsonOption = False,
) -> None:
    """Time the live score beside plain transformers, in one run; prints the table of BENCHMARKS.md."""
    from precompute.bench.live import bench_live

    measured = bench_live(Bundle(bundle), name_in_bundle(model), task, seed, glue_dir, masks=masks, toggles=toggles)
    _tell(measured, as_json)


@app.command()
def load(
    viewers: Annotated[str, typer.Option(help="How many viewers at once, one number after another.")] = "1,10,25,50",
    seconds: Annotated[float, typer.Option(help="How long new masks are asked for, each time.")] = 60.0,
    think: Annotated[float, typer.Option(help="Seconds from an exact score to the next click, on average.")] = 1.0,
    task: Annotated[str, typer.Option(help="Scored on its dev set.")] = "RTE",
    seed: SeedOption = 1337,
    model: ModelOption = MINILM,
    port: Annotated[int, typer.Option(help="Port of the app; 0: one that is free.")] = 0,
    bundle: Annotated[Path, typer.Option(help="The bundle to read.")] = Path("cache"),
    glue_dir: GlueOption = None,
    as_json: JsonOption = False,
) -> None:
    """Time the lab with many viewers at once, each with new masks; prints the table of BENCHMARKS.md."""
    from explorer.errors import BadRequest
    from explorer.store.schema import Run
    from precompute.bench.load import bench_load, figures_of

    try:
        numbers = [int(of) for of in viewers.split(",")]
    except ValueError:
        raise BadRequest(f"{viewers!r} are no numbers of viewers.", "Give for instance 1,10,25.") from None
    run = Run(name_in_bundle(model), task, seed)

    def measured() -> Iterator[Figure]:
        for found in bench_load(Bundle(bundle), run, glue_dir, numbers, seconds=seconds, think=think, port=port):
            yield from figures_of(found)
            for of in sorted(set(found.exceptions)):
                typer.echo(f"exception, {found.exceptions.count(of)} times: {of}", err=True)

    _tell(measured(), as_json)


@app.command()
def train(
    task: Annotated[str, typer.Option(help="Trained on its training set, a few steps.")] = "MRPC",
    seed: SeedOption = 1337,
    model: ModelOption = MINILM,
    steps: Annotated[int, typer.Option(help="Training steps a turn; 0 to leave this model out.")] = 4,
    turns: Annotated[int, typer.Option(help="Turns of each variant, of which the median counts.")] = 3,
    base_steps: Annotated[int, typer.Option(help="Steps a turn at BERT-base's size.")] = 1,
    base_turns: Annotated[int, typer.Option(help="Turns at BERT-base's size.")] = 1,
    bundle: Annotated[Path, typer.Option(help="The bundle with the run's checkpoint and subnetworks.")] = Path("cache"),
    glue_dir: GlueOption = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Time training beside plain transformers and the authors' way, in turns; prints the table of BENCHMARKS.md."""
    from precompute.bench.train import Sizes, bench_train

    sizes, base = Sizes(steps, turns, 32, 256), Sizes(base_steps, base_turns, 8, 32)
    of, where = (Bundle(bundle), model, name_in_bundle(model), task, seed, glue_dir), resolved_device(device)
    _tell(bench_train(*of, sizes=sizes, base=base, device=where), as_json)


@app.command()
def device(
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    task: Annotated[str, typer.Option(help="Scored on its dev set.")] = "MRPC",
    seed: SeedOption = 1337,
    masks: Annotated[int, typer.Option(help="Random masks of each size.")] = 20,
    model: ModelOption = MINILM,
    bundle: Annotated[Path, typer.Option(help="The bundle with the run's checkpoint.")] = Path("cache"),
    glue_dir: GlueOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a device: parity with plain transformers and the processor, then speed; exit status 1 if one is off."""
    from precompute.bench.device import bench_device

    where = resolved_device(device)
    checked = bench_device(Bundle(bundle), name_in_bundle(model), task, seed, glue_dir, where, masks=masks)
    if any(figure.met is False for figure in _tell(checked, as_json)):
        raise typer.Exit(1)


@app.command()
def intervals(
    masks: Annotated[int, typer.Option(help="Masks of each task, at most.")] = 60,
    orders: Annotated[int, typer.Option(help="Random orders of the examples for each mask.")] = 25,
    model: ModelOption = MINILM,
    bundle: Annotated[Path, typer.Option(help="The bundle to read.")] = Path("cache"),
    as_json: JsonOption = False,
) -> None:
    """Measure how often the intervals of a running score hold, per look and over all; prints a table."""
    from precompute.bench.intervals import as_markdown, cases_of, coverage, synthetic_case

    cases = (*cases_of(Bundle(bundle), name_in_bundle(model), masks), synthetic_case(masks))
    found = [coverage(case, orders) for case in cases]
    print_result({of.name: of.score_held_throughout for of in found}, as_json, as_markdown(found))


@app.command()
def kills(
    kills: Annotated[int, typer.Option(help="How often something is killed, over all jobs together.")] = 300,
    seed: Annotated[int, typer.Option(help="What the moments are drawn with.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Kill every stage, publish, export and import-paper at random moments; exit status 1 where anything was lost."""
    from dataclasses import asdict

    from precompute.bench.kills import as_markdown, bench_kills

    tallies = bench_kills(kills, seed, lambda tally: typer.echo(f"{asdict(tally)}", err=True))
    print_result({"jobs": [asdict(tally) for tally in tallies]}, as_json, as_markdown(tallies))
    if any(tally.lost or tally.torn or tally.wrong or tally.left for tally in tallies):
        raise typer.Exit(1)


@app.command()
def fuzz(
    inputs: Annotated[int, typer.Option(help="Hostile inputs, of each kind in turn.", min=1)] = 5_000,
    seed: Annotated[int, typer.Option(help="From which they are drawn.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Try hostile inputs by the thousand; exit status 1 where one gives a traceback or a silent wrong number."""
    from precompute.bench.fuzz import fuzz as tried

    tally = tried(inputs, seed)
    for what in (*tally.tracebacks, *tally.wrong)[:20]:
        typer.echo(what, err=True)
    counts = {"tracebacks": len(tally.tracebacks), "wrong": len(tally.wrong), "refused": tally.refused}
    print_result({"inputs": tally.inputs, **counts}, as_json, f"{tally.sentence()}.")
    if tally.tracebacks or tally.wrong:
        raise typer.Exit(1)


@app.command()
def runs(
    runs: Annotated[
        int, typer.Option(help="How many, made from copies with other seeds in a temporary folder.")
    ] = 1000,
    model: ModelOption = MINILM,
    bundle: Annotated[Path, typer.Option(help="The bundle whose runs are copied.")] = Path("cache"),
    as_json: JsonOption = False,
) -> None:
    """Time what pages read of a bundle of very many runs, and the memory that it takes."""
    from precompute.bench.runs import bench_runs

    found = list(bench_runs(Bundle(bundle), name_in_bundle(model), runs))
    rows = "\n".join(f"| {what} | {measured} |" for what, measured in found)
    print_result(dict(found), as_json, f"| read | measured |\n|---|---|\n{rows}")


def _tell(measured: Iterable[Figure], as_json: bool) -> list[Figure]:
    """Says each figure as it comes, then all of them as the table of BENCHMARKS.md or one line of JSON."""
    from precompute.bench.live import as_markdown

    figures = []
    for figure in measured:
        figures.append(figure)
        typer.echo(f"{figure.what}: {figure.measured}", err=True)
    print_result({figure.what: figure.measured for figure in figures}, as_json, as_markdown(figures))
    return figures
