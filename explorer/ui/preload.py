"""Imports what other pages will need, while somebody looks at the first one."""

from __future__ import annotations

import importlib
import threading

import streamlit as st

_LIBRARIES = ("scipy.stats", "sklearn.metrics", "statsmodels.stats.contingency_tables", "krippendorff", "altair")
"""The slow ones; a page imports the rest itself."""


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """Imports the slow libraries in the background, once a process."""
    thread = threading.Thread(target=_import_all, name="import-ahead", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)
