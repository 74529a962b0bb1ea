"""What a visitor may name and be told of the machine that serves the app."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from explorer.store.user_folders import PROJECT

_HERE = ("localhost", "127.0.0.1", "::1")
"""Names by which a machine calls itself, and which no DNS server decides."""
_PASSED_ON = ("forwarded", "via", "x-real-ip", "true-client-ip", "ngrok-auth-user-id", "fastly-client-ip")
_OF_PROXIES = ("x-forwarded", "x-original", "cf-", "tailscale-", "x-envoy", "x-arr-", "x-amzn", "x-cloud-trace")
"""What proxies and tunnels write into a request, and beginnings of such headers."""
_FOLDERS = re.compile(r"""(?<![\w.:/])/(?:[^\s/'"`,;:()]+/)+(?=[^\s/'"`,;:()])""")
"""The folders before the last part of an absolute path, but not what follows the name of a host."""


def served_on_localhost() -> bool:
    """Whether the app is served to this machine alone and this visitor asked for it by this machine's own name: only
    then may he name folders of it."""
    alone = (st.get_option("server.address") or "") in _HERE and not behind_a_proxy()
    return alone and not from_elsewhere(st.context.headers)


def behind_a_proxy() -> bool:
    """Whether the app was started for a reverse proxy: with EXPLORER_HOSTED set, or a path before every address.

    A proxy that passes on neither the name it was asked by nor the visitor's address looks like this machine's user.
    """
    return bool(os.environ.get("EXPLORER_HOSTED") or (st.get_option("server.baseUrlPath") or "").strip("/"))


def from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a request came by another name than localhost, or through a proxy or tunnel.

    headers: of the request, by name in any case. An app on localhost is also reached by a page of another site whose
    name was made to point here (DNS rebinding): the browser then says that name as Host and Origin.
    """
    said = {name.lower(): value for name, value in headers.items()}
    if any(name in _PASSED_ON or name.startswith(_OF_PROXIES) for name in said):
        return True
    names = [_host_in(said["host"])] if "host" in said else []
    names += [_host_in(said[name].partition("://")[2]) for name in ("origin", "referer") if name in said]
    return any(name not in _HERE for name in names)


def _host_in(address: str) -> str:
    """The name in 'name:port/path'; '' where it holds anything that a name cannot."""
    try:
        parts = urlsplit(f"//{address.strip()}")
        _ = parts.port
    except ValueError:
        return ""
    return "" if parts.username is not None else (parts.hostname or "").removesuffix(".")


def on_command_line(root: Path) -> str:
    """A bundle's name on the command line: short where it lies in this project, else its path.

    Only a visitor of this very machine is told the path; others read DIR.
    """
    if root.resolve().parent == PROJECT:
        return root.name
    return str(root) if served_on_localhost() else "DIR"


def without_folders(sentence: str) -> str:
    """Gives a sentence as this visitor may read it: of paths only the last part, unless he sits at this machine."""
    return sentence if served_on_localhost() else _FOLDERS.sub("", sentence)
