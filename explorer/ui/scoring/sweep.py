"""Several masks scored for one session, in the worker, with a progress bar; then the page runs anew and finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from explorer.errors import ExplorerError
from explorer.live.worker import Done, Dropped, Failed, Job, Running
from explorer.mask import Mask
from explorer.ui import cached
from explorer.ui.scoring import polling

if TYPE_CHECKING:
    from explorer.live.evaluator import Evaluator
    from explorer.live.scoring import Answer


def known(name: str, evaluator: Evaluator, masks: Sequence[Mask]) -> list[Answer | None]:
    """What is known of each mask: all of it once the sweep of that name over just these is done, else by the ledger."""
    from explorer.live.scoring import known_answer

    job = _job(name, evaluator, masks)
    if job is not None and isinstance(job.news, Done):
        return list(job.news.result)
    ledger, _ = cached.ledger()
    return [known_answer(evaluator, mask, ledger) for mask in masks]


def start(name: str, session: str, evaluator: Evaluator, masks: Sequence[Mask]) -> None:
    """Hands the masks to the worker, unless this session waits for just these under this name. Those that are known
    already cost nothing: give the same masks throughout, whatever is known of them meanwhile."""
    from explorer.live.scoring import score_many

    job = _job(name, evaluator, masks)
    if job is not None and not isinstance(job.news, Dropped):
        return
    ledger, _ = cached.ledger()
    try:
        job = cached.worker().submit(f"{session}.{name}", score_many(evaluator, masks, ledger))
    except ExplorerError as error:
        st.caption(str(error))
        return
    st.session_state[_key(name)] = (_identity(evaluator, masks), job)


def follow(name: str, evaluator: Evaluator, masks: Sequence[Mask]) -> None:
    """Draws how far the sweep over these masks is, or why it failed."""
    job = _job(name, evaluator, masks)
    if job is None:
        return
    news: Any = job.news
    if isinstance(news, Failed):
        st.error(str(news.error), icon=":material/error:")
    elif not job.over:
        total = len(masks)

        def draw(news: Any) -> None:
            done = news.news if isinstance(news, Running) else 0
            st.progress(done / total, text=f"Scored {done} of {total} masks …")

        polling.follow(news, lambda: job.news, lambda _: job.over, draw, every=0.5)


def _identity(evaluator: Evaluator, masks: Sequence[Mask]) -> tuple[str, ...]:
    return evaluator.checkpoint_sha256, evaluator.examples.sha256, *(mask.code for mask in masks)


def _job(name: str, evaluator: Evaluator, masks: Sequence[Mask]) -> Job[tuple[Answer, ...]] | None:
    asked, job = st.session_state.get(_key(name), (None, None))
    return job if asked == _identity(evaluator, masks) else None


def _key(name: str) -> str:
    return f"lab.sweep.{name}"
