"""The lab's score card, from the click to the exact score: asks, follows and draws, always in the same place."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from explorer.figures.print.export import Exhibit
from explorer.figures.print.tables import score_table
from explorer.figures.score import score_figure
from explorer.live.worker import Failed, Running
from explorer.stats.against_full import Comparison
from explorer.study.learnt import line_to_keep
from explorer.study.words import with_interval
from explorer.ui import cached, cached_models
from explorer.ui.scoring import card_words, polling, request, score_panel
from explorer.ui.scoring.request import Question, Standing
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.score_card import Card, score_card

KEY = "lab.score"


def panel(question: Question, *, stored_first: bool) -> Standing:
    """Draws the card, now and as the score comes in; gives where it stood when the page ran.

    stored_first: whether the bundle's score of the mask comes first, since the live one is on other sentences.
    """
    standing = request.standing_of(question)
    stored = None
    if stored_first and question.instead is None:
        line = cached.stored_line(question.view, question.known.run)
        stored = card_words.stored_of(question.known, question.mask, line)

    def draw(now: Standing) -> None:
        card = card_of(question, now)
        score_card(replace(card, stored=stored), key=KEY)

    if standing.over and not standing.verifying:
        with st.container():  # as a fragment draws in one: the card is the same element, before and after
            draw(standing)
    else:
        polling.follow(
            standing,
            lambda: request.standing_of(question, 0.0),
            lambda now: request.moved_on(standing, now),
            draw,
            every=request.pace,
        )
    if isinstance(standing.news, Failed) and standing.over and score_panel.failed(standing.news.error):
        request.again(question, reload=standing.evaluator is None)
    return standing


def stored_panel(question: Question) -> None:
    """Draws the card of a run whose checkpoint is not here: the bundle's own score, or that there is none."""
    known, mask = question.known, question.mask
    title = card_words.metric_on(known.task, question.title)
    if question.stored is None:
        card = card_words.unknown(mask.code, title, cached.stored_full(question.view, known.run), question.baseline)
    else:
        card = _of_stored(question, title)
    with st.container():
        score_card(card, key=KEY)


def card_of(question: Question, standing: Standing) -> Card:
    """The card of a mask as its score stands."""
    known, code, baseline = question.known, question.mask.code, question.baseline
    evaluator, news = standing.evaluator, standing.news
    title = card_words.metric_on(known.task, question.title)
    is_full = question.mask == known.full.mask
    if standing.answer is not None and evaluator is not None:
        found = standing.answer.comparison
        part = question.source.part_words
        _keep(question, found)
        words = request.provenance(evaluator, standing.answer, standing.unverified)
        return card_words.exact(code, title, found, baseline, is_full=is_full, provenance=words, part=part)
    words = request.news_words(news)
    if question.stored is not None:  # whole already: only the bar below it moves
        return replace(_of_stored(question, title), progress=_share(news), interval=words)
    if evaluator is None:
        full = cached.stored_full(question.view, known.run) if question.on_stored_data else None
        return card_words.waiting(code, title, full, baseline, words)
    from explorer.live.scoring import full_answer

    whole = full_answer(evaluator, cached_models.ledger()[0]).comparison
    if isinstance(news, Running):
        return card_words.running(code, title, news.news, whole, baseline, words)
    return card_words.waiting(code, title, whole.score, baseline, words)


def _of_stored(question: Question, title: str) -> Card:
    stored = question.stored
    assert stored is not None
    found = cached.stored_comparison(question.view, question.known.run, question.mask.code)
    _keep(question, found)
    words = f"Stored in this bundle: {stored.origin}."
    is_full = question.mask == question.known.full.mask
    return card_words.exact(question.mask.code, title, found, question.baseline, is_full=is_full, provenance=words)


def _keep(question: Question, found: Comparison) -> None:
    """Remembers the score as a figure for print."""
    baseline, score, full = question.baseline, found.score, found.full
    metric = question.known.task.metric_words.capitalize()
    mine, of_full = (with_interval(one.value, one.low, one.high) for one in (score, full))
    exhibits.keep(
        KEY,
        Exhibit(
            "The score of this mask beside the full model's",
            f"{metric} on {question.title}. This mask: {mine} "
            f"({score.method}), n = {score.n:,}. Full model: {of_full}.",
            lambda _: score_figure(
                score, full, line_to_keep(full, baseline), majority=baseline.score, majority_title=baseline.title
            ),
            lambda: score_table(score, full),
        ),
    )


def _share(news: object) -> float:
    return news.news.done / news.news.total if isinstance(news, Running) else 0.0
