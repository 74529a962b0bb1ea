"""A page with one head grid that the test can hold at a gate; the query parameters choose what it shows."""

import numpy as np
import streamlit as st

from explorer.figures.grid_overlays import NO_CLASS, Category, Classes, Marks, Overlay
from explorer.mask import Mask
from explorer.ui.widgets.head_grid import head_grid
from tests.browser.gate import knock

asked = st.query_params
layers, heads = int(asked.get("layers", 12)), int(asked.get("heads", 12))
st.set_page_config(layout="wide")


def overlay(title, seed):
    random = np.random.default_rng(seed)
    values = random.beta(1.1, 0.9, (layers, heads)).round(1)
    values[1, 2:4] = np.nan
    return Overlay(values, random.random(layers), title, low="never", high="always")


KINDS = [
    Category("vertical", "#E69F00", "M6 4V16M14 4V16"),
    Category("diagonal", "#56B4E9", "M4 4L16 16"),
    Category("block", "#0072B2", "M3.5 3.5h5.5v5.5h-5.5zM11 11h5.5v5.5h-5.5z"),
]


def classes():
    random = np.random.default_rng(3)
    return Classes(
        random.integers(0, 3, (layers, heads)), np.full(layers, NO_CLASS), "Attention pattern", KINDS, gap="no pattern"
    )


def marks():
    return Marks(np.eye(layers, heads, dtype=bool), np.arange(layers) == 0, "Switched off now")


def set_from_outside(mask):
    st.session_state.mask = mask
    st.session_state.revision += 1


def note_change():
    st.session_state.changes += 1
    st.session_state.told = st.session_state.grid["mask"]["code"]


st.session_state.setdefault("mask", Mask.full(layers, heads))
st.session_state.setdefault("revision", 0)
st.session_state.setdefault("changes", 0)
st.session_state.setdefault("told", "")
fill = classes() if "classes" in asked else overlay("Survives, of 5 seeds", 1) if "fill" in asked else None
ring = overlay("In the good ticket", 2) if "ring" in asked else None


def body():
    st.session_state.runs = st.session_state.get("runs", 0) + 1
    if st.checkbox("Show the grid", value=True):
        st.session_state.mask = head_grid(
            st.session_state.mask,
            revision=f"r{st.session_state.revision}",
            key="grid",
            fill=fill,
            ring=ring,
            marks=marks() if "marks" in asked else None,
            size="large" if "large" in asked else "normal",
            hover_heads=[[f"Survives in {h % 6} of 5 seeds <b>" for h in range(heads)] for _ in range(layers)],
            hover_mlps=[f"Layer {layer + 1} has one MLP" for layer in range(layers)],
            disabled="disabled" in asked,
            on_change=note_change,
        )
    mask = st.session_state.mask
    if "gate" in asked:
        knock(int(asked["gate"]), mask.code)
    if "plain" not in asked:
        changes, told = st.session_state.changes, st.session_state.told
        st.text(f"{mask.code} {mask.heads_kept} {mask.mlps_kept} changes={changes} told={told}")


if "fragment" in asked:
    st.fragment(body)()
else:
    body()
if "plain" not in asked:
    first_head_off = Mask.full(layers, heads).with_head(0, 0, False)
    st.button("Preset", on_click=set_from_outside, args=(first_head_off,))
