"""Page: the audience switches off as many heads as it can and stays above 90%, against the gradient and chance."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from explorer.mask import Mask
from explorer.store.schema import Run
from explorer.study.stored_scores import KnownRun
from explorer.study.words import with_interval
from explorer.ui import cached, cached_models, notices, state
from explorer.ui.pages.game import attempts, opponents
from explorer.ui.pages.game.opponents import Opponent, opponent_of
from explorer.ui.pages.game.race import Racer, race
from explorer.ui.pages.game.result_card import Result, result_card
from explorer.ui.scoring import checkpoint_words, dev_data, opening, request
from explorer.ui.view import View
from explorer.ui.widgets import glossary, imported, page_title
from explorer.ui.widgets.head_grid import head_grid
from explorer.ui.widgets.words import minus

_MINE = "game.mine_before"
"""Run -> the mask that was on the grid before the gradient's."""
_STYLE = """<style>
.game { display: flex; flex-wrap: wrap; gap: .2rem 2.2rem; align-items: baseline; }
.game div b { display: block; font-size: clamp(2.4rem, 3.6vw, 4.6rem); line-height: 1.05; font-weight: 700;
  font-variant-numeric: tabular-nums; }
.game div { max-width: 11rem; }
.game div span { font-size: 1rem; line-height: 1.25; display: block; }
.game div.second b { font-size: clamp(1.6rem, 2.6vw, 2.4rem); }
.game-verdict { min-height: 4.2rem; box-sizing: border-box; }
.st-key-game-top h2 { font-size: 1.5rem; padding: 0; }
[data-testid=stMainBlockContainer] { padding-top: 2.2rem; padding-inline: clamp(.75rem, 3vw, 3rem); }
@media (max-width: 640px) { [data-testid=stMainBlockContainer] { padding-top: 3.6rem; } }
.game-verdict { font-size: 1.3rem; font-weight: 650; padding: .35rem .8rem; border-left: .4rem solid;
  margin-top: .4rem; }
.game-verdict small { display: block; font-weight: 400; font-size: .95rem; opacity: .8; }
.game-verdict.held { border-color: #009e73; background: color-mix(in oklab, #009e73 14%, transparent); }
.game-verdict.fell { border-color: #d55e00; background: color-mix(in oklab, #d55e00 14%, transparent); }
.game-verdict.wait { border-color: #888; }
</style>"""


def page(view: View) -> None:
    """Draws the grid on the left; the score and the opponents on the right."""
    if imported.without_weights(view):
        imported.show(
            view,
            "How many heads can you switch off?",
            "The authors' files hold masks and scores, no weights: the game needs a model that can be scored.",
            "sports_esports",
        )
        return
    opening.choose_task(view)
    run = view.run
    known = cached.known(view, run)
    if not known.full.mask.is_full:
        st.info(
            "Heads had been cut out of this model before it came here, so nobody would begin from the same place: the "
            "game needs a model that has every head. The lab switches off what is left of this one.",
            icon=":material/content_cut:",
        )
        return
    state.mask_of(run, known.shape)  # reads the link
    st.html(_STYLE)
    notices.show()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="game-top"):
        st.header(page_title.task_question(run.task), width="content", anchor=False)
        withheld = dev_data.is_withheld(view, run)
        source = dev_data.DataSource(cached_models.FOLDER) if withheld else dev_data.choose_data(known.task)
        withheld = withheld or source.kind == cached_models.STORED
    glossary.write(
        f"**How many [[head|heads]] can you switch off?** Stay above 90% of the [[full model|full model's]] {run.task} "
        f"{known.task.metric_words}. Only heads count: an [[MLP]] that is off costs score and earns nothing."
    )
    _game(view, known, source, withheld, opponent_of(view, known))


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
        # a place for each part, however much it draws: what is below would move, and be on the page twice meanwhile
        attempt, racers, checkpoint, against, share, best = (st.container() for _ in range(6))
    with attempt:
        evaluator = attempts.show(view, known, mask, question, enters=not copied)
    with checkpoint:
        if question is not None:
            checkpoint_words.tell(question, evaluator)
    with against:
        opponents.show(known, mask, question, evaluator, opponent)
    with racers:
        _race(known, mask, question, opponent, copied=copied)
    with share:
        _keep_and_share(known, question, opponent)
    with best:
        attempts.table(known, question)


def _race(
    known: KnownRun, mask: Mask, question: request.Question | None, opponent: Opponent | None, *, copied: bool
) -> None:
    """You, the gradient and chance, by the most heads that each switched off and still held."""
    mine, chance = attempts.best(known, question), opponents.chance_off(known, question)
    tried = None if copied else mask.heads.size - mask.heads_kept
    words = minus(f"best so far: {mine.score:.3f}") if mine else "nothing has held yet"
    racers = (
        Racer("you", "You", mine.off if mine else None, f"{words}; dashed: on the grid", tried),
        Racer("gradient", "Gradient", opponent.off if opponent else None, opponent.words if opponent else "not pruned"),
        Racer("chance", "Chance", chance, "most that half of its draws held" if chance is not None else "to be drawn"),
    )
    race(racers, mask.heads.size, key="game.race")


def _keep_and_share(known: KnownRun, question: request.Question | None, opponent: Opponent | None) -> None:
    """Brings the best mask back to the grid, and hands out a picture of it."""
    mine = attempts.best(known, question)
    if mine is None:
        return
    mask = Mask.from_code(mine.code, *known.shape)
    where = question.title if question else f"{known.task.name} dev"
    metric = known.task.metric_words.capitalize()
    words = f"{metric} {with_interval(mine.score, mine.low, mine.high)} on {where}"
    against = f"The gradient switched off {opponent.off}." if opponent else ""

    with st.container(horizontal=True, gap="small"):
        st.button(
            "Bring my best back",
            icon=":material/history:",
            key="game.bring",
            on_click=state.set_mask,
            args=(known.run, mask),
        )
        st.download_button(
            "Result card",
            _picture(mine.code, known.shape, words, against, _link(known.run, mine.code)),
            file_name=f"heads-off-{mine.off}.png",
            mime="image/png",
            icon=":material/image:",
            key="game.card",
            on_click="ignore",
        )


@st.cache_data(show_spinner=False, max_entries=64)
def _picture(code: str, shape: tuple[int, int], score: str, against: str, link: str) -> bytes:
    """Draws the card before it is asked for: what is drawn at the press is lost when the page runs again meanwhile."""
    return result_card(Result(Mask.from_code(code, *shape), score, against, link))


def _link(run: Run, code: str) -> str:
    url = st.context.url
    return f"{url}?{urlencode({'model': run.model, 'task': run.task, 'seed': run.seed, 'mask': code})}" if url else ""


def _show_the_gradients(known: KnownRun, opponent: Opponent) -> None:
    mask = state.mask_of(known.run, known.shape)
    if mask != opponent.step.mask:
        st.session_state.setdefault(_MINE, {})[known.run] = mask
    state.set_mask(known.run, opponent.step.mask)


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
                on_click=_show_the_gradients,
                args=(known, opponent),
            )
        mine = st.session_state.get(_MINE, {}).get(known.run)
        on_grid = state.mask_of(known.run, known.shape)
        if mine is not None and opponent is not None and on_grid == opponent.step.mask:
            st.button(
                "Back to mine", icon=":material/undo:", key="game.mine", on_click=state.set_mask, args=(known.run, mine)
            )
