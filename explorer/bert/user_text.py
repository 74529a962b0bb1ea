"""What a person types, one sentence or a pair, as input for the model: any text, cut where the model stops reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.errors import BadRequest
from explorer.glue.encoding import MAX_LENGTH, Encoded, limit_of
from explorer.glue.tokens import UNKNOWN, Tokens, tokens_of

LONGEST = 100_000
"""Characters of a sentence that are read: many times what MAX_LENGTH tokens can hold."""


@dataclass(frozen=True, eq=False)
class UserText:
    """One example of at most MAX_LENGTH tokens that a person typed."""

    encoded: Encoded
    """The example alone, ready for the model."""
    tokens: Tokens
    notes: tuple[str, ...]
    """Sentences on what was cut or is unknown to the model; empty when all is well."""


def encode_text(tokenizer: Any, first: str, second: str = "") -> UserText:
    """Encodes a sentence, or a pair where `second` says anything, the longer one cut first beyond MAX_LENGTH.

    tokenizer: the classifier's. Raises BadRequest where there is nothing to read.
    """
    texts = [_readable(tokenizer, first), _readable(tokenizer, second)]
    if not texts[0].strip():
        where = " in the first field" if texts[1].strip() else ""
        raise BadRequest(f"There is no text{where}.", "Type a sentence.")
    pair = texts if texts[1].strip() else texts[:1]

    def encode(longest: int) -> tuple[list[int], list[int]]:
        batch = tokenizer(*pair, truncation=True, max_length=longest)
        return batch["input_ids"], batch.get("token_type_ids", [0] * len(batch["input_ids"]))

    limit = limit_of(tokenizer)
    ids, types = encode(limit)
    encoded = Encoded(np.array(ids, np.int64), np.array(types, np.int64), np.array([0, len(ids)], np.int64))
    tokens = tokens_of(tokenizer, *encoded.example(0))
    if not any(role in ("word", "punctuation") for role in tokens.roles):
        raise BadRequest("Nothing in this text is a word or a sign to the model.", "Type a sentence.")
    notes = []
    if len(encode(limit + 1)[0]) > limit:
        notes.append(f"The text is longer than the {limit} tokens that the model reads: the rest was cut.")
    if unknown := tokens.texts.count(UNKNOWN):
        notes.append(
            f"{UNKNOWN} stands for what the model's vocabulary lacks: {unknown} token{'s' * (unknown > 1)} here."
        )
    return UserText(encoded, tokens, tuple(notes))


def _readable(tokenizer: Any, text: str) -> str:
    """Cuts off what the model cannot read; half a surrogate pair, which no tokenizer reads, becomes a question mark.

    Cut here, since a tokenizer that is to cut a pair of long texts takes time with the square of their length.
    """
    whole = text[:LONGEST].encode("utf-8", "replace").decode("utf-8")
    options = {"truncation": True, "max_length": MAX_LENGTH + 1, "add_special_tokens": False}
    ends = tokenizer(whole, return_offsets_mapping=True, **options)["offset_mapping"]
    return whole[: ends[-1][1]] if len(ends) > MAX_LENGTH else whole
