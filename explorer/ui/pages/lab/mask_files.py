"""'Load a mask': a mask from files, as the app writes them and as the paper's authors lay them out."""

from __future__ import annotations

import streamlit as st

from explorer.errors import BadMask
from explorer.store.mask_files import LARGEST, read_mask
from explorer.study.stored_scores import KnownRun
from explorer.ui import state
from explorer.ui.widgets import plain_text

_SEEN = "mask_files.seen"
_MB = 1


def load_mask(known: KnownRun) -> None:
    """A popover with an upload; what it reads becomes the mask, which the grid below adopts. Nothing is unpickled."""
    with st.popover("Load a mask", icon=":material/upload_file:"):
        st.caption(
            "head_mask.npy and mlp_mask.npy as the paper's authors write them, the zip or the JSON that *Take it with "
            "you* hands out. One of the two .npy files alone keeps all of the other kind."
        )
        files = st.file_uploader(
            "Files of a mask",
            type=["npy", "json", "zip"],
            accept_multiple_files=True,
            max_upload_size=_MB,
            key="lab.mask_files",
            label_visibility="collapsed",
        )
        if not files:
            st.session_state.pop(_SEEN, None)
            return
        these = known.run, tuple(sorted(file.file_id for file in files))
        if st.session_state.get(_SEEN) == these:
            return
        try:
            named = {f"{number}. {file.name}": file.getvalue()[: LARGEST + 1] for number, file in enumerate(files, 1)}
            mask = read_mask(named if len(files) > 1 else {files[0].name: files[0].getvalue()}, *known.shape)
        except BadMask as error:
            plain_text.failed(error)
            return
        st.session_state[_SEEN] = these
        state.set_mask(known.run, mask)
