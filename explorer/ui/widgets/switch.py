"""A switch between a few names that is never empty and starts from the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from explorer.ui import link

Name = TypeVar("Name", bound=str)


def switch(label: str, names: Mapping[Name, str], parameter: str, key: str) -> Name:
    """The chosen of `names` (name -> words on screen), at first what the address says, else the first of them.

    The choice stays when the page is left and come back to. The caller writes it into the address; where that then
    says something else, a link was followed, and it counts again.
    """
    kept = f"{key}.kept"
    before = st.session_state.get(kept)
    if before not in names:  # chosen where other names were offered
        before = None
    if st.session_state.get(key) not in names:
        st.session_state.pop(key, None)
    wanted = link.now(parameter)
    if wanted in names and wanted != before:
        st.session_state[key] = wanted
    elif wanted is not None and wanted not in names and wanted != st.session_state.get(kept):
        link.refuse(parameter, wanted, names)
    if key not in st.session_state:
        st.session_state[key] = before or next(iter(names))
    chosen = st.segmented_control(
        label,
        list(names),
        format_func=names.__getitem__,
        required=True,
        key=key,
        label_visibility="collapsed",
        wrap=True,
    )
    st.session_state[kept] = chosen or before or next(iter(names))
    name: Name = st.session_state[kept]
    return name
