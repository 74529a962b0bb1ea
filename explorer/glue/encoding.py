"""Sentences to tokens, ragged: no padding until a model asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.arrays import Int64Array
from explorer.errors import BadData
from explorer.glue.tasks import Examples

MAX_LENGTH = 128
"""Tokens, [CLS] and [SEP] included (paper, section 3)."""


@dataclass(frozen=True)
class Encoded:
    """n ragged examples as one row of T tokens; example i is `offsets[i]:offsets[i + 1]`."""

    input_ids: Int64Array
    """(T,)"""
    token_types: Int64Array
    """(T,): 0 for the first sentence, 1 for the second; all 0 where the tokenizer makes no token types."""
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
    """Tokenises every example, pairs joined by [SEP], the longer sentence cut first beyond the limit.

    tokenizer: the classifier's. max_length: the limit, in tokens; lower where the model reads fewer. Token types
    are as plain transformers gives them to the model: all 0 where the tokenizer makes none. Raises BadData on an
    example without any token.
    """
    if not examples.items:
        return _ragged([], [])
    batch = tokenizer(*_texts(examples), truncation=True, max_length=limit_of(tokenizer, max_length))
    ids = [np.array(row, np.int64) for row in batch["input_ids"]]
    if empty := [number for number, row in enumerate(ids) if not len(row)]:
        raise BadData(
            f"Example {empty[0] + 1} has no word piece: its text is empty, and the tokenizer adds no [CLS].",
            "Is it a BERT's tokenizer?",
        )
    types = batch.get("token_type_ids")
    return _ragged(
        ids, [np.zeros_like(row) for row in ids] if types is None else [np.array(t, np.int64) for t in types]
    )


def limit_of(tokenizer: Any, max_length: int = MAX_LENGTH) -> int:
    """Returns how many tokens of an example the model is given: max_length, or fewer where it reads fewer.

    tokenizer: the classifier's, whose `model_max_length` the loader sets to the model's position embeddings.
    """
    return min(max_length, int(getattr(tokenizer, "model_max_length", max_length)))


def how_many_cut(examples: Examples, tokenizer: Callable[..., Any], max_length: int = MAX_LENGTH) -> int:
    """Counts the examples that `encode` cuts: those of more tokens than the limit."""
    if not examples.items:
        return 0
    whole = tokenizer(*_texts(examples), truncation=False, verbose=False)["input_ids"]
    return sum(len(row) > limit_of(tokenizer, max_length) for row in whole)


def cut_sentence(cut: int, n: int, limit: int) -> str:
    """Says that some of n examples are read up to the limit only."""
    return (
        f"{cut:,} of {n:,} examples are longer than {limit} word pieces and were read up to there: where they are read "
        "further, the model may answer otherwise."
    )


def _texts(examples: Examples) -> tuple[list[str], list[str] | None]:
    """First and second texts, as a tokenizer takes them."""
    first = [item.texts[0] for item in examples.items]
    return first, [item.texts[1] for item in examples.items] if examples.task.is_pair else None


def _ragged(ids: list[Int64Array], types: list[Int64Array]) -> Encoded:
    lengths = np.array([len(row) for row in ids], np.int64)
    empty = np.zeros(0, np.int64)
    return Encoded(
        np.concatenate([empty, *ids]),
        np.concatenate([empty, *types]),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
    )
