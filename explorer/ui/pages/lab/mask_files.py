"""'Load a mask': a mask from files, as the app writes them and as the paper's authors lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import BadMask
from explorer.store.mask_files import LARGEST, read_mask
from explorer.study.stored_scores import KnownRun
from explorer.ui import state
from explorer.ui.widgets import plain_text

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_SEEN, _SAID = "mask_files.seen", "mask_files.said"
_MB = 1
_WIDTH = 240
"""Pixels: no wider than the score's column, over which it opens."""


def load_mask(known: KnownRun) -> None:
    """A popover with an upload; what it reads becomes the mask, which the grid below adopts. Nothing is unpickled."""
    with st.popover("Load a mask", icon=":material/upload_file:"), st.container(width=_WIDTH):
        st.caption(
            "head_mask.npy and mlp_mask.npy as the paper's authors write them, the zip or the JSON that *Export* "
            "hands out. One of the two .npy files alone keeps all of the other kind."
        )
        files = st.file_uploader(
            "Files of a mask",
            type=["npy", "json", "zip"],
            accept_multiple_files=True,
            max_upload_size=_MB,
            key="lab.mask_files",
            label_visibility="collapsed",
        )
        ids = tuple(file.file_id for file in files)
        before: tuple[str, ...] = st.session_state.get(_SEEN, ())
        st.session_state[_SEEN] = ids
        new = [file for file in files if file.file_id not in before]
        if new:
            st.session_state[_SAID] = _read(known, _by_name(new))
        elif not files:
            st.session_state.pop(_SAID, None)
        for said in st.session_state.get(_SAID, ()):
            if isinstance(said, BadMask):
                plain_text.failed(said)
            else:
                st.success(plain_text.plain(said), icon=":material/check:")


def _by_name(files: Sequence[UploadedFile]) -> dict[str, bytes]:
    """What is in each; two of one name are told apart."""
    found: dict[str, bytes] = {}
    for file in files:
        name = file.name if file.name not in found else f"{len(found) + 1}. {file.name}"
        found[name] = file.getvalue()[: LARGEST + 1]
    return found


def _faults(known: KnownRun, files: Mapping[str, bytes]) -> list[BadMask]:
    """What is wrong with each file alone."""
    faults = []
    for name, data in files.items():
        try:
            read_mask({name: data}, *known.shape)
        except BadMask as error:
            faults.append(error)
    return faults


def _read(known: KnownRun, files: Mapping[str, bytes]) -> tuple[str | BadMask, ...]:
    """Puts what was just given on the grid, in the place of what came before; what is said of it, fault by fault.

    The two .npy files of one mask given at once go together; any other files are read one by one, and the last good
    one is shown.
    """
    if len(files) == 2 and all(name.endswith(".npy") for name in files):
        groups = [dict(files)]
    else:
        groups = [{name: data} for name, data in files.items()]
    if len(groups) == 1 and len(files) == 2 and len(_faults(known, files)) > 1:  # each has its own
        groups = [{name: data} for name, data in files.items()]
    said: list[str | BadMask] = []
    for group in groups:
        try:
            mask = read_mask(group, *known.shape)
        except BadMask as error:
            said.append(error)
            continue
        state.set_mask(known.run, mask)
        said.append(f"On the grid: {' and '.join(group)}.")
    return tuple(said)
