"""Page: the audience switches off as many heads as it can and stays above 90%, against the gradient and chance."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import ExplorerError
from explorer.glue.metrics import METRIC_WORDS
from explorer.live.worker import Done, Dropped, Failed, Job, Running
from explorer.mask import Mask
from explorer.stats.intervals import Score, score_with_interval
from explorer.store.schema import Key
from explorer.store.stored_scores import KnownRun
from explorer.tickets.pruning_path import PathStep, path_of
from explorer.tickets.structured import threshold_of
from explorer.ui import cached, state
from explorer.ui.pages.stage.preparation import standing_of
from explorer.ui.pages.stage.scenes import against_line
from explorer.ui.scoring import dev_data, polling, request, score_panel
from explorer.ui.view import View
from explorer.ui.widgets.head_grid import head_grid

if TYPE_CHECKING:
    from explorer.live.evaluator import Evaluator
    from explorer.live.random_opponent import Chance

DRAWS = 20
"""Masks that chance may try."""
BEST = 5
"""Rows of the table."""
_BEST, _CHANCE = "game.best", "game.chance"
_STYLE = """<style>
.game { display: flex; flex-wrap: wrap; gap: .2rem 2.2rem; align-items: baseline; }
.game div b { display: block; font-size: clamp(2.4rem, 4.6vw, 4.6rem); line-height: 1.05; font-weight: 700;
  font-variant-numeric: tabular-nums; }
.game div span { font-size: 1.15rem; }
.game-verdict { font-size: 1.3rem; font-weight: 650; padding: .35rem .8rem; border-left: .4rem solid;
  margin-top: .4rem; }
.game-verdict small { display: block; font-weight: 400; font-size: .95rem; opacity: .8; }
.game-verdict.held { border-color: #009e73; background: color-mix(in oklab, #009e73 14%, transparent); }
.game-verdict.fell { border-color: #d55e00; background: color-mix(in oklab, #d55e00 14%, transparent); }
.game-verdict.wait { border-color: #888; }
</style>"""


@dataclass(frozen=True)
class Opponent:
    """The gradient: how far pruning got."""

    step: PathStep
    words: str
    """What it pruned."""

    @property
    def off(self) -> int:
        """Heads off at the last step that held."""
        return int(self.step.mask.heads.size - self.step.mask.heads_kept)


@dataclass(frozen=True)
class Try:
    """A mask that somebody scored."""

    off: int
    score: float
    low: float
    high: float
    code: str


def page(view: View) -> None:
    """The grid on the left; the score and the opponents on the right."""
    run = view.run
    known = cached.known(view, run)
    state.mask_of(run, known.shape)  # reads the link
    st.html(_STYLE)
    st.header("How many heads can you switch off?")
    state.show_notices()
    st.markdown(
        f"Switch heads off, as many as you can, and stay above 90% of the full model's {run.task} "
        f"{METRIC_WORDS[known.task.metric]}. Only heads count: an MLP that is off costs score and earns nothing."
    )
    withheld = dev_data.is_withheld(view, run)
    source = dev_data.DataSource(cached.FOLDER) if withheld else dev_data.choose_data(known.task)
    _game(view, known, source, withheld, opponent_of(view, known))


def opponent_of(view: View, known: KnownRun) -> Opponent | None:
    """Pruning heads alone, else heads with MLPs; None where neither was done for this run."""
    words = {"heads": "pruning heads alone", "together": "pruning heads and MLPs together"}
    for variant, told in words.items():
        key = Key(known.run, "structured", variant)
        if view.has(key):
            return Opponent(path_of(cached.artefact(view, key), known.shape).ticket, told)
    return None


def best_of(tries: Sequence[Try], new: Try) -> list[Try]:
    """The most heads off first, then the highest score; each mask once."""
    masks = {of.code: of for of in (*tries, new)}
    return sorted(masks.values(), key=lambda of: (-of.off, -of.score))[:BEST]


@st.fragment
def _game(view: View, known: KnownRun, source: dev_data.DataSource, withheld: bool, opponent: Opponent | None) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        _starts(known, opponent)
        mask = head_grid(
            state.mask_of(known.run, known.shape), revision=state.revision(known.run), key="game.grid", size="large"
        )
    state.adopt(known.run, mask)
    state.write_url(known.run, mask)
    with right:
        question = None if withheld else request.Question(view, known, source, mask)
        copied = opponent is not None and mask == opponent.step.mask
        evaluator = _own(known, mask, question, enters=not copied)
        _opponents(known, mask, question, evaluator, opponent)
        _table(known, question)


def _starts(known: KnownRun, opponent: Opponent | None) -> None:
    with st.container(horizontal=True, gap="small"):
        full = Mask.full(*known.shape)
        st.button(
            "Start over",
            icon=":material/restart_alt:",
            key="game.over",
            on_click=state.set_mask,
            args=(known.run, full),
        )
        if opponent is not None:
            st.button(
                "Show the gradient's",
                icon=":material/visibility:",
                key="game.gradient",
                on_click=state.set_mask,
                args=(known.run, opponent.step.mask),
            )


# ---- the audience's own mask


def _own(known: KnownRun, mask: Mask, question: request.Question | None, *, enters: bool) -> Evaluator | None:
    if question is None:
        stored = known.by_code.get(mask.code)
        score = score_with_interval(known.task.metric, stored.predictions, known.labels) if stored else None
        full = score_with_interval(known.task.metric, known.full.predictions, known.labels)
        metric = f"stored {_metric(known)} on {known.task.name} dev"
        _numbers(mask, score, full, metric if score else "no stored score for this mask")
        if score and enters:
            _record(known, question, mask, score, full)
        return None
    standing = standing_of(question)
    answer = standing.answer
    if answer is not None:
        found = answer.comparison
        _numbers(mask, found.score, found.full, f"{_metric(known)} on {question.title}")
        _tell_if_nothing_can_fall(question, found.full)
        if enters:  # the gradient's own mask is nobody's record
            _record(known, question, mask, found.score, found.full)
    elif isinstance(standing.news, Failed) and standing.over:
        score_panel.failed(standing.news.error)
    else:
        still = isinstance(standing.news, request.Loading)
        polling.follow(
            standing,
            lambda: standing_of(question, 0.0),
            lambda now: now.over or (still and not isinstance(now.news, request.Loading)),
            lambda now: _meanwhile(mask, question, now),
            every=request.LOADING_EVERY if still else request.SCORING_EVERY,
        )
    return standing.evaluator


def _meanwhile(mask: Mask, question: request.Question, standing: request.Standing) -> None:
    news, evaluator = standing.news, standing.evaluator
    if isinstance(news, Running) and evaluator is not None:
        words = f"{_metric(question.known)} on {news.news.done:,} of {news.news.total:,} examples so far"
        _numbers(mask, news.news.score, evaluator.interval(evaluator.full), words, sure=False)
        return
    words = "loading the model, once …" if isinstance(news, request.Loading) else "scoring …"
    _numbers(mask, None, None, f"{_metric(question.known)} on {question.title}: {words}")


def _numbers(mask: Mask, score: Score | None, full: Score | None, about: str, *, sure: bool = True) -> None:
    off, n = mask.heads.size - mask.heads_kept, mask.heads.size
    value = "…" if score is None else "undefined" if math.isnan(score.value) else f"{score.value:.3f}"
    if score is not None and not sure:
        value = f"≈ {value}"
    st.html(
        f"<div class='game'><div><b>{off}</b><span>of {n} heads off</span></div>"
        f"<div><b>{value}</b><span>{html.escape(about)}</span></div></div>{_verdict(score, full, sure)}"
    )


def _metric(known: KnownRun) -> str:
    return METRIC_WORDS[known.task.metric]


def _tell_if_nothing_can_fall(question: request.Question, full: Score) -> None:
    """Where 90% of the full model is no more than knowing nothing scores, the game has no stakes: that is said."""
    floor, line = question.floor, threshold_of(full.value)
    if floor.score >= line:
        st.caption(
            f":material/info: On {question.title} the full model scores little more than a guess: its 90% line "
            f"({line:.3f}) is no higher than the {floor.title} ({floor.score:.3f}), so that a mask that knows nothing "
            f"can hold. Play on {question.known.task.name} itself, or with another task."
        )


def _verdict(score: Score | None, full: Score | None, sure: bool) -> str:
    if score is None or full is None:
        return "<div class='game-verdict wait'>…</div>"
    line = threshold_of(full.value)
    held = score.value >= line
    words = against_line(score.value, score.low, score.high, line)
    kind = ("held" if held else "fell") if sure else "wait"
    lead = ("It holds" if held else "It fell") if sure else ("It seems to hold" if held else "It seems to fall")
    interval = f"95% interval {score.low:.3f} to {score.high:.3f}, " if score.low == score.low else ""
    return f"<div class='game-verdict {kind}'>{lead}: {words}<small>{interval}n = {score.n:,}</small></div>"


def _record(known: KnownRun, question: request.Question | None, mask: Mask, score: Score, full: Score) -> None:
    if mask.heads.all() or not score.value >= threshold_of(full.value):
        return
    tables: dict[str, list[Try]] = st.session_state.setdefault(_BEST, {})
    name = _where(known, question)
    new = Try(mask.heads.size - mask.heads_kept, score.value, score.low, score.high, mask.code)
    tables[name] = best_of(tables.get(name, []), new)


def _where(known: KnownRun, question: request.Question | None) -> str:
    return f"{known.run.path} {question.title if question else 'stored'}"


# ---- the opponents


def _opponents(
    known: KnownRun,
    mask: Mask,
    question: request.Question | None,
    evaluator: Evaluator | None,
    opponent: Opponent | None,
) -> None:
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
            f"It switched off **{opponent.off}** heads{too} and scored {step.score:.3f} on {known.task.name} dev "
            f"({opponent.words}). {lead if off else ''}"
        )
    st.markdown("##### Against chance")
    if question is None or evaluator is None:
        st.markdown(_stored_chance(known) if question is None else "Chance plays once the model is loaded.")
    elif off in (0, mask.heads.size):
        st.markdown("Switch some heads off first: chance then switches off as many.")
    else:
        _chance(question, evaluator, off)


def _stored_chance(known: KnownRun) -> str:
    found = [of for of in known.by_code.values() if of.origin == "the random subnetwork"]
    if not found:
        return "Without the model, chance cannot play."
    line = threshold_of(known.full.score)
    one = found[0]
    held = "held" if one.score >= line else "fell below the line"
    off, mlps = one.mask.heads.size - one.mask.heads_kept, one.mask.n_layers - one.mask.mlps_kept
    return f"Stored: one random draw with {off} heads and {mlps} MLPs off scored {one.score:.3f}; it {held}."


def _chance(question: request.Question, evaluator: Evaluator, off: int) -> None:
    name = f"{_where(question.known, question)} {off}"
    jobs: dict[str, Job[Chance]] = st.session_state.setdefault(_CHANCE, {})
    job = jobs.get(name)
    if job is not None and isinstance(job.news, Dropped):
        del jobs[name]
        job = None
    if job is None:
        words = f"Let chance switch off {off}, {DRAWS} times"
        st.button(
            words, icon=":material/casino:", key="game.draw", on_click=_draw, args=(question, evaluator, off, name)
        )
        return
    if job.over:
        _chance_words(job.news, off)
    else:
        started = job
        polling.follow(
            started.news, lambda: started.news, lambda _: started.over, lambda now: _chance_words(now, off), every=1.0
        )


def _draw(question: request.Question, evaluator: Evaluator, off: int, name: str) -> None:
    from explorer.live.random_opponent import draws, play

    masks = draws(question.known.shape, off, DRAWS, question.known.run.seed)
    work = play(evaluator, masks, off, threshold_of(evaluator.full.score))
    try:
        st.session_state[_CHANCE][name] = cached.worker().submit(f"{request.session()}.chance", work)
    except ExplorerError as error:
        state.notice(str(error))


def _chance_words(news: object, off: int) -> None:
    if isinstance(news, Failed):
        st.warning(str(news.error))
        return
    found: Chance | None = news.result if isinstance(news, Done) else news.news if isinstance(news, Running) else None
    if found is None:
        st.markdown("Drawing …")
        return
    tried = len(found.scores)
    so_far = "" if tried == found.total else f" so far, {found.total - tried} to come"
    st.markdown(
        f"With {off} heads off at random, **{found.held} of {tried}** held{so_far}. "
        f"Scores from {min(found.scores):.3f} to {max(found.scores):.3f}, line {found.line:.3f}."
    )


def _table(known: KnownRun, question: request.Question | None) -> None:
    tries: list[Try] = st.session_state.get(_BEST, {}).get(_where(known, question), [])
    if not tries:
        return
    st.markdown("##### Best so far")
    run = known.run
    rows = [
        {
            "heads off": of.off,
            "score": of.score,
            "95% interval": f"{of.low:.3f} to {of.high:.3f}" if of.low == of.low else "",
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
