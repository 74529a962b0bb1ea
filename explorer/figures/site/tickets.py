"""The tickets of a task as HTML: every kind pruned and retrained, over seeds, seed by seed, and two by two, paired."""

from __future__ import annotations

import html
import math

from explorer.figures.site.document import heading, markdown, panels, table
from explorer.figures.site.strips import Strip, key, strips
from explorer.stats.effects import Evidence
from explorer.store.paper.published import FULL, MAJORITY
from explorer.study.conditions import STATES, TICKET_KINDS
from explorer.study.task_sheet import TaskSheet
from explorer.study.ticket_words import (
    KEPT,
    METHODS,
    PAIRS,
    STATE_NAMES,
    about_words,
    in_words,
    notes_words,
    pair_rows,
    paired_by_words,
    seed_rows,
)
from explorer.study.words import model_name, seeds

_NAN = math.nan


def tickets(sheet: TaskSheet) -> str:
    """One panel a way of pruning that the bundle has scores for; '' where it has none."""
    methods = [method for method in METHODS if _is_there(sheet, method)]
    return panels("Pruned", {METHODS[method]: _method(sheet, method) for method in methods}) if methods else ""


def _is_there(sheet: TaskSheet, method: str) -> bool:
    names = [f"{method}/{kind}/{state}" for kind in TICKET_KINDS for state in STATES]
    return any(sheet.report[name]["n_seeds"] for name in names)


def _states_of(sheet: TaskSheet, method: str) -> tuple[str, ...]:
    """Pruned and retrained; pruned alone where no ticket of this model can ever be retrained."""

    def never(state: str) -> bool:
        rows = [sheet.report[f"{method}/{kind}/{state}"] for kind in TICKET_KINDS]
        return all(not row["n_seeds"] and str(row["note"]).startswith("Cannot be made") for row in rows)

    return tuple(state for state in STATES if not never(state))


def _method(sheet: TaskSheet, method: str) -> str:
    states = _states_of(sheet, method)
    metric = sheet.task.metric_words
    full, line = _ours(sheet, FULL), sheet.majority
    theirs = not sheet.imported and not math.isnan(_theirs(sheet, FULL).mean)
    rows = [
        Strip(f"{kind}, {STATE_NAMES[state].lower()}", state, _ours(sheet, name), _theirs(sheet, name))
        for state in states
        for kind in TICKET_KINDS
        if (name := f"{method}/{kind}/{state}")
    ]
    drawn = strips(
        rows,
        full=full.mean,
        majority=line.score if line else _NAN,
        majority_title=line.title if line else "",
        label=f"{metric} of good, random and bad tickets, {' and '.join(states)}; the table has the numbers",
    )
    compare = " Two models: compare the pattern, not the numbers." if theirs else ""
    always = f" {line.title.capitalize()}: {line.words}." if line else ""
    n = sheet.claims.n_examples
    examples = f" on {n:,} dev examples" if n else ""
    caption = f"{metric.capitalize()}{examples}, over seeds"
    note = f"{always}{compare}".strip()
    parts = [
        markdown(about_words(method, sheet.run.task, retrains="retrained" in states)),
        f"<figure>{drawn}<figcaption>{key(single=bool(sheet.by_seed), theirs=theirs)}</figcaption></figure>",
        table(caption, _condition_rows(sheet, method, theirs=theirs)),
        f'<p class="s-quiet">{html.escape(note)}</p>' if note else "",
    ]
    if sheet.by_seed:
        parts += [heading(3, "Seed by seed, and compared on the same examples"), _states(sheet, method, metric)]
    else:
        parts.append(
            markdown("These scores were imported as means over seeds: there are no single seeds to show or to pair.")
        )
    return "\n".join(parts)


def _condition_rows(sheet: TaskSheet, method: str, *, theirs: bool) -> list[dict[str, str]]:
    names = {"full model": FULL}
    for state in _states_of(sheet, method):
        names |= {f"{kind}, {STATE_NAMES[state].lower()}": f"{method}/{kind}/{state}" for kind in TICKET_KINDS}
    rows = []
    for words, name in names.items():
        ours = sheet.report[name]
        row = {
            "ticket": words,
            "mean": _number(ours["mean"]),
            "95% t-interval": "" if math.isnan(ours["low"]) else f"{ours['low']:.3f} to {ours['high']:.3f}",
            "sample sd": _number(ours["sd"]),
            "seeds": str(ours["n_seeds"] or ""),
        }
        published = {"BERT-base, 5 seeds": _with_sd(sheet.report[name])} if theirs else {}
        rows.append(row | published)
    line = sheet.majority
    baseline = {"ticket": line.title if line else "majority class", "mean": _number(line.score if line else _NAN)}
    beside = {"BERT-base, 5 seeds": _with_sd(sheet.report[MAJORITY])} if theirs else {}
    return [*rows, baseline | beside]


def _states(sheet: TaskSheet, method: str, metric: str) -> str:
    states = _states_of(sheet, method)
    return panels("Scores", {STATE_NAMES[state]: _seeds(sheet, method, state, metric) for state in states})


def _seeds(sheet: TaskSheet, method: str, state: str, metric: str) -> str:
    rows = seed_rows(sheet.by_seed, method, state, sheet.run.model, lambda _seed: sheet.shape)
    n = max((one.n for scores in sheet.by_seed.values() for one in scores.values()), default=0)
    caption = f"{metric.capitalize()} with its 95% interval over {n:,} dev examples, {STATE_NAMES[state].lower()}"
    parts = [table(caption, rows, {"kept": KEPT[method == "magnitude"]})]
    if notes := notes_words(method, sheet.by_seed):
        parts.append(markdown(notes))
    paired = {(a, b): sheet.paired(f"{method}/{a}/{state}", f"{method}/{b}/{state}") for a, b in PAIRS}
    if any(paired.values()):
        compared = pair_rows(sheet.by_seed, method, state, paired)
        parts.append(table(f"Paired differences of {metric}, {STATE_NAMES[state].lower()}", compared))
        parts += [markdown(in_words(paired)), markdown(paired_by_words(len(compared), len(sheet.by_seed)))]
    else:
        parts.append(markdown(f"No two tickets have a score {STATE_NAMES[state].lower()}: nothing can be compared."))
    return "\n".join(parts)


def _ours(sheet: TaskSheet, name: str) -> Evidence:
    row = sheet.report[name]
    known = {seed: scores[name].score for seed, scores in sheet.by_seed.items() if name in scores}
    known = {seed: score for seed, score in known.items() if not math.isnan(score)}
    low, high = float(row["low"]), float(row["high"])
    return Evidence(float(row["mean"]), float(row["sd"]), int(row["n_seeds"]), low, high, known)


def _theirs(sheet: TaskSheet, name: str) -> Evidence:
    row = sheet.report[name]
    if sheet.imported:  # then they are its own
        return Evidence()
    return Evidence(float(row["published_mean"]), float(row["published_sd"]), 5)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _with_sd(row: dict[str, float]) -> str:
    mean, sd = float(row["published_mean"]), float(row["published_sd"])
    if math.isnan(mean):
        return ""
    return f"{mean:.3f}" + ("" if math.isnan(sd) else f" ± {sd:.3f}")


def rests_on(sheet: TaskSheet) -> str:
    """'MiniLM-L6, 5 seeds'."""
    return f"{model_name(sheet.run.model)}, {seeds(len(sheet.seeds))}"
