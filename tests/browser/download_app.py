"""A page that hands out a file. At a press it is drawn anew four times: thrice stopped, once held before the file."""

from __future__ import annotations

import streamlit as st

from explorer.ui import overlapping_runs
from tests.browser.gate import knock

overlapping_runs.mend()
if st.button("Again"):
    st.session_state["stops"] = 3
if st.session_state.get("stops", 0):
    st.session_state["stops"] -= 1
    st.rerun()
knock(int(st.query_params["gate"]), "run")
st.download_button("File", b"what it holds", "file.txt", on_click="ignore")
