"""What a model answers, example by example: cards of those that flipped, and the answer to what a person typed."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from explorer.ui.widgets.scripts import script

_HERE = Path(__file__).parent
_CSS = (_HERE / "answers.css").read_text(encoding="utf-8")
_flips = st.components.v2.component("flip_cards", css=_CSS, js=script(_HERE / "flip_cards.js"))
_answer = st.components.v2.component("typed_answer", css=_CSS, js=script(_HERE / "typed_answer.js"))

Marked = tuple[tuple[str, bool], ...]
"""A text in pieces, each with whether it is marked."""


@dataclass(frozen=True)
class FlipCard:
    """One example that flipped, or, of a regression, whose value moved."""

    number: int
    """Place of the example in the dev set, from 1."""
    texts: tuple[Marked, ...]
    gold: str
    before: str
    after: str
    was_right: bool | None
    """Whether the answer before is right; None of a value, which is neither."""
    right: bool
    """Whether the mask's answer is right; of a value, whether it is nearer to gold."""
    margins: tuple[float, float]
    """Before and after; see `explorer.stats.logit_margins.margins`. Of a regression, the value minus gold."""
    new: bool = False
    """Whether the mask before did not flip it."""


MARGIN = ("margin", "below 0 the answer is wrong")
"""What a card's bar shows, in short and as the end of a sentence."""
FROM_GOLD = ("off gold", "0 is the gold value")
"""What the bar of a regression's card shows."""


def flip_cards(
    code: str,
    cards: Sequence[FlipCard],
    names: tuple[str, str],
    *,
    key: str,
    measure: tuple[str, str] = MARGIN,
    on_look: Callable[[int], None] | None = None,
) -> None:
    """Draws the cards. code: the mask they are about, '' where they are not about the one on the grid.

    measure: what the bars show. on_look: called with the number of a card whose button is pressed; None for cards
    without one.
    """

    def look() -> None:
        number = st.session_state[key].get("look")
        if on_look is not None and isinstance(number, int) and any(card.number == number for card in cards):
            on_look(number)

    shown = [asdict(card) for card in cards]
    data = {"code": code, "names": names, "measure": measure, "cards": shown, "look": on_look is not None}
    _flips(key=key, data=data, on_look_change=look)


def typed_answer(code: str, bars: Sequence[tuple[str, float, float]], words: str, *, key: str) -> None:
    """Draws a bar for each answer: its name, its share under the mask `code` and in the full model, both 0 to 1."""
    _answer(key=key, data={"code": code, "bars": [list(bar) for bar in bars], "words": words})


@functools.lru_cache(maxsize=4096)  # the same flips come back with every change of the mask
def marked_pair(first: str, second: str) -> tuple[Marked, Marked]:
    """Both texts, the words marked that the other one has not, in their order. Joined, the pieces are the texts.

    >>> marked_pair("a small dog", "a big dog")[1]
    (('a ', False), ('big ', True), ('dog', False))
    """
    words = [_words(text) for text in (first, second)]
    plain = [[word.strip().strip(".,;:!?'()").lower() for word in of] for of in words]
    same = difflib.SequenceMatcher(a=plain[0], b=plain[1], autojunk=False).get_matching_blocks()
    shared = [{place for block in same for place in range(block[side], block[side] + block.size)} for side in (0, 1)]
    first_marked, second_marked = (
        _joined([(word, place not in common) for place, word in enumerate(of)])
        for of, common in zip(words, shared, strict=True)
    )
    return first_marked, second_marked


def unmarked(text: str) -> Marked:
    """The text in one piece."""
    return ((text, False),)


def _words(text: str) -> list[str]:
    """The text cut behind every run of spaces."""
    words: list[str] = []
    for part in text.split(" "):
        words.append(f"{part} ")
    words[-1] = words[-1][:-1]
    return [word for word in words if word]


def _joined(pieces: Sequence[tuple[str, bool]]) -> Marked:
    joined: list[tuple[str, bool]] = []
    for text, mark in pieces:
        if joined and joined[-1][1] == mark:
            joined[-1] = joined[-1][0] + text, mark
        else:
            joined.append((text, mark))
    return tuple(joined)
