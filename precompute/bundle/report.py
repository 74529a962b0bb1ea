"""The report on paper: our scores beside the published ones as text, or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.bert.model_names import MINILM_NAME
from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS
from explorer.store.bundle import Bundle
from explorer.store.own_tasks import own_tasks, task_as_typed
from explorer.store.paper.published import published
from explorer.store.runs_of_task import seeds_with
from explorer.store.schema import Key, Run
from explorer.study.report import more_words, report_rows


def report_text(bundle: Bundle, task: str, model: str = MINILM_NAME) -> str:
    """Formats the report of a task for a terminal."""
    known = task_as_typed(bundle.root, task)
    lines = [_texts(row, model) for row in report_rows(bundle, task, model).to_dict("records")]
    lines.insert(0, {name: name for name in lines[0]})
    widths = {name: max(len(line[name]) for line in lines) for name in lines[0]}
    padded = ["  ".join(line[name].ljust(width) for name, width in widths.items()).rstrip() for line in lines]
    head = (
        f"{known.name} ({known.metric}): {model} in {bundle.root} beside the published BERT-base; mean ± sample "
        "sd over seeds [95% t-interval of the mean]. Two models: compare patterns, not numbers."
    )
    return "\n".join([head, "", *padded])


def report_records(bundle: Bundle, task: str, model: str = MINILM_NAME) -> list[dict[str, Any]]:
    """Gives the report of a task as strict JSON takes it: what is nan is None."""
    read: list[dict[str, Any]] = json.loads(
        report_rows(bundle, task, model).to_json(orient="records", double_precision=15)
    )
    return read


def tasks_in(bundle: Bundle, model: str) -> tuple[str, ...]:
    """Tasks with a fine-tuned run; raises BadRequest where there is none."""
    if not bundle.root.is_dir():
        raise BadRequest(f"There is no bundle at {bundle.root}.", "Name another with --bundle.")
    tasks = tuple(task for task in (*TASKS, *own_tasks(bundle.root)) if seeds_with(bundle, model, task, "finetune"))
    if not tasks:
        first = bundle.command_for(Key(Run(model, "MRPC", published().seeds[0]), "finetune"))
        raise BadRequest(f"{bundle.root} has no fine-tuned run of {model}.", f"Make one: `{first}`.")
    return tasks


def _texts(row: Mapping[Any, Any], model: str) -> dict[str, str]:
    more = more_words(row["more_missing"])
    missing = f"missing{f', {more}' if more else ''}: {row['missing']}" if row["missing"] else ""
    remarks = [str(row["note"]), missing]
    return {
        "condition": str(row["condition"]),
        model: _words(row["mean"], row["sd"], row["low"], row["high"]),
        "seeds": str(row["n_seeds"] or "-"),
        "BERT-base": _words(row["published_mean"], row["published_sd"]),
        "": " ".join(words for words in remarks if words),
    }


def _words(mean: float, sd: float, low: float = math.nan, high: float = math.nan) -> str:
    if math.isnan(mean):
        return "-"
    words = f"{mean:.3f}" + ("" if math.isnan(sd) else f" ± {sd:.3f}")
    return words if math.isnan(low) else f"{words} [{low:.3f}, {high:.3f}]"


def printed_report(root: Path, task: str, model: str, *, as_json: bool) -> str:
    """Formats the report for one task, or for all that the bundle has: text, or one line of strict JSON."""
    bundle = Bundle(root)
    wanted = task_as_typed(bundle.root, task).name if task else ""
    there = tasks_in(bundle, model)  # refuses a model that the bundle does not know
    tasks = (wanted,) if wanted else there
    if as_json:
        rows = {name: report_records(bundle, name, model) for name in tasks}
        return json.dumps({"bundle": str(root), "model": model, "tasks": rows}, allow_nan=False)
    return "\n\n".join(report_text(bundle, name, model) for name in tasks)
