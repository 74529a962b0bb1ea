"""Verb app: starts the explorer in the browser, as `make demo` does, from a checkout or an installed package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from explorer.store.user_folders import served_folder
from precompute.console import A_PATH


def app(
    host: Annotated[str, typer.Option(help="Address to serve on; 0.0.0.0 for other machines.")] = "localhost",
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8501,
    base: Annotated[str, typer.Option(help="Path before every address, where a reverse proxy has one.")] = "",
    bundle: Annotated[
        Path | None, typer.Option(help="The bundle to open. Default: EXPLORER_BUNDLE, else cache/.", **A_PATH)
    ] = None,
    hosted: Annotated[
        bool, typer.Option(help="Behind a reverse proxy: no visitor may name folders of this machine.")
    ] = False,
) -> None:
    """Open the explorer in the browser; Ctrl-C ends it."""
    command = [sys.executable, "-m", "streamlit", "run", str(served_folder() / "serve.py")]
    command += ["--server.address", host, "--server.port", str(port), "--browser.gatherUsageStats", "false"]
    if base.strip("/"):
        command += ["--server.baseUrlPath", base.strip("/")]
    environment = dict(os.environ)
    if bundle is not None:
        environment["EXPLORER_BUNDLE"] = str(bundle.absolute())
    if hosted:
        environment["EXPLORER_HOSTED"] = "1"
    if os.name == "posix":
        os.execve(sys.executable, command, environment)  # so that whoever stops this stops the app
    sys.exit(subprocess.call(command, env=environment))
