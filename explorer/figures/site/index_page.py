"""The index of the site: every task with its headline and its map, then the four claims on all of them."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.figures.site.boards import small, survival_board
from explorer.figures.site.document import document, heading, markdown
from explorer.figures.site.task_page import badge, few_words, foot, question
from explorer.study.claim_words import PAPER, STYLES, by_letter, value_words
from explorer.study.claims import Claim
from explorer.study.learnt import degenerate_words
from explorer.study.survival_words import size_words
from explorer.study.task_sheet import TaskSheet
from explorer.study.words import model_name, seeds

_HEADS = ("Task", "(a) Good keeps", "(b) Bad against good", "(c) Bad, retrained, keeps", "(d) Agreement of seeds")


@dataclass(frozen=True, eq=False)
class Entry:
    """A task's page and what the index says of it."""

    address: str
    sheet: TaskSheet


def index_page(entries: Sequence[Entry], origin: Sequence[str]) -> str:
    """Builds the whole file. entries: in the order of the index, at least one."""
    models = list(dict.fromkeys(entry.sheet.run.model for entry in entries))
    names = " and ".join(model_name(model) for model in models)
    boards: dict[str, Any] = {}
    title = "Which heads of a BERT can go?"
    body = [
        f"<header><h1>{title} <small>{html.escape(names)} on {_counted(len(entries), _kind(entries))}</small></h1>",
        markdown(
            f"[Prasanna, Rogers and Rumshisky (2020)]({PAPER}) switch off [[head|heads]] and [[MLP|MLPs]] of BERT, the "
            "least [[importance|important]] first, and call what is left a [[ticket]]. Each page below has what was "
            "computed for one task: a slider over the stored [[pruning path]], survival over [[seed|seeds]], every "
            "ticket pruned and [[retrained]], and the paper's four claims. It is a file: it opens without a network. "
            "On each card a row is a layer, a square a head, and the last column its MLP."
        ),
        "</header>",
    ]
    for model in models:
        own = [entry for entry in entries if entry.sheet.run.model == model]
        body.append(_of_model(model, own, boards, alone=len(models) == 1))
    body.append(foot(origin))
    links = [(entry.address, _name(entry, models)) for entry in entries]
    return document(title, body, {"boards": boards}, links=links, home=True)


def headline(sheet: TaskSheet) -> str:
    """Says in one or two sentences what pruning left on a task, and what that scores."""
    task, claims = sheet.run.task, sheet.claims
    if not claims.learnt:
        return degenerate_words(task, claims.majority)
    masks = sheet.tickets.get("together", {})
    size = size_words(masks, "together") if masks else "Nothing was pruned yet."
    effect = claims.good.effect
    if math.isnan(effect.value):
        return size
    metric = sheet.task.metric_words
    ends = "" if math.isnan(effect.low) else f" (95% interval {effect.low:.0%} to {effect.high:.0%}, {effect.over})"
    return f"The good ticket keeps {effect.value:.0%} of the full model's {metric}{ends}. {size}"


def _of_model(model: str, entries: Sequence[Entry], boards: dict[str, Any], *, alone: bool) -> str:
    cards = "".join(_card(entry, boards) for entry in entries)
    name = "" if alone else heading(2, model_name(model))
    claims = _claims(entries) if len(entries) > 1 else ""
    legend = '<div class="s-legend" data-legend></div>'
    return f'<section>{name}{legend}<div class="s-tasks">{cards}</div>{claims}</section>'


def _card(entry: Entry, boards: dict[str, Any]) -> str:
    sheet = entry.sheet
    task, address = sheet.run.task, html.escape(entry.address, quote=True)
    board = ""
    if masks := sheet.tickets.get("together"):
        key = f"map-{sheet.run.model}-{task}"
        boards[key] = small(survival_board(masks, "together", f"Survival on {task}"))
        board = f'<div data-board="{html.escape(key, quote=True)}"></div>'
    n = sheet.claims.n_examples
    about = f"{seeds(len(sheet.seeds))}{f', {n:,} dev examples' if n else ''}"
    return (
        f'<article class="s-task"><h3><a href="{address}">{html.escape(task)}</a></h3>'
        f'<p class="s-quiet">{html.escape(question(task))}</p>{board}<p>{html.escape(headline(sheet))}</p>'
        f'<p class="s-quiet">{html.escape(about)}</p></article>'
    )


def _claims(entries: Sequence[Entry]) -> str:
    rows = []
    for entry in entries:
        claims, address = entry.sheet.claims, html.escape(entry.address, quote=True)
        name = f'<th scope="row"><a href="{address}#claims">{html.escape(entry.sheet.run.task)}</a></th>'
        if not claims.learnt:
            rows.append(f'<tr>{name}<td colspan="4">Nothing is claimed. {html.escape(claims.good.because)}</td></tr>')
            continue
        cells = [_cell(letter, claim) for letter, claim in by_letter(claims).items()]
        rows.append(f"<tr>{name}{''.join(cells)}</tr>")
    heads = "".join(f'<th scope="col">{html.escape(head)}</th>' for head in _HEADS)
    title = "The four claims on every task here"
    return (
        f'{heading(2, title)}<div class="s-wide" role="region" tabindex="0" aria-label="{title}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(letter: str, claim: Claim) -> str:
    value = html.escape(value_words(claim.effect, STYLES[letter]))
    return f"<td>{value} {badge(letter, claim)}{few_words(claim)}</td>"


def _kind(entries: Sequence[Entry]) -> str:
    """What the tasks are: GLUE's unless one of them is a person's own."""
    return "task" if any(entry.sheet.task.own for entry in entries) else "GLUE task"


def _counted(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _name(entry: Entry, models: Sequence[str]) -> str:
    run = entry.sheet.run
    return run.task if len(models) == 1 else f"{run.task}, {model_name(run.model)}"
