"""Text that somebody typed, and errors that may quote it, shown as text and never as markup."""

from __future__ import annotations

import re

import streamlit as st

from explorer.errors import ExplorerError

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&])")


def plain(text: str) -> str:
    """Markdown that shows just this text."""
    return _MARKS.sub(r"\\\1", text)


def with_code(text: str) -> str:
    """Markdown that shows just this text, and what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    return "".join(f"`{part}`" if number % 2 else plain(part) for number, part in enumerate(parts))


def failed(error: ExplorerError) -> None:
    """What is wrong, and below it what mends it."""
    st.error(plain(error.wrong), icon=":material/error:")
    if error.mend:
        st.markdown(with_code(error.mend))
