"""Whether a model's tokenizer.json reads text as the tokenizer that transformers makes of it. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.errors import BadCheckpoint

_PROBES = (
    "The cat sat on the mat.",
    "It's naïve, isn't it? Café ÄÖÜ, 3.14% of A-B_c: (x) #1 @you!",
    "東京 and Привет",
)
"""Texts that tokenizers read otherwise: capitals, accents, marks, other scripts."""


def require_same_word_pieces(folder: Path, tokenizer: Any) -> None:
    """Raises BadCheckpoint where a folder's tokenizer.json reads text otherwise than the tokenizer made from it.

    tokenizer: as transformers 5 makes it, anew from the vocabulary; what else tokenizer.json says, it does not read.
    """
    file, made = folder / "tokenizer.json", getattr(tokenizer, "backend_tokenizer", None)
    if made is None or not file.is_file():
        return
    try:
        written = type(made).from_file(str(file))
        written.no_truncation()
        written.no_padding()
        differ = next((text for text in _PROBES if written.encode(text).ids != tokenizer(text)["input_ids"]), None)
    except Exception as error:  # the tokenizers library raises bare Exceptions
        raise BadCheckpoint(f"{file} cannot be read ({type(error).__name__}).", "Correct it.") from None
    if differ is not None:
        raise BadCheckpoint(
            f"{file} splits {differ[:40]!r} into other word pieces than transformers does, which makes its tokenizer "
            "anew from the vocabulary.",
            "Does its tokenizer_config.json say do_lower_case and strip_accents as tokenizer.json does, and is it a "
            "BertTokenizer?",
        )
