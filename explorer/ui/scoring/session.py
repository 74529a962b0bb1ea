"""The name by which the worker knows a browser tab."""

from __future__ import annotations

import secrets

import streamlit as st

_SESSION = "lab.session"


def session() -> str:
    """This browser tab's name, made at random the first time."""
    name: str = st.session_state.setdefault(_SESSION, secrets.token_hex(8))
    return name
