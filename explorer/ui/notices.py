"""Sentences for the person at the top of the page: what a link asked for that is not here, what went wrong before."""

from __future__ import annotations

import streamlit as st

from explorer.ui.as_text import plain
from explorer.ui.visitor import without_folders

_KEPT = "notices.kept"
_PLACE = "notices.place"


def notice(sentence: str) -> None:
    """Keeps a sentence to tell the person at the top of the page, once."""
    told: list[str] = st.session_state.setdefault(_KEPT, [])
    if sentence not in told:
        told.append(sentence)


def show() -> None:
    """Shows the sentences that `notice` kept, and forgets them; call it where the page begins.

    Always in one container, which shows nothing while it is empty: else what follows would move up when a sentence
    goes, and stand on the page twice until that run ends.
    """
    st.session_state[_PLACE] = st.container()
    _tell()


def show_rest() -> None:
    """Shows in the same place what was kept since, once the page is drawn; without that place it waits for the next."""
    _tell()
    st.session_state.pop(_PLACE, None)


def _tell() -> None:
    place = st.session_state.get(_PLACE)
    if place is None:
        return
    with place:
        for sentence in st.session_state.pop(_KEPT, []):
            st.warning(plain(without_folders(sentence)), icon=":material/info:")
