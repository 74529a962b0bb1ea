"""Stage import-paper: a clone of the authors' repository to an ordinary bundle."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import BadData, BadRequest
from explorer.paths import expanded
from explorer.store.bundle import Bundle, require_writable
from explorer.store.paper.importer import ImportReport, import_clone


def run_import(clone: Path, out: Path) -> ImportReport:
    """Imports masks, importances and scores; raises BadData where `clone` is no folder or holds nothing usable,
    BadRequest where `out` takes nothing or is part of it."""
    folder = expanded(clone)
    if not folder.is_dir():
        raise BadData(f"There is no folder at {clone}.", "Give a clone of the authors' repository.")
    place = expanded(out)
    read, written = folder.resolve(), place.resolve()
    if written == read or any(written.is_relative_to(read / of) for of in ("masks", "evaluate_masked")):
        raise BadRequest(f"{out} is part of the clone, which is only read.", "Name another folder for --out.")
    require_writable(place, "Name another folder for --out.")
    return import_clone(folder, Bundle(place))
