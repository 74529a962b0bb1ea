"""Tokens (word pieces) as people read them, and the role of each in an attention map. No torch here."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from explorer.arrays import Int64Array

Role = Literal["cls", "sep", "punctuation", "word"]
CLS, SEP, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"


@dataclass(frozen=True, eq=False)
class Tokens:
    """The T tokens of one example."""

    texts: tuple[str, ...]
    """Tokens as the vocabulary writes them: '[CLS]', 'play', '##ing'. A person may have typed them: never markup."""
    segments: Int64Array
    """(T,): 0 for the first sentence, 1 for the second; a [SEP] belongs to the sentence that it ends."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Role of each token."""
        return tuple(role_of(token) for token in self.texts)

    @property
    def is_pair(self) -> bool:
        """Whether there are two sentences."""
        return bool((self.segments == 1).any())


def tokens_of(tokenizer: Any, input_ids: Int64Array, token_types: Int64Array) -> Tokens:
    """Names the tokens of one encoded example with the tokenizer that encoded it."""
    names: Callable[[list[int]], Sequence[str]] = tokenizer.convert_ids_to_tokens
    return Tokens(tuple(names(input_ids.tolist())), np.asarray(token_types, np.int64))


def role_of(token: str) -> Role:
    """Returns 'cls', 'sep', 'punctuation' (as BERT splits it off: ASCII signs and Unicode class P) or 'word'."""
    if token == CLS:
        return "cls"
    if token == SEP:
        return "sep"
    signs = token.removeprefix("##") or token
    return "punctuation" if all(_is_sign(character) for character in signs) else "word"


def _is_sign(character: str) -> bool:
    ascii_sign = character.isascii() and character.isprintable() and not (character.isalnum() or character.isspace())
    return ascii_sign or unicodedata.category(character).startswith("P")
