"""The examples that a mask answers otherwise than the full model, or than another mask: labels, margins, the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Examples, Task
from explorer.stats.logit_margins import BROKEN, FIXED, OTHER, flipped, margins, moved
from explorer.ui.widgets import glossary
from explorer.ui.widgets.answers import FROM_GOLD, MARGIN, FlipCard, Marked, flip_cards, marked_pair, unmarked
from explorer.ui.widgets.words import minus

_AT_MOST = 1000
"""Rows on screen."""
_CARDS = 48
"""Cards on screen."""
_KINDS = {BROKEN: "Right before, wrong now", FIXED: "Wrong before, right now", OTHER: "Wrong in another way"}
_ALL = "all"
_VALUES = "Values do not flip: here are those that moved farthest."
_MARGIN = "[[margin|Margin]]: the gold answer's lead; below 0 the answer is wrong."


@dataclass(frozen=True)
class Names:
    """What the two models are called: in columns, in short, and where nothing flipped."""

    before: str = "full model"
    after: str = "this mask"
    before_short: str = "full"
    after_short: str = "now"
    none: str = "under this mask every answer is the full model's"
    kinds: tuple[str, str] = (_KINDS[BROKEN], _KINDS[FIXED])


OF_MASK = Names()


def show(
    examples: Examples,
    logits: NDArray[np.floating[Any]],
    before_logits: NDArray[np.floating[Any]],
    names: Names = OF_MASK,
    key: str = "lab.flips",
    code: str = "",
    on_look: Callable[[int], None] | None = None,
) -> None:
    """Draws cards with a filter, or a table; a sentence where nothing flipped. Text is text, never markup.

    code: the mask on the grid, where the flips are that mask's. on_look: called with an example's place, from 1, when
    its card is asked for more; None for cards that cannot be.
    """
    task = examples.task
    values = task.is_regression
    table = (moved if values else flipped)(task, logits, before_logits, examples.labels)
    if table.empty:
        st.caption(f"No {'value changed' if values else 'example flipped'}: {names.none}.")
        return
    if not values:
        counts = Counter(table["change"])
        kind = _filter(counts, len(table), names, key)
        if kind != _ALL:
            table = table[table["change"] == kind]
        if table.empty:
            st.caption("None of the flips is of that kind.")
            return
    if not st.toggle("As a table", key=f"{key}.table"):
        fresh = frozenset() if values else _newest(f"{key}.seen", examples, code, table["index"])
        _draw(examples, table, fresh, names, code, key=f"{key}.cards", on_look=on_look)
        more = f" These are {_CARDS} of {len(table):,}; the table has them all." if len(table) > _CARDS else ""
        first = _VALUES if values else "What the last change flipped comes first, then what moved farthest."
        bar = "The bar: the value minus gold." if values else _MARGIN
        glossary.caption(f"{first} {bar}{more}")
        return
    total, table = len(table), table.head(_AT_MOST)
    shown = _values_in_words(examples, table, names) if values else in_words(examples, table, names)
    st.dataframe(shown, hide_index=True, column_config=_columns(task, names))
    if values:
        st.caption(f"{_VALUES} Error: distance from the gold value.")
        return
    first = f"The {_AT_MOST:,} of {total:,} that" if total > _AT_MOST else "Those that"
    glossary.caption(
        f"{first} moved farthest come first. [[margin|Margin]]: the gold label's logit minus the best other label's; "
        "below 0 the answer is wrong, near 0 a small change turns it."
    )


def one(
    examples: Examples,
    index: int,
    logits: NDArray[np.floating[Any]],
    before_logits: NDArray[np.floating[Any]],
    code: str,
) -> None:
    """Draws the card of one example, flipped or not."""
    at, task = slice(index, index + 1), examples.task
    before, after = predictions_of(task, before_logits[at]), predictions_of(task, logits[at])
    gold = examples.labels[at]
    row = {"index": [index], "gold": gold, "before": before, "after": after}
    if not task.is_regression:
        was, now = margins(before_logits[at], gold), margins(logits[at], gold)
        row |= {"gold": gold.astype(np.int64), "margin_before": was, "margin_after": now}
    _draw(examples, pd.DataFrame(row), frozenset(), OF_MASK, code, key="lab.flips.one")


def farthest(examples: Examples, logits: NDArray[np.floating[Any]], before_logits: NDArray[np.floating[Any]]) -> int:
    """Finds the example that flipped and moved farthest, from 0; the first one where none flipped."""
    find = moved if examples.task.is_regression else flipped
    table = find(examples.task, logits, before_logits, examples.labels)
    return 0 if table.empty else int(table["index"][0])


def in_words(examples: Examples, table: pd.DataFrame, names: Names = OF_MASK) -> pd.DataFrame:
    """`flipped`'s table for the screen: labels by name, examples counted from 1, the sentences beside."""
    labels = np.array(examples.task.label_names)
    return pd.DataFrame(
        {
            "example": table["index"] + 1,
            "gold": labels[table["gold"]],
            names.before: labels[table["before"]],
            names.after: labels[table["after"]],
            f"margin, {names.before_short}": table["margin_before"],
            f"margin, {names.after_short}": table["margin_after"],
        }
        | _texts(examples, table["index"])
    )


def _newest(place: str, examples: Examples, code: str, indices: pd.Series[int]) -> frozenset[int]:
    """Finds the examples that the mask before this one did not flip; none on the first look."""
    here = frozenset(int(index) for index in indices)
    of, last, shown, fresh = st.session_state.get(place, (None, "", frozenset(), frozenset()))
    if of != examples.sha256:
        fresh = frozenset()
    elif last != code:
        fresh = here - shown
    st.session_state[place] = (examples.sha256, code, here, fresh)
    return fresh & here


def _draw(
    examples: Examples,
    table: pd.DataFrame,
    fresh: frozenset[int],
    names: Names,
    code: str,
    *,
    key: str,
    on_look: Callable[[int], None] | None = None,
) -> None:
    """Draws the first cards of `flipped`'s or `moved`'s table, the fresh ones before the others."""
    values = examples.task.is_regression
    card = _value_card if values else _flip_card
    order = np.argsort([index not in fresh for index in table["index"]], kind="stable")[:_CARDS]
    cards = [card(examples, row, int(row["index"]) in fresh) for row in table.iloc[order].to_dict("records")]
    short = (names.before_short, names.after_short)
    flip_cards(code, cards, short, key=key, measure=FROM_GOLD if values else MARGIN, on_look=on_look)


def _flip_card(examples: Examples, row: dict[Hashable, Any], fresh: bool) -> FlipCard:
    labels, index = examples.task.label_names, int(row["index"])
    gold, before, after = (labels[int(row[name])] for name in ("gold", "before", "after"))
    margins = float(row["margin_before"]), float(row["margin_after"])
    right = before == gold, after == gold
    return FlipCard(index + 1, _marked(examples, index), gold, before, after, *right, margins, fresh)


def _value_card(examples: Examples, row: dict[Hashable, Any], fresh: bool) -> FlipCard:
    index = int(row["index"])
    gold, before, after = (float(row[name]) for name in ("gold", "before", "after"))
    off = before - gold, after - gold
    return FlipCard(
        number=index + 1,
        texts=_marked(examples, index),
        gold=f"{gold:.2f}",
        before=minus(f"{before:.2f}"),
        after=minus(f"{after:.2f}"),
        was_right=None,
        right=abs(off[1]) < abs(off[0]),
        margins=off,
        new=fresh,
    )


def _marked(examples: Examples, index: int) -> tuple[Marked, ...]:
    texts = examples.items[index].texts
    return marked_pair(*texts) if len(texts) == 2 else tuple(unmarked(text) for text in texts)


def _filter(counts: Counter[str], total: int, names: Names, key: str) -> str:
    kinds = [kind for kind in _KINDS if counts[kind] or kind != OTHER]
    words = _KINDS | dict(zip((BROKEN, FIXED), names.kinds, strict=True))

    def label(kind: str) -> str:
        return f"All {total:,}" if kind == _ALL else f"{words[kind]}: {counts[kind]:,}"

    chosen: str | None = st.pills(
        "Show", [_ALL, *kinds], default=_ALL, format_func=label, key=key, label_visibility="collapsed"
    )
    return chosen or _ALL


def _values_in_words(examples: Examples, table: pd.DataFrame, names: Names) -> pd.DataFrame:
    """`moved`'s table for the screen."""
    return pd.DataFrame(
        {
            "example": table["index"] + 1,
            "gold": table["gold"],
            names.before: table["before"],
            names.after: table["after"],
            f"error, {names.before_short}": table["error_before"],
            f"error, {names.after_short}": table["error_after"],
        }
        | _texts(examples, table["index"])
    )


def _texts(examples: Examples, indices: pd.Series[int]) -> dict[str, list[str]]:
    task = examples.task
    return {
        column.lower().replace("#1 string", "sentence 1").replace("#2 string", "sentence 2"): [
            examples.items[index].texts[number] for index in indices
        ]
        for number, column in enumerate(task.columns)
    }


def _columns(task: Task, names: Names) -> dict[str, Any]:
    if task.is_regression:
        number = st.column_config.NumberColumn(format="%.2f")
        both = (f"error, {short}" for short in (names.before_short, names.after_short))
        return dict.fromkeys(("gold", names.before, names.after, *both), number)
    margin = st.column_config.NumberColumn(format="%+.2f", help="Gold label's logit minus the best other label's")
    whose = "yours" if task.own else "GLUE's"
    place = st.column_config.NumberColumn(
        format="%d", help=f"Place in the dev set, from 1: {task.dev_rows:,} in {whose}"
    )
    return {"example": place, f"margin, {names.before_short}": margin, f"margin, {names.after_short}": margin}
