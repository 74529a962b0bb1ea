"""One entry a page in the browser's history: Back and Forward leave the page, undo and redo walk its masks."""

from __future__ import annotations

import streamlit as st

_JS = """
// Streamlit adds an entry whenever the address changes: then Back would undo the address and nothing else on screen.
export default function () {
  if (window.oneEntryAPage) return;
  window.oneEntryAPage = true;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const samePage = url == null || new URL(url, location.href).pathname === location.pathname;
    return samePage ? history.replaceState(state, title, url) : push(state, title, url);
  };
}
"""
_component = st.components.v2.component("one_entry_a_page", css=":host { display: none; }", js=_JS)


def keep_one_entry_a_page() -> None:
    """Makes a change of the address within a page take the place of its entry, from now on."""
    with st.container(key="one-entry-a-page", height=1, border=False):
        _component(key="one_entry_a_page")
