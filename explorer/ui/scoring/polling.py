"""Draws what another thread computes as it comes in, while the rest of the page stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def follow(
    first: T, look: Callable[[], T], over: Callable[[T], bool], draw: Callable[[T], None], *, every: float
) -> None:
    """Draws `first`, then every so many seconds what `look` finds; once that is `over`, the page runs anew.

    To be called only while it is not over: the page then draws the end and calls this no more, which is what
    stops the looking.
    """
    unseen = [first]

    def look_again() -> None:
        if unseen:  # called by the page: there is no fragment to rerun yet
            draw(unseen.pop())
            return
        found = look()
        if over(found):
            st.rerun()
        draw(found)

    st.fragment(look_again, run_every=every)()
