"""The overview's fifth block: what was asked since the paper, a card an answer with the number that carries it."""

from __future__ import annotations

import html
from collections.abc import Callable

import pandas as pd
import streamlit as st

from explorer.errors import ExplorerError
from explorer.figures.print.export import Exhibit
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import shape_of
from explorer.study.fitting import why_not
from explorer.study.ground import missing_ground
from explorer.study.league import league_of
from explorer.study.since import (
    QUESTIONS,
    Answer,
    league_answer,
    means_answer,
    pairs_answer,
    stability_answer,
    transfer_answer,
    worth_answer,
)
from explorer.study.transfer import away
from explorer.ui import cached, link
from explorer.ui.as_text import code, plain
from explorer.ui.view import View
from explorer.ui.widgets import degenerate, exhibits, glossary

_STYLE = """<style>
.st-key-since {
  display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, max(16.5rem, 30%)), 1fr));
}
.st-key-since > * { width: auto !important; max-width: none !important; height: 100%; }
[class*=st-key-since-card-] { height: 100%; justify-content: space-between; padding: .9rem 1rem .6rem; }
.since h4 { margin: 0 0 .35rem; padding: 0; font-size: .9375rem; font-weight: 600; }
.since b { display: block; font-size: 2rem; font-weight: 650; line-height: 1.1; font-variant-numeric: tabular-nums; }
.since p { margin: .3rem 0 .35rem; font-size: .9375rem; line-height: 1.35; }
.since small { display: block; opacity: .8; font-size: .8125rem; line-height: 1.4; }
</style>"""
_KEY = "overview.since"
_STAGES = {"league": "league", "worth": "bank", "pairs": "pairs", "means": "mean-ablated", "transfer": "transfer"}
"""Answer -> the stage that it is read from."""


def show(view: View, *, learnt: bool) -> None:
    """Draws the answers that the bundle has for the selected task, and once what is not computed yet.

    learnt: whether the full model beats its baseline there; where not, only what other tasks' models say is shown.
    """
    found, refused = answers(view, view.run, learnt)
    there = [*(one.name for one in found), *refused]
    unmade = _missing(view, there) if learnt else {}
    if not there and not unmade:
        return
    st.subheader("Since then")
    words = "What the paper left open about heads and tickets, answered here with later methods and earlier ones."
    st.caption(words)
    if found:
        st.html(_STYLE)
        with st.container(key="since"):
            for one in found:
                _card(view, one)
        exhibits.keep(_KEY, Exhibit("Since then", words, data=lambda: _table(found)))
    for name, why in refused.items():
        st.caption(f"{QUESTIONS[name]} {plain(why)}")
    if unmade:
        listed = " ".join(f"{QUESTIONS[name]} {code(verb)}" for name, verb in unmade.items())
        st.caption(f"Not computed yet for {view.run.task}, seed {view.run.seed}: {listed}")


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=cached.BY_BUNDLE)
def answers(view: View, run: Run, learnt: bool) -> tuple[list[Answer], dict[str, str]]:
    """Reads every answer that the bundle has for a run's task, in the order of QUESTIONS; run: the view's.

    Also name -> a sentence, of those that cannot be read from what is there.
    """
    readers: dict[str, Callable[[View], Answer | None]] = {"means": _means, "transfer": _transfer}
    if learnt:
        readers = {"league": _league, "worth": _worth, "pairs": _pairs, **readers, "stability": _stability}
    found, refused = [], {}
    for name, read in readers.items():
        try:
            answer = read(view)
        except ExplorerError as error:
            refused[name] = str(error)
        else:
            found += [answer] if answer else []
    return found, refused


def _card(view: View, one: Answer) -> None:
    with st.container(border=True, key=f"since-card-{one.name}", gap="xsmall"):
        how = "Whose method or question it is." + (
            f" Read from what was made with: {'; '.join(one.made)}" if one.made else ""
        )
        rests = f"{html.escape(one.rests_on)}. {glossary.noted(one.source, how)}"
        st.html(
            f"<div class='since'><h4>{html.escape(one.question)}</h4><b>{html.escape(one.number)}</b>"
            f"<p>{html.escape(one.says)}.</p><small>{rests}</small></div>"
        )
        if one.page in view.links:
            st.page_link(
                view.links[one.page],
                label=f"Check it in {one.page.capitalize()}",
                icon=":material/arrow_forward:",
                icon_position="right",
                query_params={**one.query, link.AT: one.section},
            )


def _with(view: View, stage: str) -> list[Run]:
    """The task's runs that have a stage, the selected one first."""
    there = [run for run in view.runs if view.has(Key(run, stage))]
    return sorted(there, key=lambda run: run != view.run)


def _league(view: View) -> Answer | None:
    keys = [Key(run, "league") for run in view.runs if view.has(Key(run, "league"))]
    if not keys:
        return None
    leagues = [league_of(cached.artefact(view, key)) for key in keys]
    return league_answer(leagues, view.task().metric_words, [view.manifests.by_key[key] for key in keys])


def _worth(view: View) -> Answer | None:
    for run in _with(view, "bank")[:1]:
        key, shape = Key(run, "bank"), shape_of(view.manifests, run)
        bank = cached.mask_bank(view, run, shape)
        return worth_answer(bank, view.task().metric_words, run.seed, [view.manifests.by_key[key]])
    return None


def _pairs(view: View) -> Answer | None:
    for run in _with(view, "pairs")[:1]:
        key, shape = Key(run, "pairs"), shape_of(view.manifests, run)
        found = cached.pairs(view, run, shape, by_margin=not view.task().is_regression)
        return pairs_answer(found, shape, run.seed, [view.manifests.by_key[key]])
    return None


def _means(view: View) -> Answer | None:
    tasks = cached.mean_ablations(view, view.run.model)
    keys = [
        Key(run, "mean-ablated") for of in tasks if of.learnt for run in (one.known.run for one in of.runs.values())
    ]
    return means_answer(tasks, [view.manifests.by_key[key] for key in keys])


def _transfer(view: View) -> Answer | None:
    run = view.run
    tasks = dict.fromkeys(m.task for m in view.manifests if m.model == run.model)
    runs = [Run(run.model, task, run.seed) for task in tasks]
    runs = [one for one in runs if view.has(Key(one, "transfer"))]
    cells = [cell for one in runs for cell in cached.transferred(view, one)]
    counted = away(cells, degenerate.unlearnt(view, run, (task for one in cells for task in (one.task, one.ticket))))
    models = {one.task for one in counted}
    made = [view.manifests.by_key[Key(one, "transfer")] for one in runs if one.task in models]
    return transfer_answer(counted, run.seed, made)


def _stability(view: View) -> Answer | None:
    tickets = cached.tickets(view, view.run)
    keys = [Key(Run(view.run.model, view.run.task, seed), "structured", "together") for seed in tickets]
    return stability_answer(tickets, [view.manifests.by_key[key] for key in keys if key in view.manifests.by_key])


def _missing(view: View, there: list[str]) -> dict[str, str]:
    """Answer -> the command that its stage takes; {} for a model whose weights are not here. What builds on something
    that is not made either, a ticket or another task's, is not told of: its command would be refused."""
    if not view.has(Key(view.run, "finetune")):
        return {}
    keys = {name: Key(view.run, stage) for name, stage in _STAGES.items() if name not in there}
    can = {name: key for name, key in keys.items() if not why_not(view.bundle, key)}
    return {name: view.bundle.command_for(key) for name, key in can.items() if not missing_ground(view.manifests, key)}


def _table(found: list[Answer]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "question": [one.question for one in found],
            "number": [one.number for one in found],
            "what it is": [one.says for one in found],
            "rests on": [one.rests_on for one in found],
            "source": [one.source for one in found],
            "made with": ["; ".join(one.made) for one in found],
        }
    )
