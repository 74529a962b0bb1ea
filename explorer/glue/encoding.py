"""Sentences to tokens, ragged: no padding until a model asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.arrays import Int64Array
from explorer.glue.tasks import Examples

MAX_LENGTH = 128
"""Tokens, [CLS] and [SEP] included (paper, section 3)."""


@dataclass(frozen=True)
class Encoded:
    """n ragged examples as one row of T tokens; example i is `offsets[i]:offsets[i + 1]`."""

    input_ids: Int64Array
    """(T,)"""
    token_types: Int64Array
    """(T,): 0 for the first sentence, 1 for the second."""
    offsets: Int64Array
    """(n + 1,)"""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Int64Array:
        """(n,): tokens of each example."""
        return np.diff(self.offsets)

    def example(self, index: int) -> tuple[Int64Array, Int64Array]:
        """Returns token ids and token types of one example."""
        span = slice(self.offsets[index], self.offsets[index + 1])
        return self.input_ids[span], self.token_types[span]

    def subset(self, indices: Int64Array) -> Encoded:
        """Returns some examples in the order of the indices."""
        picked = [self.example(int(i)) for i in indices]
        return _ragged([ids for ids, _ in picked], [types for _, types in picked])


def encode(examples: Examples, tokenizer: Callable[..., Any], max_length: int = MAX_LENGTH) -> Encoded:
    """Tokenises every example, pairs joined by [SEP], the longer sentence cut first beyond `max_length`."""
    if not examples.items:
        return _ragged([], [])
    first = [item.texts[0] for item in examples.items]
    second = [item.texts[1] for item in examples.items] if examples.task.is_pair else None
    batch = tokenizer(first, second, truncation=True, max_length=max_length, return_token_type_ids=True)
    return _ragged(
        [np.array(ids, np.int64) for ids in batch["input_ids"]],
        [np.array(types, np.int64) for types in batch["token_type_ids"]],
    )


def _ragged(ids: list[Int64Array], types: list[Int64Array]) -> Encoded:
    lengths = np.array([len(row) for row in ids], np.int64)
    empty = np.zeros(0, np.int64)
    return Encoded(
        np.concatenate([empty, *ids]),
        np.concatenate([empty, *types]),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
    )
