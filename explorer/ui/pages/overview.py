"""Page: the paper's four claims, each with its figure, the number that carries it, and what our data say.

Long because the four claims have a card each, with its figure and its words.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import ExplorerError
from explorer.figures.claims import StripRow, agreement_strip, score_strip
from explorer.figures.palette import PRUNED, QUIET, RETRAINED
from explorer.figures.print.tables import agreement_table, strip_table
from explorer.glue.metrics import METRIC_WORDS
from explorer.glue.tasks import TASKS
from explorer.stats.class_shares import ShareTest
from explorer.stats.effects import Effect, Evidence
from explorer.store.paper.published import FULL, published
from explorer.study.claim_sheet import BAD, GOOD, RANDOM, ClaimSheet
from explorer.study.claims import Claim, Verdict
from explorer.ui import cached, state
from explorer.ui.as_text import code
from explorer.ui.view import Links, View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.words import QUESTIONS, minus, model_name, seeds

PAPER = "https://arxiv.org/abs/2005.00561"
_BADGES: dict[Verdict, str] = {
    "supported": ":green-badge[Supported]",
    "partly": ":orange-badge[Partly]",
    "not supported": ":red-badge[Not supported]",
    "open": ":gray-badge[Open]",
}
_STYLE = """<style>
.claim-number { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .9rem; }
.claim-number { min-height: 5.6rem; }
.claim-number b.faint { opacity: .45; }
.claim-number b { font-size: 2.75rem; font-weight: 650; line-height: 1.05; font-variant-numeric: tabular-nums; }
.claim-number span { flex: 1 1 13rem; line-height: 1.35; }
.claim-number small { display: block; opacity: .72; font-size: .875rem; }
.claim-key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; font-size: .875rem; opacity: .85; }
[data-testid=stMarkdownContainer]:has(> table) { overflow-x: auto; }
.claim-key i { font-style: normal; display: inline-block; min-width: 1rem; text-align: center; }
</style>"""


def page(view: View) -> None:
    """The claims for the selected model and task, then their verdicts over all tasks of the bundle."""
    run = view.run
    state.show_notices()
    state.write_url(run, None)
    st.header("When BERT plays the lottery, are all tickets winning?")
    sheet = cached.claim_sheet(view, run.model, run.task)
    imported = any((m.stage, m.key.run) == ("published-masks", run) for m in view.manifests)
    if imported:  # the published numbers are its own: nothing stands beside them
        sheet = replace(sheet, theirs={}, published_effects={})
    st.markdown(exhibits.say(_introduction(run.model, run.task, len(view.runs), sheet, imported)))
    st.html(_STYLE + _key(run.model, imported))
    metric = METRIC_WORDS[TASKS[run.task].metric]
    left, right = st.columns(2, gap="medium")
    with left:
        _good(sheet, metric, view.links)
    with right:
        _rest(sheet, metric, view.links)
    left, right = st.columns(2, gap="medium")
    with left:
        _retrained(sheet, metric, view.links)
    with right:
        later = _unstable(sheet, run.task, view.links)
    _all_tasks(view)
    later.markdown(_patterns(view))  # takes longest, so it comes last


def _introduction(model: str, task: str, n_runs: int, sheet: ClaimSheet, imported: bool) -> str:
    beside = "from the authors' own files" if imported else "beside the published numbers of BERT-base"
    examples = f", scored on {sheet.n_examples:,} dev examples" if sheet.n_examples else ""
    return (
        "A fine-tuned BERT can lose many of its attention heads and MLPs (the feed-forward block of each layer) and "
        f"still do its task. [Prasanna, Rogers and Rumshisky (2020)]({PAPER}) call what is left a *ticket*, and claim "
        f"four things of it. Below, each claim meets **{model_name(model)}** on **{task}** ({QUESTIONS[task]}), "
        f"fine-tuned with {seeds(n_runs)}{examples}, {beside}."
    )


def _key(model: str, imported: bool) -> str:
    """What the marks in the figures mean, once for all of them."""
    seed = (f"<i style='color:{PRUNED}'>●</i> <i style='color:{RETRAINED}'>●</i>", "a seed: pruned, fine-tuned again")
    mean = (f"<i style='color:{PRUNED};font-weight:900'>|</i>", "mean of 5 seeds" if imported else "their mean")
    theirs = (f"<i style='color:{QUIET}'>◇</i>", "BERT-base as published, mean ± sd of 5 seeds")
    floor = (f"<i style='color:{QUIET}'>┆</i>", "what always the same answer scores")
    marks = [mean, floor] if imported else [seed, mean, theirs, floor]
    spans = "".join(f"<span>{mark} {html.escape(words)}</span>" for mark, words in marks)
    return f"<div class='claim-key'><strong>{html.escape(model_name(model))}</strong>{spans}</div>"


def _good(sheet: ClaimSheet, metric: str, links: Links) -> None:
    with _card("a", "A small “good” ticket scores about as well as the whole model", sheet.good):
        size = ""
        if sheet.ticket:
            size = f", with {sheet.ticket.heads:.0%} of the heads and {sheet.ticket.mlps:.0%} of the MLPs"
            if sheet.ticket.n_seeds != sheet.good.n_seeds:  # then the two are over other seeds
                size += f" (sizes: mean of {seeds(sheet.ticket.n_seeds)})"
        _number(sheet.good.effect, ".0%", f"of the full model's {metric}{size}", sheet.published_effects.get("good"))
        _strip("good", sheet, {"full model": FULL, "good ticket": GOOD}, metric, PRUNED, line=False)
        _verdict(sheet.good)
        _link(links, "survival", "See which heads are left")


def _rest(sheet: ClaimSheet, metric: str, links: Links) -> None:
    with _card("b", "Tickets of the same size, made of the rest, score worse", sheet.rest):
        words = f"{metric}: the “bad” ticket, made of what was pruned, against the good one"
        _number(sheet.rest.effect, "+.3f", words, sheet.published_effects.get("rest"))
        _strip("rest", sheet, {"good": GOOD, "random": RANDOM, "bad": BAD}, metric, PRUNED)
        _verdict(sheet.rest)
        _link(links, "tickets", "Compare the tickets example by example")


def _retrained(sheet: ClaimSheet, metric: str, links: Links) -> None:
    with _card("c", "Fine-tuned anew, even the worst ticket comes close", sheet.retrained):
        words = f"of the full model's {metric}, by the bad ticket of the pre-trained model, fine-tuned anew"
        _number(sheet.retrained.effect, ".0%", words, sheet.published_effects.get("retrained"))
        rows = {"good": GOOD, "random": RANDOM, "bad": BAD}
        again = {kind: name.replace("/pruned", "/retrained") for kind, name in rows.items()}
        _strip("retrained", sheet, again, metric, RETRAINED)
        _verdict(sheet.retrained)
        _link(links, "tickets", "See every ticket, pruned and fine-tuned again")


def _unstable(sheet: ClaimSheet, task: str, links: Links) -> DeltaGenerator:
    """The card, and in it the place for what attention patterns say."""
    with _card("d", "Which heads are good changes with the seed", sheet.unstable):
        effect, kappas = sheet.unstable.effect, _published_kappas()
        small = [f"By chance: {effect.low:.2f} to {effect.high:.2f}"] if not math.isnan(effect.low) else []
        if not sheet.theirs:
            kappas = {}
        elif task in kappas:
            small.append(f"BERT-base, published: {kappas[task]:.2f}")
        elif kappas:
            span = f"{min(kappas.values()):.2f} to {max(kappas.values()):.2f}"
            small.append(f"BERT-base, published for {', '.join(kappas)}: {span}")
        value = "–" if math.isnan(effect.value) else minus(f"{effect.value:.2f}")
        over = f" of {effect.over}" if effect.over else " of seeds"
        words = f"agreement{over} on the heads to keep (Fleiss' kappa: 1 the same heads, 0 chance)"
        _figures(value, words, minus(" · ".join(small)))
        kinds = [of for of in (sheet.heads, sheet.mlps) if of is not None]
        if kinds:
            words = "Fleiss' kappa of heads and MLPs beside chance"
            _plot(agreement_strip(kinds, kappas), "unstable", words, lambda: agreement_table(kinds, kappas))
        _verdict(sheet.unstable)
        later = st.empty()
        _link(links, "survival", "Compare the seeds", view="each")
    return later


def _patterns(view: View) -> str:
    """The claim's other half: whether heads with meaningful attention patterns are the ones that survive."""
    run, tested = view.run, _tested_patterns(view)
    what = "the one attention pattern that may carry linguistic meaning (*heterogeneous*)"
    if tested is None:
        theirs = published().patterns.raw.get(run.task, {}).get("heterogeneous")
        if theirs is None:
            return ""
        return f"Of the survivors of BERT-base on {run.task}, {theirs:.0%} have {what}, as published."
    group, test = tested
    who = "heads that survive in every seed" if group == "super-survivors" else "surviving heads"
    at = list(test.classes).index(test.tested)
    numbers = f"{test.shares[at]:.0%} of the {who} have {what}; as many heads drawn at random: {test.expected[at]:.0%}"
    if test.undefined:
        return f"{numbers}. {test.undefined}"
    p = "p < 0.001" if test.difference_p < 0.001 else f"p = {test.difference_p:.3f}"
    verdict = "Meaningful patterns explain part of it" if test.difference_p < 0.05 else "Patterns do not explain it"
    return f"{verdict}: {numbers} ({p})."


def _tested_patterns(view: View) -> tuple[str, ShareTest] | None:
    """Raw attention, fine-tuned: of super-survivors, else of survivors; None where no maps were classified."""
    run = view.run
    if not view.has_stage("attention", run.model, run.task):
        return None
    try:
        groups = cached.patterns_of_survivors(view, run.model, run.task).groups
    except ExplorerError:  # maps without a ticket: nothing survives yet
        return None
    tests = {of.group: of.test for of in groups if (of.weights, of.kind) == ("finetuned", "raw")}
    name = next((name for name in ("super-survivors", "survivors") if name in tests), None)
    return (name, tests[name]) if name else None


def _published_kappas() -> dict[str, float]:
    """Task -> kappa over heads, without the degenerate WNLI, where every seed keeps all or nothing."""
    figures = published()
    return {
        task: kappa
        for task, kappa in figures.head_kappas.items()
        if figures.score(FULL, task).mean > figures.majority(task).mean
    }


def _card(letter: str, title: str, claim: Claim) -> DeltaGenerator:
    exhibits.kept().caption = minus(f"Claim {letter}: {title}. {claim.because}")
    card = st.container(border=True, height="stretch")
    card.markdown(f":gray[Claim {letter}] {_BADGES[claim.verdict]}{_few(claim)}\n##### {title}")
    return card


def _number(effect: Effect, style: str, words: str, beside: Effect | None) -> None:
    """Ours, large, with its interval; the published one beside it, or large and faint where there is no other."""
    theirs = beside or Effect()
    if math.isnan(effect.value) and not math.isnan(theirs.value):
        _figures(minus(f"{theirs.value:{style}}"), words, "BERT-base, as published. Ours is not known yet.", faint=True)
        return
    small = [f"95% interval {effect.low:{style}} to {effect.high:{style}}"] if not math.isnan(effect.low) else []
    small += [effect.over] if effect.over else []
    about = ", ".join(small)
    if not math.isnan(theirs.value):
        about += f"{' · ' if about else ''}BERT-base, published: {theirs.value:{style}}"
    _figures("–" if math.isnan(effect.value) else minus(f"{effect.value:{style}}"), words, minus(about))


def _figures(value: str, words: str, small: str, *, faint: bool = False) -> None:
    value, words, small = (html.escape(text) for text in (value, words, small))
    style = " class='faint'" if faint else ""
    st.html(f"<div class='claim-number'><b{style}>{value}</b><span>{words}<small>{small}</small></span></div>")


def _strip(
    key: str, sheet: ClaimSheet, rows: Mapping[str, str], metric: str, colour: str, *, line: bool = True
) -> None:
    none = Evidence()
    counts = {len(sheet.ours[name].by_seed) for name in (FULL, *rows.values()) if name in sheet.ours} - {0}
    strip = [
        StripRow(
            _counted(label, sheet.ours.get(name, none), counts),
            sheet.ours.get(name, none),
            sheet.theirs.get(name, none),
        )
        for label, name in rows.items()
    ]
    figure = score_strip(
        strip,
        metric=metric,
        colour=colour,
        full=sheet.ours[FULL].mean if line else math.nan,
        majority=sheet.majority.score if sheet.majority else math.nan,
        majority_title=sheet.majority.title if sheet.majority else "",
    )
    words = f"{metric} of {', '.join(rows)}: our seeds beside the published BERT-base"
    _plot(figure, key, words, lambda: strip_table(strip))


def _counted(label: str, ours: Evidence, counts: set[int]) -> str:
    """The row's name, with its number of seeds where the rows (and the full model's line) rest on different ones."""
    many = len(ours.by_seed)
    return f"{label}, {seeds(many)}" if many and len(counts) > 1 else label


def _plot(figure: go.Figure, key: str, words: str, data: Callable[[], pd.DataFrame]) -> None:
    title = f"{exhibits.kept().caption.partition(':')[0]}: {words}"
    exhibits.plot(figure, key=f"overview.{key}", title=title, data=data, alt=words)


def _verdict(claim: Claim) -> None:
    there = not math.isnan(claim.effect.value)
    make = f" {'The other seeds' if there else 'Make it'}: {code(claim.missing)}" if claim.missing else ""
    st.markdown(minus(claim.because) + make)


def _link(links: Links, name: str, label: str, **query: str) -> None:
    if name in links:
        icon = ":material/arrow_forward:"
        st.page_link(links[name], label=label, icon=icon, icon_position="right", query_params=query or None)


def _all_tasks(view: View) -> None:
    model = view.run.model
    tasks = [task for task in TASKS if any((m.model, m.task) == (model, task) for m in view.manifests)]
    if len(tasks) < 2:
        return
    st.subheader("The four claims on every task here")
    lines = [
        "| Task | Good keeps | Bad against good | Bad, fine-tuned again, keeps | Agreement of seeds |",
        "|---" * 5 + "|",
    ]
    for task in tasks:
        sheet = cached.claim_sheet(view, model, task)
        cells = [
            _cell(sheet.good, ".0%"),
            _cell(sheet.rest, "+.3f"),
            _cell(sheet.retrained, ".0%"),
            _cell(sheet.unstable, ".2f"),
        ]
        lines.append(f"| **{task}** | " + " | ".join(cells) + " |")
    st.markdown("\n".join(lines))


def _cell(claim: Claim, style: str) -> str:
    value = "" if math.isnan(claim.effect.value) else minus(f"{claim.effect.value:{style}} ")
    return f"{value}{_BADGES[claim.verdict]}{_few(claim)}"


def _few(claim: Claim) -> str:
    """Beside a verdict that rests on one seed or two: how many."""
    return f" :gray[{claim.basis}]" if claim.verdict != "open" and 0 < claim.n_seeds < 3 else ""
