"""What tells one model from another: a value for manifests and keys. Imports nothing that computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """A checkpoint's identity. Two are the same model where `content` is the same, wherever they lie."""

    source: str
    """Resolved: 'minilm', 'org/name@commit' of the Hub, or the whole path of a folder or packed file."""
    weights: str
    """sha256 of the file of the weights, or of all its shards in order; of a packed file: its own."""
    config: str
    """sha256 of config.json's entries, in whatever order they are written; of a packed file: its base model's."""
    tokenizer: str
    """sha256 of the tokenizer's files; of a packed file: its base model's."""

    @property
    def content(self) -> str:
        """sha256 of weights, config and tokenizer together: what every score depends on."""
        return hashlib.sha256(f"{self.weights}\n{self.config}\n{self.tokenizer}".encode()).hexdigest()
