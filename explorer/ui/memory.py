"""The app's own process within its bound on memory: what pages keep between reruns can be read again."""

from __future__ import annotations

import sys

import streamlit as st

from explorer.live.memory_bound import APP, MemoryBound
from explorer.ui import cached


@st.cache_resource(show_spinner=False)
def bound() -> MemoryBound:
    """The bound of this process: models that answer typed text go first, then whatever was read from bundles."""
    return MemoryBound(APP, (_models, _read))


def _models() -> bool:
    models = sys.modules.get("explorer.ui.cached_models")  # no page has asked for a model where it is not there
    return models is not None and bool(models.forget_models())


def _read() -> bool:
    st.cache_data.clear()
    cached.attention_samples.clear()
    return False
