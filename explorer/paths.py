"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import BadRequest


def expanded(path: str | Path) -> Path:
    """The path with '~' and '~name' replaced by that home folder; raises BadRequest where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise BadRequest(f"{path} names a home folder that does not exist.", "Write the whole path.") from None
