"""The paper's four claims: a line and a number each, opening to its figure, what our data say, and how it is judged.

Long because the four cards are told in one order and share their pieces.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from explorer.figures.claims import StripRow, agreement_strip, score_strip
from explorer.figures.palette import PRUNED, RETRAINED
from explorer.figures.print.export import Exhibit
from explorer.figures.print.tables import agreement_table, strip_table
from explorer.stats.effects import Effect, Evidence
from explorer.store.own_tasks import tasks_in_order
from explorer.store.paper.published import FULL, published
from explorer.study.claim_sheet import GOOD, RETRAINED_TICKETS, TICKETS, ClaimSheet
from explorer.study.claim_words import (
    BADGES,
    STYLES,
    TITLES,
    beside_words,
    by_letter,
    effect_words,
    number_words,
    published_kappas,
    rests_on_few,
    value_words,
    verdict_words,
)
from explorer.study.claims import Claim
from explorer.study.words import p_words
from explorer.ui import cached
from explorer.ui.as_text import code
from explorer.ui.view import Links, View
from explorer.ui.widgets import exhibits, glossary
from explorer.ui.widgets.words import minus, seeds

_STYLE = """<style>
.claim-number { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .9rem; }
.claim-number b.faint { opacity: .6; }
.claim-number b { font-size: 2.75rem; font-weight: 650; line-height: 1.05; font-variant-numeric: tabular-nums; }
.claim-number span { flex: 1 1 13rem; line-height: 1.35; }
.claim-number small { display: block; opacity: .8; font-size: .875rem; }
.claim-key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; font-size: .875rem; opacity: .85; }
.claim-key i { font-style: normal; display: inline-block; min-width: 1rem; text-align: center; }
.claims-table { border-collapse: collapse; font-size: .9375rem; }
.claims-table :is(th, td) { padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid #8884;
  white-space: nowrap; }
.claims-table td.said { white-space: normal; opacity: .85; }
.claims-table small { opacity: .8; }
[class*=st-key-claim-] .verdict { margin-top: .55rem; }
@media (max-width: 640px) {
  [class*=st-key-claim-] { flex-direction: column; gap: .25rem; }
  [class*=st-key-claim-] > * { flex: none !important; width: 100% !important; max-width: 100% !important; }
}
.claims-wide { overflow-x: auto; padding-bottom: 4px; }
</style>"""


@dataclass(frozen=True)
class _Row:
    """A claim on the page: its badge, its line, and the card it opens to, drawn only where it is open."""

    letter: str
    claim: Claim
    number: str
    """The number that carries it, as it stands in the line."""

    def opened(self) -> tuple[AbstractContextManager[object], bool]:
        """Draws badge and line; the card, and whether it is open."""
        title = TITLES[self.letter]
        exhibits.kept().caption = minus(f"Claim {self.letter}: {title}. {self.claim.because}")
        with st.container(horizontal=True, vertical_alignment="top", gap="small", key=f"claim-{self.letter}"):
            with st.container(width=150):
                st.html(_badge(self.letter, self.claim))
            number = f"**{self.number}** · " if self.number != "–" else ""
            few = f" :gray[({self.claim.basis})]" if rests_on_few(self.claim) else ""
            card = st.expander(
                f"{number}**({self.letter})** {title}{few}", key=f"overview.claim.{self.letter}", on_change="rerun"
            )
        return card, bool(card.open)


def show(view: View, sheet: ClaimSheet, metric: str, key: str) -> None:
    """Draws the four claims of the selected task. key: HTML that says what the marks of the figures mean."""
    st.html(_STYLE)
    for draw in (_good, _rest, _retrained):
        draw(sheet, metric, view.links, key)
    _unstable(view, sheet, key)


def _badge(letter: str, claim: Claim) -> str:
    """The verdict, which says its rule and its numbers on hover and on focus."""
    words, kind = BADGES[claim.verdict]
    return glossary.noted(words, verdict_words(letter, claim), f"verdict {kind}")


def _value(claim: Claim, style: str) -> str:
    return value_words(claim.effect, style)


def _good(sheet: ClaimSheet, metric: str, links: Links, key: str) -> None:
    card, is_open = _Row("a", sheet.good, _value(sheet.good, ".0%")).opened()
    with card:
        _number(
            sheet.good.effect, ".0%", number_words("a", sheet, metric), sheet.published_effects.get("good"), is_open
        )
        rows = {"full model": FULL, "good ticket": GOOD}
        _strip("good", sheet, rows, metric, PRUNED, is_open, line=False)
        _verdict(sheet.good, is_open, key)
        _link(links, "survival", "See which heads are left", is_open)


def _rest(sheet: ClaimSheet, metric: str, links: Links, key: str) -> None:
    card, is_open = _Row("b", sheet.rest, _value(sheet.rest, "+.3f")).opened()
    with card:
        words = number_words("b", sheet, metric)
        _number(sheet.rest.effect, "+.3f", words, sheet.published_effects.get("rest"), is_open)
        _strip("rest", sheet, TICKETS, metric, PRUNED, is_open)
        _verdict(sheet.rest, is_open, key)
        _link(links, "tickets", "Compare the tickets example by example", is_open)


def _retrained(sheet: ClaimSheet, metric: str, links: Links, key: str) -> None:
    card, is_open = _Row("c", sheet.retrained, _value(sheet.retrained, ".0%")).opened()
    with card:
        words = number_words("c", sheet, metric)
        _number(sheet.retrained.effect, ".0%", words, sheet.published_effects.get("retrained"), is_open)
        _strip("retrained", sheet, RETRAINED_TICKETS, metric, RETRAINED, is_open)
        _verdict(sheet.retrained, is_open, key)
        _link(links, "tickets", "See every ticket, pruned and retrained", is_open)


def _unstable(view: View, sheet: ClaimSheet, key: str) -> None:
    task = view.run.task
    card, is_open = _Row("d", sheet.unstable, _value(sheet.unstable, ".2f")).opened()
    with card:
        if is_open:
            _figures(_value(sheet.unstable, ".2f"), number_words("d", sheet, ""), beside_words("d", sheet, task))
        kappas = published_kappas() if sheet.theirs else {}
        kinds = [of for of in (sheet.heads, sheet.mlps) if of is not None]
        if kinds:
            words = "Fleiss' kappa of heads and MLPs beside chance"
            _plot(
                lambda: agreement_strip(kinds, kappas),
                "unstable",
                words,
                lambda: agreement_table(kinds, kappas),
                is_open,
            )
        _verdict(sheet.unstable, is_open, key)
        if is_open:
            st.markdown(_patterns(view))  # takes longest, so it is read only where somebody looks
        _link(view.links, "survival", "Compare the seeds", is_open, view="each")


def _patterns(view: View) -> str:
    """The claim's other half: whether heads with meaningful attention patterns are the ones that survive."""
    run, tested = view.run, cached.tested_patterns(view, view.run)
    what = "the one attention pattern that may carry linguistic meaning (*heterogeneous*)"
    if tested is None:
        theirs = published().patterns.raw.get(run.task, {}).get("heterogeneous")
        if theirs is None:
            return ""
        return f"Of the survivors of BERT-base on {run.task}, {theirs:.0%} have {what}, as published."
    who, test = tested
    numbers = f"{test.share:.0%} of the {who} have {what}; as many heads drawn at random: {test.by_chance:.0%}"
    if test.undefined:
        return f"{numbers}. {test.undefined}"
    verdict = "Meaningful patterns explain part of it" if test.difference_p < 0.05 else "Patterns do not explain it"
    return f"{verdict}: {numbers} ({p_words(test.difference_p)})."


def _number(effect: Effect, style: str, words: str, beside: Effect | None, is_open: bool) -> None:
    """Ours, large, with its interval; the published one beside it, or large and faint where there is no other."""
    if not is_open:
        return
    theirs = beside or Effect()
    if math.isnan(effect.value) and not math.isnan(theirs.value):
        _figures(minus(f"{theirs.value:{style}}"), words, "BERT-base, as published. Ours is not known yet.", faint=True)
        return
    _figures(value_words(effect, style), words, effect_words(effect, style, beside))


def _figures(value: str, words: str, small: str, *, faint: bool = False) -> None:
    value, words, small = (html.escape(text) for text in (value, words, small))
    style = " class='faint'" if faint else ""
    st.html(f"<div class='claim-number'><b{style}>{value}</b><span>{words}<small>{small}</small></span></div>")


def _strip(
    key: str,
    sheet: ClaimSheet,
    rows: Mapping[str, str],
    metric: str,
    colour: str,
    is_open: bool,
    *,
    line: bool = True,
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

    def drawn() -> go.Figure:
        return score_strip(
            strip,
            metric=metric,
            colour=colour,
            full=sheet.ours[FULL].mean if line else math.nan,
            majority=sheet.majority.score if sheet.majority else math.nan,
            majority_title=sheet.majority.title if sheet.majority else "",
        )

    words = f"{metric} of {', '.join(rows)}: our seeds beside the published BERT-base"
    _plot(drawn, key, words, lambda: strip_table(strip), is_open)


def _counted(label: str, ours: Evidence, counts: set[int]) -> str:
    """The row's name, with its number of seeds where the rows (and the full model's line) rest on different ones."""
    many = len(ours.by_seed)
    return f"{label}, {seeds(many)}" if many and len(counts) > 1 else label


def _plot(
    drawn: Callable[[], go.Figure], key: str, words: str, data: Callable[[], pd.DataFrame], is_open: bool
) -> None:
    """The figure where its card is open; folded, it is drawn only when it is exported."""
    title, name = f"{exhibits.kept().caption.partition(':')[0]}: {words}", f"overview.{key}"
    if is_open:
        exhibits.plot(drawn(), key=name, title=title, data=data, alt=words)
    else:
        exhibits.keep(name, Exhibit(title, exhibits.kept().caption, lambda _inches: drawn(), data))


def _verdict(claim: Claim, is_open: bool, key: str) -> None:
    if not is_open:
        return
    st.html(key)
    there = not math.isnan(claim.effect.value)
    make = f" {'The other seeds' if there else 'Make it'}: {code(claim.missing)}" if claim.missing else ""
    st.markdown(minus(claim.because) + make)


def _link(links: Links, name: str, label: str, is_open: bool, **query: str) -> None:
    if is_open and name in links:
        icon = ":material/arrow_forward:"
        st.page_link(links[name], label=label, icon=icon, icon_position="right", query_params=query or None)


def all_tasks(view: View) -> None:
    """A table of the verdicts on every task of the bundle; tasks whose full model learnt nothing are marked."""
    model = view.run.model
    tasks = tasks_in_order(m.task for m in view.manifests if m.model == model)
    if len(tasks) < 2:
        return
    st.subheader("The four claims on every task here")
    heads = ("Task", "(a) Good keeps", "(b) Bad against good", "(c) Bad, retrained, keeps", "(d) Agreement of seeds")
    lines = ["<tr>" + "".join(f"<th scope='col'>{head}</th>" for head in heads) + "</tr>"]
    for task in tasks:
        sheet = cached.claim_sheet(view, model, task)
        name = f"<th scope='row'>{html.escape(task)}</th>"
        if not sheet.learnt:
            said = "<td colspan='4' class='said'>" + glossary.noted("Nothing is claimed", sheet.good.because) + "</td>"
            lines.append(f"<tr>{name}{said}</tr>")
            continue
        cells = (_cell(letter, claim) for letter, claim in by_letter(sheet).items())
        lines.append(f"<tr>{name}{''.join(cells)}</tr>")
    st.html(f"<div class='claims-wide'><table class='claims-table'>{''.join(lines)}</table></div>")


def _cell(letter: str, claim: Claim) -> str:
    value = "" if math.isnan(claim.effect.value) else _value(claim, STYLES[letter])
    few = f" <small>{html.escape(claim.basis)}</small>" if rests_on_few(claim) else ""
    return f"<td>{value} {_badge(letter, claim)}{few}</td>"
