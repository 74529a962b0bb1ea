"""Every mask of this session as score against size, below the lab's grid, among the pruning path and the tickets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import BadMask
from explorer.figures.visits import VISIT, Spot, visits_figure, visits_table
from explorer.mask import Mask
from explorer.stats.intervals import Score
from explorer.stats.sizes import size_of
from explorer.study.landmarks import Landmark
from explorer.study.learnt import line_to_keep
from explorer.ui import cached, state
from explorer.ui.scoring.request import Question, Standing
from explorer.ui.scoring.sweep import Sweep
from explorer.ui.widgets import exhibits, glossary

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData

_VISITS = "lab.visits"
_AT_MOST = 400
"""Visits that a session remembers a run and dev set by."""
_SWEEP = "history"


def record(question: Question, standing: Standing | None) -> None:
    """Remembers the mask on the grid, once its exact score is known, by its first visit and with its latest score."""
    score = _exact(question, standing)
    visits = _of(question)
    code = question.mask.code
    if score is None or not math.isfinite(score.value):
        return
    if code in visits:  # its verification may have corrected it
        visits[code] = replace(visits[code], score=score.value, low=score.low, high=score.high)
        return
    while len(visits) >= _AT_MOST:
        visits.pop(next(iter(visits)))
    name = f"visit {len(visits) + 1}"
    visits[code] = Landmark(name, VISIT, question.mask, score.value, score.low, score.high, score.n)


def show(question: Question, standing: Standing | None) -> None:
    """The figure; a click on a point brings its mask to the grid. A button scores what the path lacks here."""
    known, task = question.known, question.known.task
    landmarks = cached.landmarks(question.view, known.run, known.shape)
    found, missing = _scored_here(question, standing, landmarks)
    visits = list(_of(question).values())
    model = known.run.model
    spots = [_spot(mark, model) for mark in (*found, *visits)]
    if not spots:
        st.caption("Nothing is scored yet: the first mask appears here with its exact score.")
        return
    if standing is None or standing.evaluator is None:
        full = cached.stored_full(question.view, known.run)
    else:
        full = standing.evaluator.interval(standing.evaluator.full)
    baseline, metric = question.baseline, task.metric_words.capitalize()
    known_size = size_of(question.mask, model).share is not None
    figure = visits_figure(
        spots,
        current=question.mask.code,
        metric=f"{metric} on {question.title}",
        size="heads' and MLPs' parameters left" if known_size else "heads and MLPs left",
        line=line_to_keep(full, baseline),
        majority=(baseline.title, baseline.score),
    )
    exhibits.plot(
        figure,
        key="lab.history",
        title=f"Masks visited on {question.title}: score against size",
        caption="Numbered: the masks of this session in their order, with 95% intervals over examples. Grey: the "
        "pruning run, hollow where a step was taken back. Dotted: 90% of the full model.",
        data=lambda: visits_table(spots),
        on_select=lambda: _go(question),
        selection_mode="points",
    )
    glossary.caption(_words(len(visits), bool(found)))
    if missing and standing is not None and standing.evaluator is not None:
        _offer(question, standing.evaluator, landmarks, missing)


def _offer(
    question: Question, evaluator: ModelOnData, landmarks: Sequence[Landmark], missing: Sequence[Landmark]
) -> None:
    many = len({mark.mask for mark in missing})
    sweep = Sweep(_SWEEP, evaluator, _masks(landmarks))
    words = f"Score the pruning path and the tickets on {question.title}: {many} masks"
    if st.button(words, icon=":material/timeline:", key="lab.history.sweep"):
        sweep.start()
    sweep.follow()


def _masks(landmarks: Sequence[Landmark]) -> tuple[Mask, ...]:
    """Each once, in their order."""
    return tuple(dict.fromkeys(mark.mask for mark in landmarks))


def _go(question: Question) -> None:
    """A point was clicked: its mask goes to the grid."""
    selection = st.session_state.get("lab.history") or {}
    for point in selection.get("selection", {}).get("points", []):
        code = (point.get("customdata") or [""])[0]
        try:
            state.set_mask(question.known.run, Mask.from_code(str(code), *question.known.shape))
        except BadMask:  # the browser may send anything
            continue
        return


def _scored_here(
    question: Question, standing: Standing | None, landmarks: Sequence[Landmark]
) -> tuple[list[Landmark], list[Landmark]]:
    """Splits off the landmarks whose score on the very examples of the lab is known, with that score."""
    if question.on_stored_data:
        return list(landmarks), []
    if standing is None or standing.evaluator is None:
        return [], list(landmarks)
    masks = _masks(landmarks)
    answers = dict(zip(masks, Sweep(_SWEEP, standing.evaluator, masks).known(), strict=True))
    found, missing = [], []
    for mark in landmarks:
        answer = answers[mark.mask]
        if answer is None:
            missing.append(mark)
        else:
            score = answer.comparison.score
            found.append(replace(mark, score=score.value, low=score.low, high=score.high, n=score.n))
    return found, missing


def _exact(question: Question, standing: Standing | None) -> Score | None:
    if standing is not None and standing.answer is not None:
        return standing.answer.comparison.score
    if question.stored is None:
        return None
    run, code = question.known.run, question.mask.code
    return cached.stored_comparison(question.view, run, code).score


def _of(question: Question) -> dict[str, Landmark]:
    """The visits to this run on these data, in their order, by code."""
    every: dict[object, dict[str, Landmark]] = st.session_state.setdefault(_VISITS, {})
    return every.setdefault((question.view.root, question.known.run, question.title), {})


def _spot(mark: Landmark, model: str) -> Spot:
    mask, share = mark.mask, _share(mark.mask, model)
    values = (mark.score, mark.low, mark.high, mark.n)
    return Spot(mark.name, mark.kind, mask.code, mask.heads_kept, mask.mlps_kept, share, *values, held=mark.held)


def _share(mask: Mask, model: str) -> float:
    """Share of the parameters in heads and MLPs that is kept; of their number, for a model of unknown width."""
    share = size_of(mask, model).share
    return share if share is not None else (mask.heads_kept + mask.mlps_kept) / (mask.heads.size + mask.n_layers)


def _words(n_visits: int, landmarks: bool) -> str:
    masks = "1 mask" if n_visits == 1 else f"{n_visits:,} masks"
    more = " Grey: the [[pruning path]], hollow where a step was taken back." if landmarks else ""
    order = "numbered in their order (where several lie close together, the newest)"
    return f"{masks} so far, {order}.{more} Click a point to bring its mask to the grid."
