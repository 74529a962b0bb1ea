"""One hash for a list of examples: what every cached number is tied to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from explorer.glue.tasks import Example


def examples_sha256(items: Iterable[Example]) -> str:
    """sha256 over texts and labels in order; the same for a folder and for the Hub if the data are."""
    digest = hashlib.sha256()
    for item in items:
        digest.update("\x1f".join((*item.texts, repr(float(item.label)))).encode("utf-8") + b"\x1e")
    return digest.hexdigest()
