"""The audience's own masks: what the one on the grid scores, and the table of the best."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from explorer.live.worker import Failed, Running
from explorer.mask import Mask
from explorer.stats.intervals import Score, score_with_interval
from explorer.study.learnt import beats
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.stored_scores import KnownRun
from explorer.tickets.structured import threshold_of
from explorer.ui import cached, cached_models
from explorer.ui.scoring import polling, request, score_panel
from explorer.ui.scoring.card_words import stored_of
from explorer.ui.view import View
from explorer.ui.widgets.score_card import Stored
from explorer.ui.widgets.words import against_line, minus

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData

BEST = 5
"""Rows of the table."""
_BEST = "game.best"


@dataclass(frozen=True)
class Try:
    """A mask that somebody scored."""

    off: int
    score: float
    low: float
    high: float
    code: str


def best_of(tries: Sequence[Try], new: Try) -> list[Try]:
    """The most heads off first, then the highest score; each mask once."""
    masks = {of.code: of for of in (*tries, new)}
    return sorted(masks.values(), key=lambda of: (-of.off, -of.score))[:BEST]


def show(
    view: View, known: KnownRun, mask: Mask, question: request.Question | None, *, enters: bool
) -> ModelOnData | None:
    """Draws the mask's size, its score and whether it holds; the evaluator, once there is one.

    question: None where the run's checkpoint is not here. enters: whether the mask may enter the table.
    """
    if question is None:
        found = known.by_code.get(mask.code)
        score = score_with_interval(known.task.metric, found.predictions, known.labels) if found else None
        full = score_with_interval(known.task.metric, known.full.predictions, known.labels)
        metric = f"stored {known.task.metric_words} on {known.task.name} dev"
        baseline = cached.majority_baseline(view, known.run.model, known.run.task)
        _numbers(mask, score, full, metric if score else "no stored score for this mask", baseline)
        if score and enters:
            _record(known, question, mask, score, full)
        return None
    standing = request.standing_of(question)
    answer = standing.answer
    elsewhere = question.source.kind == cached_models.DIAGNOSTICS
    stored = stored_of(known, mask, cached.stored_line(view, known.run)) if elsewhere else None
    if answer is not None:
        compared, baseline = answer.comparison, question.baseline
        verified = score_panel.verified_in_words(answer.evaluation, standing.unverified).replace("**", "")
        about = f"{known.task.metric_words} on {question.title}"
        _numbers(mask, compared.score, compared.full, about, baseline, verified, stored=stored)
        _tell_if_nothing_can_fall(question, compared.full)
        if enters and beats(compared.full, baseline):  # the gradient's own mask is nobody's record
            _record(known, question, mask, compared.score, compared.full)
        if standing.verifying:
            request.follow_verification(question, standing)
    elif isinstance(standing.news, Failed) and standing.over:
        score_panel.failed(standing.news.error)
    else:
        polling.follow(
            standing,
            lambda: request.standing_of(question, 0.0),
            lambda now: request.moved_on(standing, now),
            lambda now: _meanwhile(mask, question, now, stored),
            every=request.pace,
        )
    return standing.evaluator


def _meanwhile(mask: Mask, question: request.Question, standing: request.Standing, stored: Stored | None) -> None:
    """What is there before the score is, in as much room: what is below must not move under a finger."""
    news, evaluator = standing.news, standing.evaluator
    if isinstance(news, Running) and evaluator is not None:
        words = f"{question.known.task.metric_words} on {news.news.done:,} of {news.news.total:,} examples so far"
        full = evaluator.interval(evaluator.full)
        _numbers(mask, news.news.score, full, words, question.baseline, sure=False, stored=stored)
        return
    words = "Loading the model, once …" if isinstance(news, request.Loading) else "Scoring …"
    _numbers(mask, None, None, f"{question.known.task.metric_words} on {question.title}", waits=words, stored=stored)


def _numbers(
    mask: Mask,
    score: Score | None,
    full: Score | None,
    about: str,
    baseline: MajorityBaseline | None = None,
    verified: str = "",
    *,
    sure: bool = True,
    waits: str = "…",
    stored: Stored | None = None,
) -> None:
    off, n = mask.heads.size - mask.heads_kept, mask.heads.size
    value = "…" if score is None else "undefined" if math.isnan(score.value) else minus(f"{score.value:.3f}")
    if score is not None and not sure:
        value = f"≈ {value}"
    if score is None or full is None:
        verdict = f"<div class='game-verdict wait'>{waits}<small>&nbsp;</small></div>"
    else:
        verdict = _nothing_off(score, full, baseline) if not off and mask.mlps.all() else ""
        verdict = verdict or _verdict(score, full, sure, baseline, verified)
    first = f"<div><b>{off}</b><span>of {n} heads off</span></div>"
    number = f"<b>{value}</b><span>{html.escape(about)}</span>"
    if stored is not None:  # what the task itself scores comes first and largest
        first += f"<div><b>{html.escape(stored.value)}</b><span>{html.escape(stored.title)}</span></div>"
    number = f"<div class='{'second' if stored is not None else ''}'>{number}</div>"
    st.html(f"<div class='game'>{first}{number}</div>{verdict}")


def _tell_if_nothing_can_fall(question: request.Question, full: Score) -> None:
    """Where 90% of the full model is no more than knowing nothing scores, the game has no stakes: that is said."""
    baseline, line = question.baseline, threshold_of(full.value)
    if baseline.score >= line or not beats(full, baseline):
        st.caption(
            f":material/info: On {question.title} the full model scores little more than a guess: its 90% line "
            f"({line:.3f}) is no higher than the {baseline.title} ({baseline.score:.3f}), so that a mask that knows "
            f"nothing can hold. Play on {question.known.task.name} itself, or with another task."
        )


def _nothing_off(score: Score, full: Score, baseline: MajorityBaseline | None) -> str:
    """The verdict before the first click; '' where the usual one says more."""
    if baseline is not None and not beats(full, baseline):
        return ""
    line = minus(f"the 90% line is at {threshold_of(full.value):.3f}")
    return f"<div class='game-verdict wait'>This is the full model<small>{line}, n = {score.n:,}</small></div>"


def _verdict(score: Score, full: Score, sure: bool, baseline: MajorityBaseline | None, verified: str) -> str:
    if baseline is not None and not beats(full, baseline):
        return (
            "<div class='game-verdict wait'>No verdict here"
            f"<small>the full model does not beat the {html.escape(baseline.title)}</small></div>"
        )
    line = threshold_of(full.value)
    held = score.value >= line
    words = against_line(score.value, score.low, score.high, line)
    kind = ("held" if held else "fell") if sure else "wait"
    lead = ("It holds" if held else "It fell") if sure else ("It seems to hold" if held else "It seems to fall")
    interval = f"95% interval {score.low:.3f} to {score.high:.3f}, " if score.low == score.low else ""
    small = html.escape(", ".join(part for part in (f"{interval}n = {score.n:,}", verified) if part))
    return f"<div class='game-verdict {kind}'>{lead}: {words}<small>{minus(small)}</small></div>"


def _record(known: KnownRun, question: request.Question | None, mask: Mask, score: Score, full: Score) -> None:
    tables: dict[str, list[Try]] = st.session_state.setdefault(_BEST, {})
    name = _where(known, question)
    if mask.heads.all() or not score.value >= threshold_of(full.value):
        # it may stand there with a score that was corrected since
        tables[name] = [of for of in tables.get(name, []) if of.code != mask.code]
        return
    new = Try(mask.heads.size - mask.heads_kept, score.value, score.low, score.high, mask.code)
    tables[name] = best_of(tables.get(name, []), new)


def _where(known: KnownRun, question: request.Question | None) -> str:
    return f"{known.run.path} {question.title if question else 'stored'}"


def best(known: KnownRun, question: request.Question | None) -> Try | None:
    """The best mask of this session on these data; None where none held yet."""
    tries: list[Try] = st.session_state.get(_BEST, {}).get(_where(known, question), [])
    return tries[0] if tries else None


def table(known: KnownRun, question: request.Question | None) -> None:
    """Draws the best masks of this session on these data, each with a link."""
    tries: list[Try] = st.session_state.get(_BEST, {}).get(_where(known, question), [])
    if not tries:
        return
    st.markdown("##### Best so far")
    run = known.run
    rows = [
        {
            "heads off": of.off,
            "score": of.score,
            "95% interval": minus(f"{of.low:.3f} to {of.high:.3f}") if of.low == of.low else "",
            "mask": f"game?model={run.model}&task={run.task}&seed={run.seed}&mask={of.code}",
        }
        for of in tries
    ]
    columns = {
        "score": st.column_config.NumberColumn(format="%.3f"),
        "mask": st.column_config.LinkColumn(display_text="open"),
    }
    st.dataframe(rows, hide_index=True, column_config=columns)
    st.caption("The address of this page holds the mask on the grid: share it as it is.")
