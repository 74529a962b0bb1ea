"""Imports what other pages will need, while somebody looks at the first one."""

from __future__ import annotations

import importlib
import threading

import streamlit as st
from threadpoolctl import threadpool_limits

_LIBRARIES = ("scipy.stats", "sklearn.metrics", "statsmodels.stats.contingency_tables", "krippendorff", "altair")
"""The slow ones; a page imports the rest itself."""


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """Imports the slow libraries in the background, once a process.

    Linear algebra takes one thread in this process: what pages compute is small, and threads that wait for each other
    took many times as long beside scores that are being computed.
    """
    threadpool_limits(1, user_api="blas")
    thread = threading.Thread(target=_import_all, name="import-ahead", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)
    threadpool_limits(1, user_api="blas")  # of what came with them
