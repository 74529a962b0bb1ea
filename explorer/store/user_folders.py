"""Where this user's files lie when nobody named another place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from explorer.paths import expanded

PROJECT = Path(__file__).resolve().parents[2]
"""The folder of app.py and of the bundle that ships, cache/."""
_INSTALLED = PROJECT / "explorer" / "served"
"""Where a wheel has app.py and serve.py; a checkout has them in PROJECT."""


def served_folder() -> Path:
    """The folder of app.py and serve.py, in a checkout or in an installed package."""
    return _INSTALLED if _INSTALLED.is_dir() else PROJECT


def usual_bundle() -> Path:
    """EXPLORER_BUNDLE, else the cache that ships with a checkout, else cache/ in the working directory.

    Raises BadRequest on a home that does not exist.
    """
    place = Path.cwd() if _INSTALLED.is_dir() else PROJECT
    return expanded(os.environ.get("EXPLORER_BUNDLE") or place / "cache")


def where_to_get_a_bundle() -> str:
    """Says how to come by the bundle that ships, as the beginning of a sentence that another way may end."""
    if _INSTALLED.is_dir():
        return (
            "The installed package brings none, which would be 67 MiB: get the folder cache/ of the project's "
            "repository and name it in EXPLORER_BUNDLE"
        )
    return "Restore it with `git checkout cache`"


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
