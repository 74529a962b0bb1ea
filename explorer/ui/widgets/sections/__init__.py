"""Sections of a long page that a link may lead to: their headings, and the way to the one that a link asks for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.ui import link
from explorer.ui.widgets.scripts import script

TOP = "top"
"""The section that a link leads to which is about the page from its top."""
_HERE = Path(__file__).parent
_component = st.components.v2.component("sections", css=":host { display: none; }", js=script(_HERE / "sections.js"))


def heading(name: str, title: str) -> None:
    """Writes the heading of a section. name: what links call it."""
    with st.container(key=f"section-{name}"):
        st.subheader(title, anchor=False)


def arrive() -> None:
    """Goes to the section that the link asks for, once it is drawn; call it before the page reads its link."""
    wanted = link.now(link.AT) or ""
    if wanted:
        link.ask_again()
    with st.container(key="sections-way", height=1, border=False):
        _component(key="sections", data={"to": wanted if wanted.isidentifier() and wanted != TOP else ""})
