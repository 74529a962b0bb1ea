"""How a verb gets the options that all verbs share, and how its result is printed."""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from explorer.bert.model_names import MINILM
from explorer.paths import expanded
from explorer.store.schema import Manifest
from explorer.store.stages import Split
from precompute.options import options

RUNS, CACHE = Path("runs"), Path("cache")
"""The bundle where one works, and the one that ships."""

A_PATH: dict[str, Any] = {"parser": expanded, "metavar": "PATH"}
"""For an option or argument that is a path: '~' is the home folder, also where no shell has seen it."""

BundleOption = Annotated[Path, typer.Option("--bundle", help="The bundle to read and write.", **A_PATH)]
GlueOption = Annotated[
    Path | None,
    typer.Option("--glue-dir", help="GLUE in the official TSV layout. Default: GLUE_DIR, then the Hub.", **A_PATH),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one line of JSON as the result.")]
ModelOption = Annotated[
    str,
    typer.Option("--model", "--model-name", help="'minilm', a Hub id, a folder, or a model's name in the bundle."),
]
SeedOption = Annotated[int, typer.Option("--seed", help="The fine-tuning seed. The paper's: 1337, 42, 86, 71, 166.")]
TaskOption = Annotated[str, typer.Option("--task", help="A GLUE task, e.g. MRPC.")]
_COMMON: dict[str, tuple[Any, Any]] = {
    "task": (TaskOption, inspect.Parameter.empty),
    "seed": (SeedOption, 1337),
    "model": (ModelOption, MINILM),
    "bundle": (BundleOption, RUNS),
    "glue_dir": (GlueOption, None),
    "device": (Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")], "auto"),
}
"""Name -> type and default of what every verb on a run takes; declared here and nowhere else."""


class Result(Protocol):
    """What a verb may return beside a manifest."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences beside the result, for stderr."""

    def as_dict(self) -> dict[str, Any]:
        """Gives the one line of --json."""

    def sentence(self) -> str:
        """Words it for a terminal."""


def on_a_run(
    function: Callable[..., Manifest | Result | Iterable[Manifest | Result]],
    *splits: Split,
    without: Sequence[str] = (),
    bundle: Path = RUNS,
    writes: bool = False,
) -> Callable[..., None]:
    """Turns a function of (options, its own parameters) into a verb with the common options and --json.

    splits: the data that it will read, so that what is wrong with it is told first. without: common options that mean
    nothing to it. bundle: its default. writes: whether it makes artefacts of the run: then it is made
    sure first that the bundle takes them. The verb's help is the function's docstring.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    common = {name: kind for name, kind in _COMMON.items() if name not in without}
    defaults = {"bundle": bundle}

    @functools.wraps(function)
    def verb(**given: Any) -> None:
        as_json = given.pop("as_json")
        shared = {name: given.pop(name, {"seed": 0, "device": "cpu"}.get(name)) for name in _COMMON}
        train_file = given.get("train_file")
        opened = options(*shared.values(), *splits, train_file=train_file)
        if writes:
            opened.bundle.require_writable(opened.run)
        made = function(opened, **given)
        for one in made if isinstance(made, Iterable) else (made,):
            tell(one, as_json)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, keyword, default=defaults.get(name, default), annotation=kind)
        for name, (kind, default) in common.items()
    ]
    parameters += [one.replace(kind=keyword) for one in own]
    parameters.append(inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption))
    del verb.__wrapped__  # else typer would look at the function's own signature
    verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    verb.__annotations__ = {one.name: one.annotation for one in parameters}
    return verb


def tell(made: Manifest | Result, as_json: bool) -> None:
    """Prints which artefact was made with its summary, or what a verb found."""
    if not isinstance(made, Manifest):
        for sentence in made.remarks:
            typer.echo(sentence, err=True)
        print_result(made.as_dict(), as_json, made.sentence())
        return
    words = ", ".join(f"{name} {value}" for name, value in made.summary.items())
    record = {"artefact": str(made.key.path), "seconds": made.seconds, **made.summary}
    print_result(record, as_json, f"{made.key.path}: {words} ({made.seconds:.1f} s)")


def print_result(record: dict[str, Any], as_json: bool, sentence: str) -> None:
    """Prints one line of strict JSON, or the sentence."""
    # An undefined score is nan, for which JSON has no word but null.
    strict = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    typer.echo(json.dumps(strict, allow_nan=False) if as_json else sentence)
