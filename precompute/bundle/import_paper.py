"""Stage import-paper: a clone of the authors' repository to an ordinary bundle."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import BadData
from explorer.paths import expanded
from explorer.store.bundle import Bundle
from explorer.store.paper.importer import ImportReport, import_clone


def run_import(clone: Path, out: Path) -> ImportReport:
    """Imports masks, importances and scores; raises BadData where `clone` is no folder or holds nothing usable."""
    folder = expanded(clone)
    if not folder.is_dir():
        raise BadData(f"There is no folder at {clone}.", "Give a clone of the authors' repository.")
    return import_clone(folder, Bundle(expanded(out)))
