"""Several masks scored for one session, in the worker, with a progress bar; then the page runs anew and finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from explorer.errors import ExplorerError
from explorer.live.worker import Dropped, Failed, Job, Running
from explorer.mask import Mask
from explorer.ui import cached, polling

if TYPE_CHECKING:
    from explorer.live.evaluator import Evaluator


def start(name: str, session: str, evaluator: Evaluator, masks: Sequence[Mask]) -> None:
    """Hands the masks to the worker, unless this session waits for just these under this name."""
    from explorer.live.scoring import sweep

    of = _identity(evaluator, masks)
    asked, job = _job(name)
    if job is not None and asked == of and not isinstance(job.news, Dropped):
        return
    ledger, _ = cached.ledger()
    try:
        job = cached.worker().submit(f"{session}.{name}", sweep(evaluator, masks, ledger))
    except ExplorerError as error:
        st.caption(str(error))
        return
    st.session_state[_key(name)] = (of, job)


def follow(name: str, evaluator: Evaluator, masks: Sequence[Mask]) -> bool:
    """Draws how far the sweep over these masks is, or why it failed; whether there is one on its way."""
    asked, job = _job(name)
    if job is None or asked != _identity(evaluator, masks):
        return False
    if isinstance(job.news, Failed):
        st.error(str(job.news.error), icon=":material/error:")
        return False
    if job.over:
        return False
    total = len(masks)

    def draw(news: Any) -> None:
        done = news.news if isinstance(news, Running) else 0
        st.progress(done / total, text=f"Scored {done} of {total} masks …")

    first: Any = job.news
    polling.follow(first, lambda: job.news, lambda _: job.over, draw, every=0.5)
    return True


def _identity(evaluator: Evaluator, masks: Sequence[Mask]) -> tuple[str, ...]:
    return evaluator.checkpoint_sha256, evaluator.examples.sha256, *(mask.code for mask in masks)


def _job(name: str) -> tuple[tuple[str, ...], Job[Any] | None]:
    found: tuple[tuple[str, ...], Job[Any] | None] = st.session_state.get(_key(name), ((), None))
    return found


def _key(name: str) -> str:
    return f"lab.sweep.{name}"
