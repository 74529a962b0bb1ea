"""Terms with their sentences, as pages show them: `explorer.figures.glossary` holds the table and makes the HTML."""

from __future__ import annotations

from collections.abc import Container

import streamlit as st

from explorer.figures.glossary import STYLE, TERMS, noted, plain, rich, term

__all__ = ["TERMS", "caption", "noted", "panel", "plain", "rich", "style", "term", "write"]


def style() -> None:
    """Puts the look of terms and verdicts on the page, once a page."""
    st.html(STYLE)


def write(text: str) -> None:
    """Shows Markdown with terms."""
    st.markdown(rich(text), unsafe_allow_html=True)


def caption(text: str) -> None:
    """Shows Markdown with terms in small print."""
    st.caption(rich(text), unsafe_allow_html=True)


def panel(*, without: Container[str] = ()) -> None:
    """A folded list of every term with its sentence, for touch and for reading at leisure; without: terms that what is
    shown has nothing to do with."""
    terms = sorted((item for item in TERMS.items() if item[0] not in without), key=_letter)
    with st.expander("Glossary", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- **{name}**: {meaning}" for name, meaning in terms))


def _letter(item: tuple[str, str]) -> str:
    return item[0].lower()
