"""The verb `open`: from a fine-tuned classifier and data to a bundle with its study, in one command."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.errors import BadRequest
from explorer.glue.own_rows import Place
from explorer.glue.tasks import TASKS
from explorer.paths import expanded
from explorer.store.bundle import Bundle
from explorer.store.own_tasks import own_tasks, task_of
from explorer.study.words import counted
from precompute.console import (
    RUNS,
    BundleOption,
    JsonOption,
    data_parameters,
    own_given,
    print_result,
    remark,
)
from precompute.options import Options, keep, resolved_device
from precompute.run.worker import be_quiet

_TASK = Annotated[str, typer.Option("--task", help="What your task is called. Default: as the data file.")]
_MODEL = Annotated[str, typer.Option("--model", help="A fine-tuned classifier: a folder, or a Hub id.")]
_SEED = Annotated[int, typer.Option("--seed", help="Only a name: tells runs of one model and task apart.")]
_DEVICE = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]


def open_model(**given: Any) -> None:
    """Open a fine-tuned BERT classifier on data of your own: score it, prune it, and see it in the app.

    The model is taken as it is; nothing is trained. Stopped, the same command goes on.
    """
    be_quiet()  # one bar for all; tqdm asks when it is imported
    as_json, seed, model, device = (given.pop(name) for name in ("as_json", "seed", "model", "device"))
    root = expanded(given.pop("bundle"))
    typed = given.pop("task")
    own = own_given(given, trains=False)
    if own is None and not (typed and typed in own_tasks(root)):
        raise BadRequest("Nothing names the data that the model is scored on.", "Give --data FILE and --text COLUMN.")
    name = typed or task_name(own.place if own else Place(""))
    if not 0 <= seed < 2**31:
        raise BadRequest(f"The seed {seed} is not from 0 to {2**31 - 1}.")
    from precompute.bundle.model_classes import matched  # late: help comes without it

    remarks: tuple[str, ...] = ()
    if own is None:
        task, place = task_of(root, name), None
    else:
        defined, remarks = matched(name, model, own)
        task, place = defined.task, own.place
    opened = Options(task, seed, model, Bundle(root), None, "cpu", place)
    opened.bundle.require_writable(opened.run)
    if place is not None:
        keep(root, task, place, writes=True)
    remark(remarks)
    from explorer.glue.encoding import cut_sentence
    from precompute.bundle.opening import make_all

    ready = Options(task, seed, model, opened.bundle, None, resolved_device(device), place)
    made = make_all(ready, quiet=as_json, tell=remark)
    if cut := made["finetune"].summary.get("cut"):
        remark([cut_sentence(int(cut), task.dev_rows, int(made["finetune"].summary["cut_at"]))])
    show = f"EXPLORER_BUNDLE={shlex.quote(str(root))} make demo"
    full, ticket = made["finetune"].summary["score"], made["structured"].summary
    record = {"run": str(opened.run.path), "score": full, "artefacts": [str(one.key.path) for one in made.values()]}
    parts = f"{counted(ticket['heads_kept'], 'head')} and {counted(ticket['mlps_kept'], 'MLP')}"
    kept = f"{parts} at {ticket['ticket_score']:.3f}"
    words = f"{opened.run.path}: {task.metric} {full:.3f} on {task.dev_rows:,} examples; its good ticket keeps {kept}."
    print_result(record | {"show": show}, as_json, f"{words}\nOpen the app on it: {show}")


def task_name(place: Place) -> str:
    """Makes a name for a task of its data: 'my reviews.csv' is my-reviews."""
    stem = place.data.partition(":")[2] if place.data.startswith("hub:") else Path(place.data).stem
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-._")[:64]
    return f"own-{name}" if name.lower() in {task.lower() for task in TASKS} else name or "own-data"


def _signature() -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    told: dict[str, tuple[Any, Any]] = {
        "model": (_MODEL, inspect.Parameter.empty),
        "task": (_TASK, ""),
        "seed": (_SEED, 0),
        "bundle": (BundleOption, RUNS),
        "device": (_DEVICE, "auto"),
    }
    parameters = [inspect.Parameter(name, keyword, default=of, annotation=kind) for name, (kind, of) in told.items()]
    parameters += data_parameters()
    return inspect.Signature([*parameters, inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption)])


open_model.__signature__ = _signature()  # type: ignore[attr-defined]
open_model.__annotations__ = {one.name: one.annotation for one in open_model.__signature__.parameters.values()}  # type: ignore[attr-defined]
