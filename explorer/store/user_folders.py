"""Where this user's files lie when nobody named another place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from explorer.paths import expanded

PROJECT = Path(__file__).resolve().parents[2]
"""The folder of app.py and of the bundle that ships, cache/."""


def usual_bundle() -> Path:
    """EXPLORER_BUNDLE, or the cache that ships with the project. Raises BadRequest on a home that does not exist."""
    return expanded(os.environ.get("EXPLORER_BUNDLE") or PROJECT / "cache")


def cache_folder() -> Path:
    """This user's cache folder for this program, as the system has it. Raises RuntimeError where there is no home."""
    home = Path.home()
    if sys.platform == "darwin":
        caches = home / "Library" / "Caches"
    elif sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        named = Path(os.environ.get("XDG_CACHE_HOME", ""))
        caches = named if named.is_absolute() else home / ".cache"  # the XDG standard ignores relative paths
    return caches / "bert-lottery-explorer"


def bundles_folder() -> Path:
    """Where bundles that the app made itself are kept, a folder each. Raises RuntimeError where there is no home."""
    return cache_folder() / "bundles"
