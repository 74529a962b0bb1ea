"""Whom the audience plays against: the gradient, which is how far pruning got, and chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from explorer.live.worker import Done, Failed, Running
from explorer.mask import Mask
from explorer.store.schema import Key
from explorer.study.stored_scores import KnownRun
from explorer.tickets.pruning_path import PathStep, path_of
from explorer.tickets.structured import threshold_of
from explorer.ui import cached, notices
from explorer.ui.as_text import plain
from explorer.ui.scoring.background import Background
from explorer.ui.scoring.request import Question
from explorer.ui.view import View
from explorer.ui.widgets.words import minus

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData
    from explorer.live.random_opponent import RandomOpponent

DRAWS = 20
"""Masks that chance may try."""
_PLAYED = "game.chance"
_REMEMBERED = 200
"""Results of chance that a session remembers, one for each number of heads off."""


@dataclass(frozen=True)
class Opponent:
    """The gradient: how far pruning got."""

    step: PathStep
    words: str
    """Words for what was pruned."""

    @property
    def off(self) -> int:
        """Heads off at the last step that held."""
        return int(self.step.mask.heads.size - self.step.mask.heads_kept)


def opponent_of(view: View, known: KnownRun) -> Opponent | None:
    """Pruning heads alone, else heads with MLPs; None where neither was done for this run."""
    words = {"heads": "pruning heads alone", "together": "pruning heads and MLPs together"}
    for variant, pruned in words.items():
        key = Key(known.run, "structured", variant)
        if view.has(key):
            return Opponent(path_of(cached.artefact(view, key), known.shape).ticket, pruned)
    return None


def show(
    known: KnownRun,
    mask: Mask,
    question: Question | None,
    evaluator: ModelOnData | None,
    opponent: Opponent | None,
) -> None:
    """Draws how the mask on the grid compares with the gradient's ticket and with masks drawn at random.

    known: the run's stored scores. mask: the one on the grid. question: what is asked of it, None where the run's
    checkpoint is not here. evaluator: the loaded model, None until then. opponent: the gradient, None where nothing
    was pruned.
    """
    off = mask.heads.size - mask.heads_kept
    st.markdown("##### Against the gradient")
    if opponent is None:
        st.markdown("Nothing was pruned for this run, so the gradient does not play.")
    else:
        step = opponent.step
        mlps = step.mask.n_layers - step.mask.mlps_kept
        too = f" and {mlps} of {step.mask.n_layers} MLPs" if mlps else ""
        copied = mask == step.mask
        lead = (
            "That is the mask on the grid."
            if copied
            else "You are ahead."
            if off > opponent.off
            else "A draw."
            if off == opponent.off
            else ""
        )
        st.markdown(
            f"It switched off **{opponent.off}** heads{too} and scored {minus(f'{step.score:.3f}')} on "
            f"{known.task.name} dev ({opponent.words}). {lead if off else ''}"
        )
    st.markdown("##### Against chance")
    if question is None or evaluator is None:
        st.markdown(_stored_chance(known) if question is None else "Chance plays once the model is loaded.")
    elif off in (0, mask.heads.size):
        st.markdown("Switch some heads off first: chance then switches off as many.")
    else:
        _chance(question, evaluator, off)


def chance_off(known: KnownRun, question: Question | None) -> int | None:
    """The most heads that chance switched off and held in at least half of its draws; None where it never played."""
    if question is None:
        return None
    played: dict[int, tuple[int, int]] = st.session_state.get(_PLAYED, {}).get((known.run, question.title), {})
    return max((off for off, (held, tried) in played.items() if 2 * held >= tried), default=0) if played else None


def _stored_chance(known: KnownRun) -> str:
    found = [of for of in known.by_code.values() if of.kind == "random"]
    if not found:
        return "Without the model, chance cannot play."
    line = threshold_of(known.full.score)
    one = found[0]
    held = "held" if one.score >= line else "fell below the line"
    off, mlps = one.mask.heads.size - one.mask.heads_kept, one.mask.n_layers - one.mask.mlps_kept
    return (
        f"Stored: one random draw with {off} heads and {mlps} MLPs off scored {minus(f'{one.score:.3f}')}; it {held}."
    )


def _chance(question: Question, evaluator: ModelOnData, off: int) -> None:
    identity = (question.view.root, question.known.run, question.title, off)
    background: Background[RandomOpponent] = Background("chance", identity, kept=_REMEMBERED)
    if isinstance(failed := background.news, Failed):
        _chance_words(failed, off)
    if background.to_start or isinstance(failed, Failed):
        st.button(
            f"Let chance switch off {off}, {DRAWS} times",
            icon=":material/casino:",
            key="game.draw",
            on_click=_draw,
            args=(background, question, evaluator, off),
        )
        return

    def draw(news: object) -> None:
        if isinstance(news, Done):
            played = st.session_state.setdefault(_PLAYED, {}).setdefault((question.known.run, question.title), {})
            played[off] = (news.result.held, len(news.result.scores))
        _chance_words(news, off)

    background.follow(draw, every=1.0)


def _draw(background: Background[RandomOpponent], question: Question, evaluator: ModelOnData, off: int) -> None:
    from explorer.live.random_opponent import PlayAtRandom, random_masks

    masks = random_masks(question.known.shape, off, DRAWS, question.known.run.seed)
    if trouble := background.start(PlayAtRandom(evaluator, masks, off, threshold_of(evaluator.full.score))):
        notices.notice(trouble)


def _chance_words(news: object, off: int) -> None:
    if isinstance(news, Failed):
        st.warning(plain(str(news.error)))
        return
    found: RandomOpponent | None = (
        news.result if isinstance(news, Done) else news.news if isinstance(news, Running) else None
    )
    if found is None or not found.scores:  # the first mask is still being scored
        st.markdown("Drawing …")
        return
    tried = len(found.scores)
    so_far = "" if tried == found.total else f" so far, {found.total - tried} to come"
    scores = minus(f"Scores from {min(found.scores):.3f} to {max(found.scores):.3f}, line {found.line:.3f}.")
    st.markdown(f"With {off} heads off at random, **{found.held} of {tried}** held{so_far}. {scores}")
