"""The scores of a bundle beside the published ones: a row a condition, and the command for each that is missing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from explorer.analysis.intervals import sample_sd, seed_spread
from explorer.bert.names import MINILM_NAME
from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS, task_named
from explorer.store.bundle import Bundle, command_for
from explorer.store.paper import FULL, MAJORITY, Published, published
from explorer.store.schema import ALL_SEEDS, Key, Manifest, Run
from explorer.store.trajectories import TOGETHER, complete, seeds_with, tickets_of

METHODS, KINDS, STATES = ("structured", "super", "magnitude"), ("good", "random", "bad"), ("pruned", "retrained")
CONDITIONS = (FULL, MAJORITY, *(f"{m}/{k}/{s}" for m in METHODS for k in KINDS for s in STATES))
"""As explorer.store.paper names them."""
COLUMNS = ("mean", "sd", "low", "high", "n_seeds", "published_mean", "published_sd", "note", "missing")
_PREFIX = {"structured": "", "super": "super-", "magnitude": "magnitude-"}


@dataclass
class _Found:
    """What one condition is in the bundle."""

    scores: dict[int, float] = field(default_factory=dict)
    missing: list[Key] = field(default_factory=list)
    undefined: list[int] = field(default_factory=list)


def report_rows(bundle: Bundle, task: str, model: str = MINILM_NAME) -> pd.DataFrame:
    """A row a condition: mean over the seeds in the bundle, sample sd and t-interval; the published mean and sample sd.

    `missing` holds the command that makes what the bundle lacks, and for how many seeds. Scores are in the task's own
    unit; what is not there is nan. A super or retrained score counts only with the masks that the bundle now holds.
    """
    name = task_named(task).name
    seeds = seeds_with(bundle, model, name, "finetune")
    found = {condition: _Found() for condition in CONDITIONS}
    for seed in seeds:
        run = Run(model, name, seed)
        scores = _scores_of(bundle, run)
        for condition in CONDITIONS:
            if condition == MAJORITY:
                continue
            if condition not in scores:
                found[condition].missing.append(_key_of(bundle, run, condition))
            elif math.isnan(scores[condition]):
                found[condition].undefined.append(seed)
            else:
                found[condition].scores[seed] = scores[condition]
    first = Run(model, name, published().seeds[0])
    rows = []
    for condition, there in found.items():
        if not seeds and condition != MAJORITY:
            there.missing.append(Key(first, "finetune"))
        ours = _majority(bundle, Run(model, name, ALL_SEEDS)) if condition == MAJORITY else _ours(there)
        rows.append({"condition": condition, **ours, **_theirs(published(), condition, name)})
    return pd.DataFrame(rows)[["condition", *COLUMNS]]


def report_text(bundle: Bundle, task: str, model: str = MINILM_NAME) -> str:
    """The same for a terminal."""
    metric = TASKS[task_named(task).name].metric
    lines = [_texts(row, model) for row in report_rows(bundle, task, model).to_dict("records")]
    lines.insert(0, {name: name for name in lines[0]})
    widths = {name: max(len(line[name]) for line in lines) for name in lines[0]}
    padded = ["  ".join(line[name].ljust(width) for name, width in widths.items()).rstrip() for line in lines]
    head = (
        f"{task_named(task).name} ({metric}): {model} in {bundle.root} beside the published BERT-base; mean ± sample "
        "sd over seeds [95% t-interval of the mean]. Two models: compare patterns, not numbers."
    )
    return "\n".join([head, "", *padded])


def report_records(bundle: Bundle, task: str, model: str = MINILM_NAME) -> list[dict[str, Any]]:
    """The same as strict JSON takes it: what is nan is None."""
    read: list[dict[str, Any]] = json.loads(
        report_rows(bundle, task, model).to_json(orient="records", double_precision=15)
    )
    return read


def tasks_in(bundle: Bundle, model: str) -> tuple[str, ...]:
    """Tasks with a fine-tuned run; raises BadRequest where there is none."""
    if not bundle.root.is_dir():
        raise BadRequest(f"There is no bundle at {bundle.root}.", "Name another with --bundle.")
    tasks = tuple(task for task in TASKS if seeds_with(bundle, model, task, "finetune"))
    if not tasks:
        first = command_for(Key(Run(model, "MRPC", published().seeds[0]), "finetune"))
        raise BadRequest(f"{bundle.root} has no fine-tuned run of {model}.", f"Make one: `{first}`.")
    return tasks


def _scores_of(bundle: Bundle, run: Run) -> dict[str, float]:
    """Condition -> score of one run, for all that is there and not outdated."""
    finetuned = bundle.manifest(Key(run, "finetune"))

    def current(stage: str, variant: str = "") -> Manifest | None:
        manifest = complete(bundle, Key(run, stage, variant))
        return manifest if manifest and manifest.checkpoint_sha256 == finetuned.checkpoint_sha256 else None

    scores = {FULL: _number(finetuned.summary["score"])}
    trajectory, codes = current(*TOGETHER), {}
    tickets = {str(seed): code for seed, code in tickets_of(bundle, run).items()} if trajectory else {}
    if trajectory:
        scores["structured/good/pruned"] = _number(trajectory.summary["ticket_score"])
    if (manifest := current("subnetworks")) and trajectory:
        own = manifest.config["tickets"].get(str(run.seed)) == tickets[str(run.seed)]
        for row in bundle.read(manifest.key).table.to_dict("records"):
            method, kind = ("super", str(row["kind"])[6:]) if "super-" in row["kind"] else ("structured", row["kind"])
            if manifest.config["tickets"] == tickets or (own and method == "structured"):
                codes[str(row["kind"])] = row["mask"]
                scores[f"{method}/{kind}/pruned"] = float(row["score"])
    hashes = {}
    for kind in KINDS:
        if manifest := current("magnitude", kind):
            hashes[f"magnitude-{kind}"] = manifest.summary["weight_mask_sha256"]
            scores[f"magnitude/{kind}/pruned"] = _number(manifest.summary["ticket_score"])
    for method in METHODS:
        for kind in KINDS:
            name = f"{_PREFIX[method]}{kind}"
            if (manifest := current("retrained", name)) and _same_subnetwork(manifest.config, name, codes, hashes):
                scores[f"{method}/{kind}/retrained"] = _number(manifest.summary["score"])
    return scores


def _same_subnetwork(config: Mapping[str, Any], name: str, codes: Mapping[str, str], hashes: Mapping[str, str]) -> bool:
    return bool(config["mask"] == codes.get(name, "") and config["weight_mask_sha256"] == hashes.get(name, ""))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _key_of(bundle: Bundle, run: Run, condition: str) -> Key:
    """What has to be made for the condition of a run: for super ones in want of seeds, another seed's trajectory."""
    method, kind, state = condition.split("/")
    if method == "super":
        seeds = seeds_with(bundle, run.model, run.task, *TOGETHER)
        if len(seeds) < 2:
            other = next(seed for seed in published().seeds if seed not in (*seeds, run.seed))
            return Key(Run(run.model, run.task, other), *TOGETHER)
    if state == "retrained":
        return Key(run, "retrained", f"{_PREFIX[method]}{kind}")
    return Key(run, "magnitude", kind) if method == "magnitude" else Key(run, "subnetworks")


def _ours(found: _Found) -> dict[str, Any]:
    note = [f"Undefined for seed {', '.join(map(str, found.undefined))}."] if found.undefined else []
    row = _row(n_seeds=len(found.scores), missing=_commands(found.missing))
    if found.scores:
        spread = seed_spread(list(found.scores.values()))
        row |= {"mean": spread.mean, "sd": spread.sd, "low": spread.low, "high": spread.high}
        note += [spread.undefined] if spread.undefined else []
    return row | {"note": " ".join(note)}


def _majority(bundle: Bundle, run: Run) -> dict[str, Any]:
    key = Key(run, "baseline")
    manifest = complete(bundle, key)
    if not manifest:
        return _row(missing=_commands([key]))
    summary = manifest.summary
    sd = float(summary["sample_sd"]) if summary["draws"] else math.nan
    return _row(mean=_number(summary["score"]), sd=sd, note=str(summary["words"]))


def _row(**known: Any) -> dict[str, Any]:
    return dict.fromkeys(("mean", "sd", "low", "high"), math.nan) | {"n_seeds": 0, "note": "", "missing": ""} | known


def _commands(missing: list[Key]) -> str:
    """The first, and how many like it."""
    keys = list(dict.fromkeys(missing))
    if not keys:
        return ""
    return command_for(keys[0]) + (f" (and {len(keys) - 1} more seeds)" if len(keys) > 1 else "")


def _theirs(figures: Published, condition: str, task: str) -> dict[str, float]:
    try:
        score = figures.score(condition, task)
    except BadRequest:
        return {"published_mean": math.nan, "published_sd": math.nan}
    return {"published_mean": score.mean, "published_sd": sample_sd(score.population_sd, score.n_seeds)}


def _texts(row: Mapping[Any, Any], model: str) -> dict[str, str]:
    remarks = [str(row["note"]), f"missing: {row['missing']}" if row["missing"] else ""]
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
    """For one task, or for all that the bundle has: text, or one line of strict JSON."""
    bundle = Bundle(root)
    tasks = (task_named(task).name,) if task else tasks_in(bundle, model)
    if as_json:
        rows = {name: report_records(bundle, name, model) for name in tasks}
        return json.dumps({"bundle": str(root), "model": model, "tasks": rows}, allow_nan=False)
    return "\n\n".join(report_text(bundle, name, model) for name in tasks)
