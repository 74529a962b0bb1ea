"""Commands as a person may paste them: verb, task, seed, model and bundle, quoted for a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.stages import stage_named

PROGRAM = "python -m precompute"


def command_for(key: Key, bundle: Path | str = "", source: str = "", train_file: str = "") -> str:
    """Writes the command line that makes an artefact.

    bundle: where it is to be written; '' leaves it to the program's default. source: the folder or Hub id that the
    run's model came from, where it is known; by default the model's name in the bundle, which is enough for every
    stage but the first. train_file: another training file than the task's own, where it was made with one.
    """
    stage = stage_named(key.stage)
    if stage.imported:
        return import_command(bundle)
    parts = [PROGRAM, stage.verb, *_run(key.run)]
    options = stage.options_of(key.variant)
    for option in stage.options:
        if option.name in options:
            parts += [option.flag, shlex.quote(options[option.name])]
        elif option.name == "train_file" and train_file:
            parts += [option.flag, shlex.quote(train_file)]
    return " ".join([*parts, *_place(key.run, bundle, source)])


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
