"""Names of models: the two that the explorer knows by name, and what any other is called in bundle paths; no torch."""

from __future__ import annotations

import re
from pathlib import Path

MINILM = "minilm"
"""The name by which people ask for the embedded default model."""
MINILM_NAME = "minilm-l6"
"""Name of MiniLM in bundle paths."""
BERT_BASE = "bert-base-uncased"
"""The paper's model, on the Hub and in bundle paths."""
_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


def name_in_bundle(source: str) -> str:
    """Returns what a model is called in bundle paths: 'minilm-l6' for 'minilm', else the last part of the source.

    Characters that no folder of a bundle may have become hyphens; '.' is called as the folder that it stands for.
    """
    if source == MINILM:
        return MINILM_NAME
    name = Path(source).name
    if name in ("", ".", ".."):
        name = Path(source).expanduser().resolve().name
    return _ODD.sub("-", name).strip("-.")[:64] or "model"
