"""Page: the audience switches off as many heads as it can and stays above 90%, against the gradient and chance."""

from __future__ import annotations

import streamlit as st

from explorer.glue.metrics import METRIC_WORDS
from explorer.mask import Mask
from explorer.study.stored_scores import KnownRun
from explorer.ui import cached, cached_models, state
from explorer.ui.pages.game import attempts, opponents
from explorer.ui.pages.game.opponents import Opponent, opponent_of
from explorer.ui.scoring import checkpoint_words, dev_data, request
from explorer.ui.view import View
from explorer.ui.widgets.head_grid import head_grid

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


def page(view: View) -> None:
    """Draws the grid on the left; the score and the opponents on the right."""
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
    source = dev_data.DataSource(cached_models.FOLDER) if withheld else dev_data.choose_data(known.task)
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
        evaluator = attempts.show(known, mask, question, enters=not copied)
        if question is not None:
            with st.container():
                checkpoint_words.tell(question, evaluator)
        opponents.show(known, mask, question, evaluator, opponent)
        attempts.table(known, question)


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
