"""What a visitor may name and be told of the machine that serves the app."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.store.user_folders import PROJECT


def served_on_localhost() -> bool:
    """Whether the app is served to this machine alone: only then may a visitor name folders of it."""
    return (st.get_option("server.address") or "") in ("localhost", "127.0.0.1", "::1")


def on_command_line(root: Path) -> str:
    """A bundle's name on the command line: short where it lies in this project, else its path.

    Only a visitor of this very machine is told the path; others read DIR.
    """
    if root.resolve().parent == PROJECT:
        return root.name
    return str(root) if served_on_localhost() else "DIR"
