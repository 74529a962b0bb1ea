"""A line below what a page shows: the command that made it, how long that took and on what."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.store.schema import Key
from explorer.study.words import counted
from explorer.ui.as_text import code, plain
from explorer.ui.view import View


def made_with(view: View, keys: Sequence[Key]) -> None:
    """Writes how some artefacts of one stage were made, the first with its command; nothing where none is there."""
    made = [view.manifests.by_key[key] for key in keys if key in view.manifests.by_key]
    if not made:
        return
    first, seconds = made[0], sum(one.seconds for one in made)
    words = f"Made with {code(first.command)} in {_time(first.seconds)} on {plain(first.made_on)}."
    if len(made) > 1:
        words += f" {len(made)} runs of this stage are in it, {_time(seconds)} together."
    st.caption(words)


def _time(seconds: float) -> str:
    return counted(round(seconds), "second") if seconds < 90 else f"{seconds / 60:,.0f} minutes"
