"""Errors as a person sees them; and `plain`, `code` and `with_code`, with which whatever else is foreign is shown."""

from __future__ import annotations

import streamlit as st

from explorer.errors import ExplorerError
from explorer.ui import visitor
from explorer.ui.as_text import code as code
from explorer.ui.as_text import plain as plain
from explorer.ui.as_text import with_code as with_code


def failed(error: ExplorerError) -> None:
    """What is wrong, and below it what mends it."""
    st.error(plain(visitor.without_folders(error.wrong)), icon=":material/error:")
    if error.mend:
        st.markdown(with_code(visitor.without_folders(error.mend)))
