"""The Patterns page alone, on a tiny bundle and a tiny model made on the spot; it names the head that is chosen."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from explorer.store.schema import Run
from explorer.ui import cached, cached_models, state
from explorer.ui.pages.patterns import page
from tests import bundles


@st.cache_resource
def made():
    folder = Path(tempfile.mkdtemp())
    bundle = bundles.small_bundle(folder / "bundle", stages=("structured",))
    bundles.with_attention(bundle, Run(bundles.MODEL, "MRPC", 1337))
    return folder


@st.cache_resource
def tiny_model():
    from tests import tiny

    return tiny.finetuned(made() / "model")


cached_models.classifier = lambda *_: tiny_model()
st.set_page_config(layout="wide")
root = made() / "bundle"
page.page(state.select(root, 0.0, cached.manifests(root, 0.0)))
