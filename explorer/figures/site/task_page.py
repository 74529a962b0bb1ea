"""A task's page: the model that loses its heads under a slider, the four claims, survival, tickets, and the replay."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.figures import glossary
from explorer.figures.site.boards import published_board, survival_board
from explorer.figures.site.document import document, heading, markdown, panels
from explorer.figures.site.replays import replay_data
from explorer.figures.site.tickets import rests_on, tickets
from explorer.figures.switching_off import (
    HeroLines,
    HeroSeed,
    hero_data,
    imported_seed,
    measure_words,
    pruned_seed,
)
from explorer.study.claim_words import (
    BADGES,
    PAPER,
    STYLES,
    TITLES,
    beside_words,
    by_letter,
    introduction,
    number_words,
    rests_on_few,
    value_words,
    verdict_words,
)
from explorer.study.claims import Claim
from explorer.study.learnt import degenerate_words
from explorer.study.survival_words import PRUNED, rule_words, size_words
from explorer.study.task_sheet import StoredPath, TaskSheet
from explorer.study.words import OWN_QUESTION, QUESTIONS, minus, seeds

PLAYED = 10
"""Seeds whose pruning can be played: a page stays small, and nobody chooses among more."""


@dataclass(frozen=True)
class _Section:
    anchor: str
    name: str
    """In the navigation."""
    body: str


def task_page(sheet: TaskSheet, origin: Sequence[str]) -> str:
    """Builds the whole file. origin: lines of text at its foot, which say how it was made."""
    task = sheet.run.task
    data: dict[str, Any] = {}
    boards: dict[str, Any] = {}
    sections = [_switching_off(sheet, data), _claims(sheet), _survival(sheet, boards), _tickets(sheet)]
    sections += [_replay(sheet, data)]
    there = [section for section in sections if section.body]
    data["boards"] = boards
    body = [_top(sheet)]
    body += [f'<section id="{section.anchor}">{section.body}</section>' for section in there]
    body += [_glossary(sheet), foot([*_provenance(sheet), *origin])]
    title = f"{task}: which heads of {rests_on(sheet)}, can go"
    links = [(f"#{section.anchor}", section.name) for section in there] + [("#glossary", "Glossary")]
    return document(title, body, data, links=links, home=False)


def foot(lines: Sequence[str]) -> str:
    """The end of a page: where its numbers come from."""
    return "<footer>" + "".join(f"<p>{html.escape(line)}</p>" for line in lines) + f"<p>{_cited()}</p></footer>"


def _cited() -> str:
    return f'After <a href="{PAPER}">Prasanna, Rogers and Rumshisky (2020)</a>, arXiv:2005.00561.'


def question(task: str) -> str:
    """The question that a task's examples ask."""
    return QUESTIONS.get(task, OWN_QUESTION)


def _top(sheet: TaskSheet) -> str:
    task = sheet.run.task
    small = f" <small>{html.escape(question(task))}</small>"
    text = introduction(sheet.run.model, task, len(sheet.seeds), sheet.claims, sheet.imported)
    return f"<header><h1>{html.escape(task)}{small}</h1>{markdown(text)}</header>"


def _switching_off(sheet: TaskSheet, data: dict[str, Any]) -> _Section:
    stops = hero_seeds(sheet)
    if not stops:
        return _Section("switch-off", "", "")
    line, task = sheet.majority, sheet.run.task
    lines = HeroLines(
        measure_words(sheet.task.metric, next(iter(sheet.known.values()), None)),
        line.score if line else math.nan,
        line.title if line else "",
        note="" if sheet.claims.learnt else degenerate_words(task, line),
    )
    data["hero"] = {**hero_data(stops, 0, lines), "cards": False}
    body = heading(2, "How much of this model can you switch off?")
    body += markdown(
        "Move the slider along the stored [[pruning path]]: every stop is a [[mask]] that was scored on the whole "
        "[[dev set|dev]] set, with its 95% [[interval]], the [[90% line]] and the [[majority baseline]]."
        if sheet.known
        else "The authors' files hold where pruning ended, not how it got there: the slider has the two ends."
    )
    always = f"{line.title.capitalize()} ({line.score:.3f}): {line.words}." if line and line.words else ""
    said = f'<p class="s-under">{html.escape(minus(always))}</p>' if always else ""
    return _Section("switch-off", "Switch off", f'{body}<div class="s-plate"><div data-hero></div>{said}</div>')


def hero_seeds(sheet: TaskSheet) -> list[HeroSeed]:
    """The stops of every seed's slider."""
    if sheet.known:
        together = [one for one in sheet.paths if one.variant == "together"][:PLAYED]
        learnt = sheet.claims.learnt
        return [pruned_seed(one.artefact, sheet.known[one.run.seed], learnt=learnt) for one in together]
    run = sheet.run
    return [
        imported_seed(type(run)(run.model, run.task, seed), mask)
        for seed, mask in sheet.tickets.get("together", {}).items()
    ][:PLAYED]


def _claims(sheet: TaskSheet) -> _Section:
    cards = "".join(_card(letter, claim, sheet) for letter, claim in by_letter(sheet.claims).items())
    body = heading(2, "Do the paper’s four claims hold here?")
    return _Section("claims", "Claims", f'{body}<div class="s-cards">{cards}</div>')


def badge(letter: str, claim: Claim) -> str:
    """The verdict, which says its rule and its numbers on hover and on focus."""
    words, kind = BADGES[claim.verdict]
    return glossary.noted(words, verdict_words(letter, claim), f"verdict {kind}")


def few_words(claim: Claim) -> str:
    """HTML of how many seeds a verdict rests on, where that is one or two."""
    return f" <small>{html.escape(claim.basis)}</small>" if rests_on_few(claim) else ""


def _card(letter: str, claim: Claim, sheet: TaskSheet) -> str:
    metric = sheet.task.metric_words
    number = value_words(claim.effect, STYLES[letter])
    figure = ""
    if number != "–":
        said = html.escape(number_words(letter, sheet.claims, metric))
        about = html.escape(beside_words(letter, sheet.claims, sheet.run.task))
        figure = (
            f'<p class="s-figure"><b>{html.escape(number)}</b><span>{said}</span></p><p class="s-about">{about}</p>'
        )
    return (
        f'<article class="s-card"><p>{badge(letter, claim)}{few_words(claim)}</p>'
        f"<h3>({letter}) {html.escape(TITLES[letter])}</h3>{figure}<p>{html.escape(minus(claim.because))}</p></article>"
    )


def _survival(sheet: TaskSheet, boards: dict[str, Any]) -> _Section:
    of: dict[str, str] = {}
    run = sheet.run
    for pruned, masks in sheet.tickets.items():
        name = f"survival-{pruned}"
        boards[name] = survival_board(masks, pruned, f"{PRUNED[pruned]} of {run.task} that survive, {rests_on(sheet)}")
        parts = [f'<div class="s-ours"><div data-board="{name}"></div>{markdown(size_words(masks, pruned))}</div>']
        theirs = None if sheet.imported else published_board(run.task, pruned)
        if theirs:
            boards[f"published-{pruned}"], note = theirs
            parts.append(
                f'<div class="s-theirs"><h3>BERT-base, as published <small>{html.escape(note)}</small></h3>'
                f'<div data-board="published-{pruned}"></div><p class="s-quiet">Two models: compare where '
                "heads survive and how evenly, not head by head.</p></div>"
            )
        of[PRUNED[pruned]] = markdown(rule_words(run.model, sheet.task.metric, pruned, len(masks))) + (
            f'<div class="s-pair">{"".join(parts)}</div>'
        )
    if not of:
        return _Section("survival", "", "")
    body = heading(2, "Which heads and MLPs survive pruning?")
    return _Section("survival", "Survival", body + panels("Pruned", of))


def _tickets(sheet: TaskSheet) -> _Section:
    made = tickets(sheet)
    return _Section("tickets", "Tickets", heading(2, "Do all tickets win?") + made if made else "")


def _replay(sheet: TaskSheet, data: dict[str, Any]) -> _Section:
    shown = played(sheet.paths)
    if not shown:
        return _Section("replay", "", "")
    data["replay"] = replay_data(shown, sheet.majority)
    left_out = len({one.run.seed for one in sheet.paths}) - len({one.run.seed for one in shown})
    more = f" The first {seeds(PLAYED)} can be played; the bundle holds {left_out} more." if left_out else ""
    text = (
        "Every step as it was scored, those that were taken back too. The colours are the [[importance]] that chose "
        f"what went; differences from the [[full model]] are [[paired]].{more}"
    )
    head = heading(2, f"How pruning went on {sheet.run.task}, step by step")
    return _Section("replay", "Replay", f'{head}{markdown(text)}<div data-replay class="s-plate"></div>')


def played(paths: Sequence[StoredPath]) -> list[StoredPath]:
    """The pruning runs of the first seeds, as many as can be played."""
    first = list(dict.fromkeys(one.run.seed for one in paths))[:PLAYED]
    return [one for one in paths if one.run.seed in first]


def _glossary(sheet: TaskSheet) -> str:
    named = [item for item in glossary.TERMS.items() if item[0] != "GLUE" or not sheet.task.own]
    terms = sorted(named, key=lambda item: item[0].lower())
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(meaning)}</dd>" for name, meaning in terms)
    inner = f'<details><summary>Glossary</summary><dl class="s-terms">{rows}</dl></details>'
    return f'<section id="glossary">{inner}</section>'


def _provenance(sheet: TaskSheet) -> list[str]:
    """Which checkpoints and data the numbers were computed with."""
    lines = []
    for made in sheet.manifests:
        data = made.data.get("dev", {})
        n, digest = data.get("n"), str(data.get("sha256", ""))[:12]
        examples = f", {n:,} dev examples (sha256 {digest})" if n else ""
        lines.append(
            f"Seed {made.seed}: checkpoint {made.checkpoint_sha256[:12]}{examples}, "
            f"{made.made_on}, {made.created[:10]}."
        )
    return lines
