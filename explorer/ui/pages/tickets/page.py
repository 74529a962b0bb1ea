"""Page: what good, random, bad and super tickets score, pruned and retrained, ours beside the published."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from explorer.figures.print.tables import bars_table
from explorer.figures.tickets import Bar, shared_range, ticket_bars
from explorer.glue.metrics import METRIC_WORDS
from explorer.mask import Mask
from explorer.stats.sizes import Size, size_of
from explorer.store.paper.published import FULL, MAJORITY
from explorer.store.schema import Run
from explorer.store.task_tickets import shape_of
from explorer.study.claims import few_seeds
from explorer.study.conditions import STATES, TICKET_KINDS, ConditionScore
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.report import Report, more_words
from explorer.ui import cached, state
from explorer.ui.as_text import code, plain
from explorer.ui.pages.tickets import pairs, transfer
from explorer.ui.pages.tickets.pairs import STATE_NAMES
from explorer.ui.view import View
from explorer.ui.widgets import degenerate, exhibits, glossary, page_title
from explorer.ui.widgets.switch import switch
from explorer.ui.widgets.words import model_name, seeds

METHODS = {
    "structured": "Heads and MLPs",
    "super": "Common to all seeds",
    "magnitude": "Single weights",
}
"""Method -> its name on the switch."""
_ABOUT = {
    "structured": (
        "Pruning switches off heads and MLPs, least important first, until the score would fall below 90% of the full "
        "model's. What is left is the [[good ticket]]. A [[bad ticket|bad]] one of the same size is made of what was "
        "switched off (filled up with survivors where that is too little), a [[random ticket|random]] one is drawn "
        "from everything."
    ),
    "super": (
        "The good ticket here is what survives in every [[seed]] (the paper calls it [[super ticket|super]]); **bad** "
        "is what no seed keeps, **random** is drawn from what some seeds keep. All seeds score the same three masks."
    ),
    "magnitude": (
        "Here single weights are removed, wherever they are, the smallest first: **good**. **Bad** loses as many of "
        "the largest weights, **random** as many at random. Heads and MLPs stay in place, with holes in them."
    ),
}
_WHISKERS = (
    "Bars are means over seeds, rings single seeds, whiskers one sample standard deviation (the published ones were "
    "converted to it)."
)


def page(view: View) -> None:
    """A way of pruning is chosen; below: bars beside the published ones, each seed, and paired comparisons."""
    run = view.run
    exhibits.pool()
    state.show_notices()
    page_title.show(run.task, "Do all [[ticket|tickets]] win?")
    degenerate.note(view)
    method = switch("Pruned", METHODS, "method", "tickets.method")
    state.write_url(run, None, **({"method": method} if method != "structured" else {}))
    text = (
        f"{_ABOUT[method]} [[retrained|Retrained]] means: the same ticket of the pre-trained model, [[fine-tuned]] "
        f"for {run.task} with the same recipe."
    )
    exhibits.say(glossary.plain(text))
    glossary.write(text)
    report, by_seed = cached.report(view, run.model, run.task), cached.study(view, run.model, run.task)
    line = cached.majority_baseline(view, run.model, run.task)
    _bars(view, method, report, by_seed, line)
    _missing(method, report)
    if not by_seed:
        st.caption("These scores were imported as means over seeds: there are no single seeds to show or to pair.")
        return
    st.subheader("Seed by seed")
    kind_of_score = switch("Scores", STATE_NAMES, "state", "tickets.state")
    _table(view, run, method, kind_of_score, by_seed)
    st.subheader("Compared on the same examples")
    pairs.show(view, method, kind_of_score, by_seed)
    if method == "structured":
        transfer.stable(view)
        transfer.show(view)


def _bars(
    view: View,
    method: str,
    report: Report,
    by_seed: Mapping[int, Mapping[str, ConditionScore]],
    line: MajorityBaseline | None,
) -> None:
    run, metric = view.run, METRIC_WORDS[view.task().metric]
    ours = [_our_bar(report, by_seed, method, kind, name) for kind in TICKET_KINDS for name in STATES]
    theirs = [_their_bar(report, method, kind, name) for kind in TICKET_KINDS for name in STATES]
    full, majority = report[FULL], report[MAJORITY]
    floor = line.score if line else math.nan
    lines = [float(full["mean"]), float(full["published_mean"]), float(majority["published_mean"]), floor]
    y_range = shared_range([*ours, *theirs], lines)
    words = f"{metric} of good, random and bad tickets, pruned and retrained"
    title = line.title if line else "majority class"

    def chart(bars: Sequence[Bar], whole: float, lowest: float, key: str) -> None:
        figure = ticket_bars(bars, metric=metric, full=whole, majority=lowest, majority_title=title, y_range=y_range)
        whose = f"{model_name(run.model)}" if key == "ours" else "BERT-base, as published"
        exhibits.plot(
            figure,
            key=f"tickets.{key}",
            title=f"{whose}: {words}",
            caption=_WHISKERS,
            data=lambda: bars_table(bars),
            alt=f"{whose}: {words}",
        )

    left, right = st.columns(2, gap="large")
    if by_seed:  # else the published ones are all there is
        with left:
            st.markdown(f"**{model_name(run.model)}**, {seeds(int(full['n_seeds']))}")
            chart(ours, float(full["mean"]), floor, "ours")
    has_published = math.isfinite(float(full["published_mean"]))  # none, for a task of one's own data
    with right if by_seed else left:
        if has_published:
            st.markdown("**BERT-base**, 5 seeds, as published")
            chart(theirs, float(full["published_mean"]), float(majority["published_mean"]), "published")
    always = f" {line.title.capitalize()}: {plain(line.words)}." if line else ""
    compare = " Two models: compare the pattern, not the numbers." if by_seed and has_published else ""
    if by_seed and (pooled := _pooled(ours, int(full["n_seeds"]))):
        st.caption(pooled)
    st.caption(f"{_WHISKERS}{always}{compare}")
    if float(full["published_mean"]) < float(majority["published_mean"]):
        st.caption(
            f"{run.task} is degenerate for BERT-base: the full model ({full['published_mean']:.3f}) scores below the "
            f"{title}, so nearly everything could be pruned."
        )


def _pooled(bars: Sequence[Bar], of_full: int) -> str:
    """How many seeds each bar rests on where that is not the full model's number; else whether they are too few."""
    there = [bar for bar in bars if bar.n_seeds]
    others = [bar for bar in there if bar.n_seeds != of_full]
    if not others:
        return few_seeds(of_full) if there else ""
    each = ", ".join(f"{bar.kind} {STATE_NAMES[bar.state].lower()} {bar.n_seeds}" for bar in others)
    return (
        f"Not all rest on the same seeds: the full model on {seeds(of_full)}, {each}. A share of the full model's "
        "score is taken over the seeds that both have."
    )


def _our_bar(
    report: Report, by_seed: Mapping[int, Mapping[str, ConditionScore]], method: str, kind: str, name: str
) -> Bar:
    condition = f"{method}/{kind}/{name}"
    row = report[condition]
    points = {seed: scores[condition].score for seed, scores in by_seed.items() if condition in scores}
    return Bar(kind, name, float(row["mean"]), float(row["sd"]), int(row["n_seeds"]), points)


def _their_bar(report: Report, method: str, kind: str, name: str) -> Bar:
    row = report[f"{method}/{kind}/{name}"]
    return Bar(kind, name, float(row["published_mean"]), float(row["published_sd"]), 5)


def _missing(method: str, report: Report) -> None:
    """Which bars are not there, or rest on fewer seeds, and the commands that complete them."""
    rows = [(kind, name, str(report[f"{method}/{kind}/{name}"]["missing"])) for name in STATES for kind in TICKET_KINDS]
    lacking = [(kind, name, command) for kind, name, command in rows if command]
    if not lacking:
        return
    with st.expander(f"{len(lacking)} of {len(rows)} bars lack seeds: how to make them"):
        for kind, name, command in lacking:
            more = more_words(int(report[f"{method}/{kind}/{name}"]["more_missing"]))
            st.markdown(f"{kind}, {STATE_NAMES[name].lower()}: {code(command)}" + (f" ({more})" if more else ""))


def _table(
    view: View,
    run: Run,
    method: str,
    name: str,
    by_seed: Mapping[int, Mapping[str, ConditionScore]],
) -> None:
    rows = []
    for seed, scores in by_seed.items():
        found = {kind: scores.get(f"{method}/{kind}/{name}") for kind in TICKET_KINDS}
        row = {"seed": str(seed), "full model": _with_interval(scores[FULL])}
        row |= {kind: _with_interval(one) if one else "–" for kind, one in found.items()}
        rows.append(row | _size_columns(view, run.model, run.task, seed, method, scores))
    exhibits.table(
        pd.DataFrame(rows).fillna("–"),
        key="tickets.seeds",
        title=f"Tickets seed by seed, {STATE_NAMES[name].lower()}",
        column_config={"kept": st.column_config.TextColumn(help=_KEPT[method == "magnitude"])},
    )
    n = max((one.n for scores in by_seed.values() for one in scores.values()), default=0)
    st.caption(
        f"{METRIC_WORDS[view.task(run.task).metric].capitalize()} with its 95% interval over {n:,} dev examples."
    )
    notes = _notes(method, by_seed)
    if notes:
        st.caption(plain(notes))


_OVER = re.compile(r"^Over \d+ seeds: [\d, ]+\.\s*")
"""How the note of a super ticket begins; the page says it itself."""
_KEPT = (
    "Parameters of the heads and MLPs that are kept, over those of all heads and MLPs",
    "Weights that are kept, over all that can be pruned",
)


def _notes(method: str, by_seed: Mapping[int, Mapping[str, ConditionScore]]) -> str:
    """Where a ticket is not quite what its name promises, the same sentence once for all its seeds."""
    seeds_of: dict[tuple[str, str], list[str]] = {}
    for seed, scores in by_seed.items():
        for kind in TICKET_KINDS:
            one = scores.get(f"{method}/{kind}/pruned")
            note = _OVER.sub("", one.note) if one else ""
            if note:
                seeds_of.setdefault((kind, note), []).append(str(seed))
    return " ".join(
        f"*{kind.capitalize()}{'' if len(of) == len(by_seed) else ', seed ' + ', '.join(of)}*: {note}"
        for (kind, note), of in seeds_of.items()
    )


def _size_columns(
    view: View, model: str, task: str, seed: int, method: str, scores: Mapping[str, ConditionScore]
) -> dict[str, str]:
    good = scores.get(f"{method}/good/pruned")
    if good is None:
        return {}
    if method == "magnitude":
        return {"kept": f"{good.share_kept:.0%}"}
    shape = shape_of(view.manifests, Run(model, task, seed))
    size: Size = size_of(Mask.from_code(good.mask, *shape), model)
    columns = {"heads": str(size.heads), "MLPs": str(size.mlps)}
    if size.parameters is not None and size.share is not None:
        columns |= {"parameters": f"{size.parameters / 1e6:.1f} M", "kept": f"{size.share:.0%}"}
    return columns


def _with_interval(score: ConditionScore) -> str:
    if math.isnan(score.score):
        return "undefined"
    return f"{score.score:.3f}" + ("" if math.isnan(score.low) else f" [{score.low:.3f}, {score.high:.3f}]")
