"""Draws what another process computes as it comes in, while the rest of the page stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

T = TypeVar("T")
PACES = (0.3, 0.6, 1.2, 2.4)
"""Seconds between two looks, from alone to among many: few steps, since each change costs a run."""


def pace(ahead: int) -> float:
    """Returns the seconds between two looks at something that so many others come before.

    Each look costs the app a run, and the more there are the longer the wait: about 0.1 s for each of them.
    """
    return next((of for of in PACES if of >= 0.1 * ahead), PACES[-1])


def follow(
    first: T,
    look: Callable[[], T],
    over: Callable[[T], bool],
    draw: Callable[[T], None],
    *,
    every: Callable[[T], float],
    key: str,
) -> None:
    """Draws `first`, then again and again what `look` finds; once that is `over`, the page runs anew.

    To be called only while it is not over: the page then draws the end and calls this no more, which is what
    stops the looking. every: seconds until the next look, from what was found last. key: one of its own on the page.
    """
    unseen = [first]

    def look_again() -> None:
        if unseen:  # called by the fragment around it: there is none to rerun yet
            draw(unseen.pop())
            return
        found = look()
        if over(found):
            st.rerun()
        if every(found) != now[0]:
            unseen.append(found)
            st.rerun(scope=key)
        draw(found)

    now = [0.0]

    @st.fragment(key=key)
    def at_its_pace() -> None:
        now[0] = every(unseen[-1] if unseen else first)
        st.fragment(look_again, run_every=now[0])()

    at_its_pace()
