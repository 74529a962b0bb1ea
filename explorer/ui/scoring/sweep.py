"""Several masks scored for one session, in the worker, with a progress bar; then the page runs anew and finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from explorer.live.worker import Done, Dropped, Failed, Running
from explorer.mask import Mask
from explorer.ui import cached_models
from explorer.ui.as_text import plain
from explorer.ui.scoring.background import Background

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData
    from explorer.live.scoring import Answer


@dataclass(frozen=True)
class Sweep:
    """The masks that one panel of a session wants scored by one model on one dev set.

    Masks that are known already cost nothing: give the same masks throughout, whatever is known of them meanwhile.
    """

    name: str
    evaluator: ModelOnData
    masks: Sequence[Mask]

    def known(self) -> list[Answer | None]:
        """The answer on each mask: of all once this sweep is done, else as far as the ledger knows them."""
        from explorer.live.scoring import known_answer

        news = self._background.news
        if isinstance(news, Done):
            return list(news.result)
        ledger, _ = cached_models.ledger()
        return [known_answer(self.evaluator, mask, ledger) for mask in self.masks]

    def start(self) -> None:
        """Hands the masks to the worker, unless this session waits for just these already, or they have failed."""
        if self._background.to_start:
            self._start()

    def _start(self) -> None:
        from explorer.live.scoring import ScoreMany

        if trouble := self._background.start(ScoreMany(self.evaluator, tuple(self.masks))):
            st.caption(plain(trouble))

    def follow(self) -> None:
        """Draws how far the sweep is, or why it failed; the page runs anew as soon as the sweep is done.

        To be called only where `known` had no answer on some mask: the sweep may have ended since.
        """
        self._background.follow(self._draw, every=0.5)

    def _draw(self, news: Any) -> None:
        if isinstance(news, Done):  # since `known` was asked
            st.rerun()
        if isinstance(news, Failed):
            st.error(plain(str(news.error)), icon=":material/error:")
            st.button("Try again", icon=":material/refresh:", key=f"sweep.{self.name}.again", on_click=self._start)
        elif not isinstance(news, Dropped):
            done, total = news.news if isinstance(news, Running) else 0, len(self.masks)
            st.progress(done / total, text=f"Scored {done} of {total} masks …")

    @cached_property
    def _background(self) -> Background[tuple[Answer, ...]]:
        codes = (mask.code for mask in self.masks)
        of = self.evaluator
        identity = (of.checkpoint_sha256, of.examples.sha256, of.engine_version, *codes)
        return Background(f"sweep.{self.name}", identity)
