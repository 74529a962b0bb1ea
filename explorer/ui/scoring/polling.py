"""Draws what another process computes as it comes in, while the rest of the page stays as it is."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

T = TypeVar("T")
PACES = (0.3, 0.6, 1.2, 2.4, 4.8)
"""Seconds between two looks, from alone to among many: few steps, since each change costs a run."""


LOOKS_NICENESS = 8
"""Niceness of the thread that looks; a page or a click is drawn, and scores are computed, at 0."""


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
) -> None:
    """Draws `first`, then again and again what `look` finds; once that is `over`, the page runs anew.

    To be called only while it is not over: the page then draws the end and calls this no more, which is what
    stops the looking. every: seconds until the next look, from what was found last.
    """
    unseen, now = [first], [every(first)]

    def look_again() -> None:
        if unseen:  # called by the page: there is no fragment to rerun yet
            draw(unseen.pop())
            return
        _give_way()
        found = look()
        if over(found):
            st.rerun()
        if (wanted := every(found)) != now[0]:
            now[0] = wanted
            _look_every(wanted)
        draw(found)

    st.fragment(look_again, run_every=now[0])()


def _give_way() -> None:
    """Lets scoring have the processor before this thread, which ends with the run: a look may come a moment later.

    Linux alone gives each thread a niceness of its own.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOOKS_NICENESS)


def _look_every(seconds: float) -> None:
    """Changes how often the fragment that runs now is run again.

    Says to the browser what st.fragment says where it is called; st.rerun may name no fragment but the one that runs.
    """
    context, fragment = get_script_run_ctx(), ThreadState.get().fragment_id
    if context is not None and fragment is not None:
        message = ForwardMsg()
        message.auto_rerun.interval, message.auto_rerun.fragment_id = seconds, fragment
        context.enqueue(message)
