"""Page: what good, random, bad and super tickets score, pruned and retrained, ours beside the published."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from explorer.figures.print.tables import bars_table
from explorer.figures.tickets import Bar, shared_range, ticket_bars
from explorer.store.paper.published import FULL, MAJORITY
from explorer.store.schema import Run
from explorer.store.task_tickets import shape_of
from explorer.study.claims import few_seeds
from explorer.study.conditions import STATES, TICKET_KINDS, ConditionScore
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.report import Report, more_words
from explorer.study.ticket_words import KEPT, METHODS, STATE_NAMES, about_words, notes_words, seed_rows
from explorer.ui import cached, notices, state
from explorer.ui.as_text import code, plain
from explorer.ui.pages.tickets import learned_constants, mean_ablation, pairs, transfer
from explorer.ui.view import View
from explorer.ui.widgets import degenerate, exhibits, glossary, page_title, sections
from explorer.ui.widgets.switch import switch
from explorer.ui.widgets.words import model_name, seeds, training_words

_WHISKERS = "Bars are means over seeds, rings single seeds, whiskers one sample standard deviation."
_CONVERTED = " The spread of the published ones was converted to it."


def page(view: View) -> None:
    """A way of pruning is chosen; below: bars beside the published ones, each seed, and paired comparisons."""
    run = view.run
    exhibits.pool()
    sections.arrive()
    notices.show()
    page_title.show(run.task, "Do all [[ticket|tickets]] win?")
    degenerate.note(view)
    report, by_seed = cached.report(view, run.model, run.task), cached.study(view, run.model, run.task)
    possible = {name: words for name, words in METHODS.items() if _can_be(report, name, "pruned")}
    method = switch("Pruned", possible or {"structured": METHODS["structured"]}, "method", "tickets.method")
    where = {"method": method} if method != "structured" else {}
    retrains = _can_be(report, method, "retrained")
    text = about_words(method, run.task, retrains=retrains)
    exhibits.say(glossary.plain(text))
    glossary.write(text)
    line = cached.majority_baseline(view, run.model, run.task)
    _bars(view, method, report, by_seed, line)
    _missing(method, report)
    if not by_seed:
        state.write_url(run, None, **where)
        st.caption("These scores were imported as means over seeds: there are no single seeds to show or to pair.")
        return
    st.subheader("Seed by seed")
    kind_of_score = switch("Scores", STATE_NAMES, "state", "tickets.state") if retrains else "pruned"
    state.write_url(run, None, **where, **({"state": kind_of_score} if kind_of_score == "retrained" else {}))
    _table(view, run, method, kind_of_score, by_seed)
    st.subheader("Compared on the same examples")
    pairs.show(view, method, kind_of_score, by_seed)
    if method == "structured":
        transfer.stable(view)
        mean_ablation.show(view)
        learned_constants.show(view)
        transfer.show(view)
        transfer.retrained(view)


def _bars(
    view: View,
    method: str,
    report: Report,
    by_seed: Mapping[int, Mapping[str, ConditionScore]],
    line: MajorityBaseline | None,
) -> None:
    run, metric = view.run, view.task().metric_words
    ours = [_our_bar(report, by_seed, method, kind, name) for kind in TICKET_KINDS for name in STATES]
    theirs = [_their_bar(report, method, kind, name) for kind in TICKET_KINDS for name in STATES]
    full, majority = report[FULL], report[MAJORITY]
    baseline = line.score if line else math.nan
    lines = [float(full["mean"]), float(full["published_mean"]), float(majority["published_mean"]), baseline]
    y_range = shared_range([*ours, *theirs], lines)
    states = "pruned and retrained" if _can_be(report, method, "retrained") else "as pruned"
    words = f"{metric} of good, random and bad tickets, {states}"
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
            chart(ours, float(full["mean"]), baseline, "ours")
    has_published = math.isfinite(float(full["published_mean"]))  # none, for a task of one's own data
    with right if by_seed else left:
        if has_published:
            st.markdown("**BERT-base**, 5 seeds, as published")
            chart(theirs, float(full["published_mean"]), float(majority["published_mean"]), "published")
    always = f" {line.title.capitalize()}: {plain(line.words)}{training_words(line)}." if line else ""
    compare = " Two models: compare the pattern, not the numbers." if by_seed and has_published else ""
    if by_seed and (pooled := _pooled(ours, int(full["n_seeds"]))):
        st.caption(pooled)
    st.caption(f"{_WHISKERS}{_CONVERTED if has_published else ''}{always}{compare}")
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


def _can_be(report: Report, method: str, name: str) -> bool:
    """Whether tickets of a method have scores, pruned or retrained, or may have them one day."""
    rows = [report[f"{method}/{kind}/{name}"] for kind in TICKET_KINDS]
    return any(not math.isnan(float(row["mean"])) or row["missing"] or not row["note"] for row in rows)


def _missing(method: str, report: Report) -> None:
    """Which bars are not there, or rest on fewer seeds, and the commands that complete them."""
    rows = [(kind, name, str(report[f"{method}/{kind}/{name}"]["missing"])) for name in STATES for kind in TICKET_KINDS]
    lacking = [(kind, name, command) for kind, name, command in rows if command]
    never = {str(report[f"{method}/{kind}/{name}"]["note"]): STATE_NAMES[name].lower() for kind, name, _ in rows}
    for note, which in never.items():
        if note.startswith("Cannot be made"):
            st.caption(plain(f"{which.capitalize()} tickets {note[0].lower()}{note[1:]}"))
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
    def shape(seed: int) -> tuple[int, int]:
        return shape_of(view.manifests, Run(run.model, run.task, seed))

    rows = seed_rows(by_seed, method, name, run.model, shape)
    exhibits.table(
        pd.DataFrame(rows).fillna("–"),
        key="tickets.seeds",
        title=f"Tickets seed by seed, {STATE_NAMES[name].lower()}",
        column_config={"kept": st.column_config.TextColumn(help=KEPT[method == "magnitude"])},
    )
    n = max((one.n for scores in by_seed.values() for one in scores.values()), default=0)
    metric = view.task(run.task).metric_words.capitalize()
    st.caption(f"{metric} with its 95% interval over {n:,} dev examples.")
    if notes := notes_words(method, by_seed, plain):
        st.caption(notes)
