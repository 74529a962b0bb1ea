"""Names of models: the two that the explorer knows, and what any other is called in a bundle. Imports no torch."""

from __future__ import annotations

import re

from explorer.paths import expanded

MINILM = "minilm"
"""The name by which people ask for the embedded default model."""
MINILM_NAME = "minilm-l6"
"""Name of MiniLM in bundle paths."""
BERT_BASE = "bert-base-uncased"
"""The paper's model, on the Hub and in bundle paths."""

_LONGEST = 64
"""Characters of a name in a bundle's paths."""


def name_in_bundle(source: str) -> str:
    """Returns what a model is called in bundle paths: the last part of its folder or Hub id, of letters, digits, '.',
    '_' and '-', at most 64.

    source: 'minilm', a folder ('.' is the folder one stands in), a Hub id or a packed file.

    >>> name_in_bundle("minilm"), name_in_bundle("google-bert/bert-base-uncased"), name_in_bundle("my/RTE (best)/")
    ('minilm-l6', 'bert-base-uncased', 'RTE-best')
    """
    if source == MINILM:
        return MINILM_NAME
    path = expanded(source)
    last = path.name if path.name not in ("", "..") else path.resolve().name
    if not path.exists():
        last = last.partition("@")[0]  # a Hub id with a commit
    usable = re.sub(r"[^A-Za-z0-9_.-]+", "-", last)
    return usable.lstrip("._-")[:_LONGEST].rstrip("-") or "model"
