"""The scores of a bundle beside the published ones: a row a condition, and the command for each that is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from explorer.bert.model_names import MINILM_NAME
from explorer.errors import BadRequest
from explorer.stats.intervals import SeedSpread, sample_sd, seed_spread, spread_of_summary
from explorer.store.bundle import Bundle
from explorer.store.commands import import_command
from explorer.store.own_tasks import task_as_typed
from explorer.store.paper.published import MAJORITY, Published, published
from explorer.store.runs_of_task import TOGETHER, complete, seeds_with
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.study.conditions import CONDITIONS, PREFIX, ConditionScore, study_scores
from explorer.study.fitting import sorted_out

Report = dict[str, dict[Any, Any]]
COLUMNS = ("mean", "sd", "low", "high", "n_seeds", "published_mean", "published_sd", "note", "missing", "more_missing")


@dataclass
class _Found:
    """Scores of one condition that the bundle has, and what it lacks."""

    scores: dict[int, float] = field(default_factory=dict)
    missing: list[Key] = field(default_factory=list)
    undefined: list[int] = field(default_factory=list)


def report_rows(
    bundle: Bundle,
    task: str,
    model: str = MINILM_NAME,
    by_seed: Mapping[int, Mapping[str, ConditionScore]] | None = None,
) -> pd.DataFrame:
    """A row a condition: mean over the seeds in the bundle, sample sd and t-interval; the published mean and sample sd.

    `missing` holds the command that makes the first part that the bundle lacks, fit to be pasted; `more_missing` how
    many more are lacking that each takes a command of its own. Scores are in the task's own
    unit; what is not there is nan. `by_seed`: study_scores of the same, where they are known already. A model that was
    not fine-tuned here but imported from the authors' files has their means and no seeds of its own.
    """
    name = task_as_typed(bundle.root, task).name
    everyone = Run(model, name, ALL_SEEDS)
    scores = study_scores(bundle, model, name) if by_seed is None else by_seed
    imported = complete(bundle, Key(everyone, "published-scores"))
    if imported and not scores:
        ours = _imported(bundle.read(imported.key).table, import_command(bundle.called or bundle.root))
    else:
        ours = {condition: _ours(bundle, found) for condition, found in _found(bundle, model, name, scores).items()}
        ours[MAJORITY] = _majority(bundle, everyone)
    rows = [
        {"condition": condition, **ours[condition], **_theirs(published(), condition, name)} for condition in CONDITIONS
    ]
    return pd.DataFrame(rows)[["condition", *COLUMNS]]


def by_condition(rows: pd.DataFrame) -> Report:
    """Condition -> column -> value, from report_rows."""
    return {str(row.pop("condition")): row for row in rows.to_dict("records")}


def _found(
    bundle: Bundle, model: str, task: str, by_seed: Mapping[int, Mapping[str, ConditionScore]]
) -> dict[str, _Found]:
    pruned = seeds_with(bundle, model, task, *TOGETHER)
    found = {condition: _Found() for condition in CONDITIONS if condition != MAJORITY}
    for condition, there in found.items():
        for seed, scores in by_seed.items():
            if condition not in scores:
                there.missing.append(_key_of(Run(model, task, seed), condition, pruned))
            elif math.isnan(scores[condition].score):
                there.undefined.append(seed)
            else:
                there.scores[seed] = scores[condition].score
        if not by_seed:
            there.missing.append(Key(Run(model, task, published().seeds[0]), "finetune"))
    return found


def _imported(table: pd.DataFrame, command: str) -> dict[str, dict[str, Any]]:
    """Report rows from the authors' own means and population standard deviations."""
    rows = {condition: _row(missing=command) for condition in CONDITIONS}
    for row in table[table["is_task_metric"]].to_dict("records"):
        n, population_sd = int(row["n_seeds"]), float(row["population_sd"])
        if row["condition"] not in rows:
            continue
        if math.isnan(population_sd):
            rows[row["condition"]] = _row(mean=row["mean"], n_seeds=n, note="No spread was published.")
            continue
        spread = spread_of_summary(row["mean"], sample_sd(population_sd, n), n)
        rows[row["condition"]] = _row(**_spread_columns(spread), n_seeds=n, note=spread.undefined)
    return rows


def _key_of(run: Run, condition: str, pruned: Sequence[int]) -> Key:
    """Names what has to be made for the condition of a run: for super ones in want of seeds, another seed's pruning
    path.

    pruned: the task's seeds that have one.
    """
    method, kind, state = condition.split("/")
    if method == "super" and len(pruned) < 2:
        other = next(seed for seed in published().seeds if seed not in (*pruned, run.seed))
        return Key(Run(run.model, run.task, other), *TOGETHER)
    if method != "magnitude" and run.seed not in pruned:
        return Key(run, *TOGETHER)
    if state == "retrained":
        return Key(run, "retrained", f"{PREFIX[method]}{kind}")
    return Key(run, "magnitude", kind) if method == "magnitude" else Key(run, "subnetworks")


def _ours(bundle: Bundle, found: _Found) -> dict[str, Any]:
    note = [f"Undefined for seed {', '.join(map(str, found.undefined))}."] if found.undefined else []
    note += [f"Cannot be made: {why}." for why in sorted_out(bundle, found.missing)[1]]
    row = _row(n_seeds=len(found.scores), **_lacking(bundle, found.missing))
    if found.scores:
        spread = seed_spread(list(found.scores.values()))
        row |= _spread_columns(spread)
        note += [spread.undefined] if spread.undefined else []
    return row | {"note": " ".join(note)}


def _spread_columns(spread: SeedSpread) -> dict[str, float]:
    return {"mean": spread.mean, "sd": spread.sd, "low": spread.low, "high": spread.high}


def _majority(bundle: Bundle, run: Run) -> dict[str, Any]:
    key = Key(run, "baseline")
    manifest = complete(bundle, key)
    if not manifest:
        return _row(**_lacking(bundle, [key]))
    summary = manifest.summary
    sd = float(summary["sample_sd"]) if summary["draws"] else math.nan
    return _row(mean=float(summary["score"]), sd=sd, note=str(summary["words"]))


def _row(**known: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("mean", "sd", "low", "high"), math.nan) | {"n_seeds": 0, "note": ""}
    return nothing | _NOTHING_LACKING | known


_NOTHING_LACKING: dict[str, Any] = {"missing": "", "more_missing": 0}


def _lacking(bundle: Bundle, missing: list[Key]) -> dict[str, Any]:
    """The command for the first missing artefact that can be made, and how many more there are."""
    keys, _ = sorted_out(bundle, list(dict.fromkeys(missing)))
    return {"missing": bundle.command_for(keys[0]), "more_missing": len(keys) - 1} if keys else _NOTHING_LACKING


def more_words(more: int) -> str:
    """The remark beside the command of a report's row: 'and so for 2 more seeds'; '' where it is the only one."""
    return f"and so for {more} more {'seed' if more == 1 else 'seeds'}" if more else ""


def _theirs(figures: Published, condition: str, task: str) -> dict[str, float]:
    try:
        score = figures.score(condition, task)
    except BadRequest:
        return {"published_mean": math.nan, "published_sd": math.nan}
    return {"published_mean": score.mean, "published_sd": sample_sd(score.population_sd, score.n_seeds)}
