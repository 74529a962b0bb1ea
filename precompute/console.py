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

from explorer.bert.model_names import MINILM, name_in_bundle
from explorer.errors import BadRequest
from explorer.glue.own_data import METRICS, OwnTask
from explorer.glue.own_rows import Place, Reading
from explorer.paths import expanded
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Manifest, Run
from explorer.store.stages import Split
from precompute.options import Defining, OwnGiven, as_read, options, refuse_glue_dir

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
TaskOption = Annotated[str, typer.Option("--task", help="A GLUE task, e.g. MRPC, or the name of your own.")]
_COMMON: dict[str, tuple[Any, Any]] = {
    "task": (TaskOption, inspect.Parameter.empty),
    "seed": (SeedOption, 1337),
    "model": (ModelOption, MINILM),
    "bundle": (BundleOption, RUNS),
    "glue_dir": (GlueOption, None),
    "device": (Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")], "auto"),
}
"""Name -> type and default of what every verb on a run takes; declared here and nowhere else."""


def _on_data(flag: str, words: str, kind: Any = str, default: Any = "") -> tuple[Any, Any]:
    return Annotated[kind, typer.Option(flag, help=words, rich_help_panel="A task from your own data")], default


_ON_DATA: dict[str, tuple[Any, Any]] = {
    "own_data": _on_data("--data", "CSV, TSV, JSONL or Parquet, or hub:NAME[:CONFIG]."),
    "own_dev": _on_data("--dev", "The dev set, a file too."),
    "own_text": _on_data("--text", "The text column, or two: a,b."),
    "own_label": _on_data("--label", "The label column.", default="label"),
    "own_metric": _on_data("--metric", ", ".join(METRICS)),
    "own_classes": _on_data("--classes", "Labels in the order of the classes, each with a name: '0=bad,1=good'."),
    "own_share": _on_data("--dev-share", "Share of --data that is the dev set.", float | None, None),
    "own_split_seed": _on_data("--split-seed", "Draws that share. Default: 0.", int | None, None),
}
"""Name -> type and default of what says where data of one's own lie and how they are read."""


def own_given(given: dict[str, Any], *, trains: bool = True) -> OwnGiven | None:
    """Takes the options of `_ON_DATA` out of those given; None where no data are named.

    trains: whether the verb may train; else a file by itself is the dev set. Raises BadRequest where the columns are
    said, and not of what, and where a seed draws nothing.
    """
    said = {name: given.pop(name, default) for name, (_, default) in _ON_DATA.items()}
    changed = [name for name, (_, default) in _ON_DATA.items() if said[name] != default and name != "own_data"]
    if not said["own_data"]:
        if changed:
            raise BadRequest("Nothing names the data that these options are about.", "Give --data FILE too.")
        return None
    if said["own_split_seed"] is not None and said["own_share"] is None:
        raise BadRequest(
            "--split-seed draws the share that --dev-share names.", "Give --dev-share 0.2 too, or neither."
        )
    classes = [part.partition("=") for part in _listed(said["own_classes"])]
    pairs = tuple((raw.strip(), (name or raw).strip()) for raw, _, name in classes)
    reading = Reading(
        tuple(_listed(said["own_text"])),
        said["own_label"],
        said["own_metric"],
        pairs,
        said["own_share"],
        said["own_split_seed"] or 0,
        not trains and not said["own_dev"] and said["own_share"] is None,
    )
    return OwnGiven(Place(said["own_data"], said["own_dev"]), reading)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def data_parameters(own: Iterable[str] = ()) -> list[inspect.Parameter]:
    """Makes the parameters of the options on data of one's own, for the signature of a verb.

    own: names of the verb's own options; where one is called data, the file is --task-data.
    """
    told = dict(_ON_DATA)
    if "data" in own:
        words = "As --data of the other verbs: CSV, TSV, JSONL or Parquet, or hub:NAME[:CONFIG]."
        told["own_data"] = _on_data("--task-data", words)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(name, keyword, default=default, annotation=kind) for name, (kind, default) in told.items()
    ]


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
    of_model: bool = False,
) -> Callable[..., None]:
    """Turns a function of (options, its own parameters) into a verb with the common options and --json.

    splits: the data that it will read, so that what is wrong with it is told first. without: common options that mean
    nothing to it. bundle: its default. writes: whether it makes artefacts of the run: then it is made
    sure first that the bundle takes them. of_model: whether labels of data of one's own are those of the model that is
    given, as for `open`: matched by name, never guessed. The verb's help is the function's docstring.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    common = {name: kind for name, kind in _COMMON.items() if name not in without}
    defaults = {"bundle": bundle}
    reads_data = "glue_dir" not in without

    @functools.wraps(function)
    def verb(**given: Any) -> None:
        as_json = given.pop("as_json")
        shared = {name: given.pop(name, {"seed": 0, "device": "cpu"}.get(name)) for name in _COMMON}
        train_file = given.get("train_file")
        data = own_given(given, trains=writes) if reads_data else None
        defining = _of_model(shared["model"], shared["bundle"], shared["seed"]) if of_model else as_read
        opened = options(*shared.values(), *splits, train_file=train_file, own=data, defining=defining, writes=writes)
        refuse_glue_dir(opened.glue_dir, opened.task)
        if writes:
            opened.bundle.require_writable(opened.run)
        if "train" in splits:
            remark(opened.doubts())
        made = function(opened, **given)
        for one in made if isinstance(made, Iterable) else (made,):
            tell(one, as_json)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, keyword, default=defaults.get(name, default), annotation=kind)
        for name, (kind, default) in common.items()
    ]
    parameters += [one.replace(kind=keyword) for one in own]
    parameters += data_parameters(one.name for one in own) if reads_data else []
    parameters.append(inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption))
    del verb.__wrapped__  # else typer would look at the function's own signature
    verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    verb.__annotations__ = {one.name: one.annotation for one in parameters}
    return verb


def _of_model(model: str, bundle: Path, seed: int) -> Defining:
    """How a task of one's own is made for a verb that takes a fine-tuned model: with that model's classes."""

    def defining(name: str, own: OwnGiven) -> OwnTask:
        from precompute.bundle.model_classes import matched  # late: help comes without it

        run = Run(name_in_bundle(model), name, seed)
        if Bundle(expanded(bundle)).has(Key(run, "finetune")):  # its classes are those of its task
            return as_read(name, own)
        return matched(name, model, own)[0]

    return defining


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


def remark(sentences: Iterable[str]) -> None:
    """Prints sentences beside the result, on stderr."""
    for sentence in sentences:
        typer.echo(sentence, err=True)
