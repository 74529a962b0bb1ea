"""Commands as a person may paste them: verb, task, seed, model and bundle, quoted for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.stages import stage_named

PROGRAM = "python -m precompute"
_NOTHING: Mapping[str, object] = MappingProxyType({})


def command_for(key: Key, bundle: Path | str = "", source: str = "", given: Mapping[str, object] = _NOTHING) -> str:
    """Writes the command line that makes an artefact.

    bundle: where it is to be written; '' leaves it to the program's default. source: the folder or Hub id that the
    run's model came from, where it is known; by default the model's name in the bundle, which is enough for every
    stage but the first. given: options of the stage, name -> value, that its variant does not tell.
    """
    stage = stage_named(key.stage)
    if stage.imported:
        return import_command(bundle)
    parts = [PROGRAM, stage.verb, *_run(key.run)]
    told = stage.options_of(key.variant)
    for option in stage.options:
        usual = (None, "", *option.values[:1])
        value = told.get(option.name) or given.get(option.name)
        if option.name in told or value not in usual:
            parts += [option.flag, shlex.quote(str(value))]
    return " ".join([*parts, *_place(key.run, bundle, source)])


def given_in(command: str, stage: str) -> dict[str, str]:
    """Reads the options of a stage, name -> value, from a command that made one of its artefacts; {} of another's."""
    try:
        words = shlex.split(command)
    except ValueError:  # of an unclosed quotation
        return {}
    following = dict(pairwise(words))
    return {one.name: following[one.flag] for one in stage_named(stage).options if one.flag in following}


def import_command(bundle: Path | str = "") -> str:
    """Writes the command that imports the authors' files; CLONE stands for a clone of their repository."""
    return f"{PROGRAM} import-paper CLONE --out {shlex.quote(str(bundle)) if str(bundle) else 'DIR'}"


def study_command(run: Run, bundle: Path | str = "", source: str = "") -> str:
    """Writes the command that makes whatever is missing of a run, and goes on where it was stopped."""
    return run_command("study", run, bundle=bundle, source=source)


def open_command(run: Run, bundle: Path | str = "", source: str = "") -> str:
    """Writes the command that opens a fine-tuned model as it is, on data that are known on this machine."""
    return run_command("open", run, bundle=bundle, source=source)


def run_command(verb: str, run: Run, *more: str, bundle: Path | str = "", source: str = "") -> str:
    """Writes the command line of a verb on a run. more: words of its own. bundle, source: as `command_for` takes them.

    For 'score' and 'export' of a run in a bundle leave `source` out: they want the fine-tuned model, not what it was
    made from.
    """
    return " ".join([PROGRAM, verb, *_run(run), *map(shlex.quote, more), *_place(run, bundle, source)])


def _run(run: Run) -> list[str]:
    seed = [] if run.seed == ALL_SEEDS else ["--seed", str(run.seed)]
    return ["--task", shlex.quote(run.task), *seed]


def _place(run: Run, bundle: Path | str, source: str) -> list[str]:
    model = source or (MINILM if run.model == MINILM_NAME else run.model)
    where = ["--bundle", shlex.quote(str(bundle))] if str(bundle) else []
    return ["--model", shlex.quote(model), *where]
