"""Two masks beside each other below the lab's grid, A and B, paired on the same examples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st
from numpy.typing import NDArray

from explorer.errors import BadMask
from explorer.figures.grid_overlays import Marks
from explorer.figures.print.tables import score_table
from explorer.figures.score import score_figure
from explorer.mask import Mask
from explorer.stats.against_full import Comparison, compared
from explorer.stats.intervals import Score
from explorer.store.schema import Run
from explorer.study.learnt import line_to_keep
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, link, notices, state
from explorer.ui.pages.lab import flips
from explorer.ui.scoring import score_panel
from explorer.ui.scoring.request import Question, Standing
from explorer.ui.scoring.sweep import Sweep
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.words import minus

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData

_PINNED, _FOUND = "lab.pinned", "lab.compared"
_SWEEP = "compare"
_NAMES = flips.Names("A", "B", "A", "B", "A and B give the same answers", ("Right in A only", "Right in B only"))


@dataclass(frozen=True)
class Pinned:
    """The masks that are held; without b, the grid is B."""

    a: Mask | None = None
    b: Mask | None = None

    @property
    def in_url(self) -> dict[str, str]:
        """The part of the page's address that holds the masks."""
        return {name: mask.code for name, mask in (("a", self.a), ("b", self.b)) if mask is not None}


def pinned(known: KnownRun) -> Pinned:
    """What the session holds for a run; the first time, what the link says."""
    every: dict[Run, Pinned] = st.session_state.setdefault(_PINNED, {})
    if known.run not in every:
        every[known.run] = Pinned(_asked("a", known), _asked("b", known))
    return every[known.run]


def show(question: Question, standing: Standing | None) -> None:
    """Both masks with what tells them apart, both scores, their paired difference and the examples that flip."""
    held = pinned(question.known)
    link.amend(**{"a": "", "b": ""} | held.in_url)  # the page around this panel wrote the rest
    a, b = held.a, held.b or question.mask
    _choose(question, held)
    if a is None:
        st.caption(
            "Pin a mask as A; then whatever is on the grid is compared with it, on the same examples. "
            "Pin B too to hold both. The link of this page holds them."
        )
        return
    if a == b:
        st.caption("A and B are the same mask. Switch something on the grid, or pin another.")
        return
    _grids(question, a, b)
    if standing is None:
        _stored(question, a, b)
    elif standing.evaluator is not None:
        _live(question, standing, standing.evaluator, a, b)


def _choose(question: Question, held: Pinned) -> None:
    run, grid = question.known.run, question.mask
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _button("Pin the grid as A", "a", ":material/push_pin:", grid == held.a, run, Pinned(grid, held.b))
        _button("Pin the grid as B", "b", ":material/push_pin:", grid == held.b, run, Pinned(held.a, grid))
        if held.a is not None:
            _button("Swap", "swap", ":material/swap_horiz:", False, run, Pinned(held.b or grid, held.a))
        if held.b is not None:
            _button("Let B follow the grid", "follow", ":material/my_location:", False, run, Pinned(held.a))
        for name, mask in (("A", held.a), ("B", held.b)):
            if mask is not None and mask != grid:
                st.button(f"Put {name} on the grid", on_click=state.set_mask, args=(run, mask), key=f"lab.show.{name}")


def _button(label: str, name: str, icon: str, disabled: bool, run: Run, after: Pinned) -> None:
    def pin() -> None:
        st.session_state[_PINNED][run] = after

    st.button(label, icon=icon, disabled=disabled, key=f"lab.compare.{name}", on_click=pin)


def _grids(question: Question, a: Mask, b: Mask) -> None:
    marks_of = cached.landmarks(question.view, question.known.run, question.known.shape)
    names = {mark.mask: mark.name for mark in marks_of}  # a ticket's name rather than the step that ends in it
    marks = Marks(a.heads != b.heads, a.mlps != b.mlps, "Differs between the two")
    for side, name, mask in zip(st.columns(2, gap="large"), ("A", "B"), (a, b), strict=True):
        with side:
            st.markdown(f"**{name}**" + (f": {names[mask]}" if mask in names else ""))
            exhibits.grid(
                mask,
                key=f"lab.compare.grid.{name}",
                title=f"Mask {name}",
                caption="× = switched off; bold edge: differs between the two.",
                revision=f"{name}-{mask.code}",
                marks=marks,
                disabled=True,
            )


def _stored(question: Question, a: Mask, b: Mask) -> None:
    """Draws what the bundle knows of a run whose checkpoint is not here."""
    found = [question.known.by_code.get(mask.code) for mask in (a, b)]
    if found[0] is None or found[1] is None:
        unknown = " and ".join(name for name, one in zip("AB", found, strict=True) if one is None)
        st.caption(f"This bundle stores no score of {unknown}, and the checkpoint that could give one is not here.")
        return
    predictions = found[0].predictions, found[1].predictions
    known = question.known
    full = cached.stored_full(question.view, known.run)
    _said(question, _paired(question, a, b, predictions, known.labels), full)


def _live(question: Question, standing: Standing, evaluator: ModelOnData, a: Mask, b: Mask) -> None:
    sweep = Sweep(_SWEEP, evaluator, (a, b))
    answers = sweep.known()
    if answers[0] is None or answers[1] is None:
        missing = [mask for mask, answer in zip((a, b), answers, strict=True) if answer is None]
        if missing == [question.mask] and not standing.over:
            st.caption("As soon as every example is scored.")
            return
        sweep.start()
        sweep.follow()
        return
    of_a, of_b = answers[0].evaluation, answers[1].evaluation
    predictions = evaluator.predictions(of_a), evaluator.predictions(of_b)
    found = _paired(question, a, b, predictions, evaluator.labels)
    _said(question, found, evaluator.interval(evaluator.full))
    flips.show(evaluator.examples, of_b.logits, of_a.logits, _NAMES, key="lab.compare.flips")


def _paired(
    question: Question, a: Mask, b: Mask, predictions: tuple[NDArray[Any], NDArray[Any]], labels: NDArray[Any]
) -> Comparison:
    """B against A; the last one is kept, since a bootstrap takes a while."""
    said = tuple(hashlib.sha256(one.tobytes()).hexdigest() for one in predictions)  # verification may correct them
    of = (question.view.root, question.view.stamp, question.known.run, question.title, a, b, said)
    asked, found = st.session_state.get(_FOUND, (None, None))
    if asked != of or found is None:
        found = compared(question.known.task, predictions[1], predictions[0], labels)
        st.session_state[_FOUND] = (of, found)
    return found


def _said(question: Question, found: Comparison, full: Score) -> None:
    metric = question.known.task.metric_words.capitalize()
    where = question.title
    words = score_panel.in_words(found, ("B", "A"), ("are right in A only", "are right in B only"))
    difference = found.difference.difference
    gap = "" if difference != difference else f"B minus A: **{minus(f'{difference:+.3f}')}**. "
    st.markdown(exhibits.say(f"{metric} on {where}. {gap}{words}", "lab.compare"))
    baseline, names = question.baseline, ("B", "A")
    exhibits.plot(
        score_figure(
            found.score,
            found.full,
            line_to_keep(full, baseline),
            majority=baseline.score,
            majority_title=baseline.title,
            names=names,
        ),
        key="lab.compare.scores",
        title=f"Two masks on {where}",
        caption="A and B with 95% intervals over examples.",
        data=lambda: score_table(found.score, found.full, names),
    )


def _asked(name: str, known: KnownRun) -> Mask | None:
    code = link.asked(name)
    if not code:
        return None
    try:
        return Mask.from_code(code, *known.shape)
    except BadMask as error:
        notices.notice(f"The link's mask {name.upper()} was left out. {error}")
        return None
