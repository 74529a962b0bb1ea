"""The verbs of the stages, made from the register: a stage's file has a function `make`, and that is all."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import typer

from explorer.store.schema import ALL_SEEDS, Key, Manifest
from explorer.store.stages import Option, Stage, stage_named
from precompute.console import on_a_run
from precompute.options import Options
from precompute.same_model import require_same_model


def make(options: Options, stage: Stage, **given: Any) -> Manifest:
    """Runs a stage; its module is imported now, since most bring torch with them. Where another process makes the same
    artefact, it says so and waits for that.

    Raises BadRequest on a value that an option does not take and on another model than the bundle's of that name, and
    whatever the stage raises.
    """
    stage.check(given)
    require_same_model(options)
    module = importlib.import_module(f"precompute.stages.{stage.verb.replace('-', '_')}")
    with options.bundle.sole_writer(key_made(options, stage, given), on_wait=_tell):
        made: Manifest = module.make(replace(options, given=given), **given)
        if made.complete:
            options.bundle.clear_work(made.key)  # left where a call was killed after its last write
    return made


def key_made(options: Options, stage: Stage, given: Mapping[str, object]) -> Key:
    """Names the artefact that a stage makes with these options of its own."""
    variant = stage.variant_of(given)
    once = stage.is_over_seeds(variant)
    return Key(replace(options.run, seed=ALL_SEEDS) if once else options.run, stage.name, variant)


def _tell(words: str) -> None:
    typer.echo(words, err=True)


def make_artefact(options: Options, key: Key, **more: Any) -> Manifest:
    """Makes one artefact of the study by its key; more: options of its stage beside those that name the variant."""
    stage = stage_named(key.stage)
    return make(options, stage, **stage.options_of(key.variant), **more)


def verb_of(stage: Stage) -> Callable[..., None]:
    """Makes the command-line function of a stage: the common options and the stage's own, choices checked by typer."""

    def run(options: Options, **given: Any) -> Manifest:
        return make(options, stage, **{name: value for name, value in given.items() if value is not None})

    run.__doc__ = stage.help
    run.__name__ = stage.verb
    first = inspect.Parameter("options", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Options)
    run.__signature__ = inspect.Signature([first, *map(_parameter, stage.options)])  # type: ignore[attr-defined]
    # Where no option names the training file, the run's fine-tuning does: the stage reads it when it has read that.
    named = any(option.name == "train_file" for option in stage.options)
    read_first = [split for split in stage.splits if split != "train" or named]
    return on_a_run(run, *read_first, without=_meaningless(stage), writes=True)


def _meaningless(stage: Stage) -> Sequence[str]:
    once_a_task = bool(stage.over_seeds) and not stage.variants
    return [*(["glue_dir"] if not stage.splits else []), *(["seed", "device"] if once_a_task else [])]


def _parameter(option: Option) -> inspect.Parameter:
    kind: Any = Literal[option.values] if option.values else option.kind | None
    default = option.values[0] if option.values else None
    annotation = Annotated[kind, typer.Option(option.flag, help=option.help)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
