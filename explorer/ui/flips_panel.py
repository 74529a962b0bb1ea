"""The examples that a mask answers otherwise than the full model: gold label, both answers, both margins, the text."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from explorer.analysis.margins import BROKEN, FIXED, OTHER, flipped, moved
from explorer.glue.tasks import Examples, Task

_AT_MOST = 1000
"""Rows on screen."""
_KINDS = {BROKEN: "Right before, wrong now", FIXED: "Wrong before, right now", OTHER: "Wrong in another way"}
_ALL = "all"


def show(examples: Examples, logits: NDArray[np.floating[Any]], full_logits: NDArray[np.floating[Any]]) -> None:
    """The table, with its filter; a sentence where nothing flipped. Text is shown as text, never as markup."""
    task = examples.task
    if task.is_regression:
        _moved(examples, moved(task, logits, full_logits, examples.labels))
        return
    table = flipped(task, logits, full_logits, examples.labels)
    if table.empty:
        st.caption("No example flipped: under this mask every answer is the full model's.")
        return
    counts = Counter(table["change"])
    kind = _filter(counts, len(table))
    if kind != _ALL:
        table = table[table["change"] == kind]
    if table.empty:
        st.caption("None of the flips is of that kind.")
        return
    st.dataframe(in_words(examples, table.head(_AT_MOST)), hide_index=True, column_config=_columns(task))
    first = f"The {_AT_MOST:,} of {len(table):,} that" if len(table) > _AT_MOST else "Those that"
    st.caption(
        f"{first} moved farthest come first. Margin: the gold label's logit minus the best other label's; "
        "below 0 the answer is wrong, near 0 it was a close call."
    )


def in_words(examples: Examples, table: pd.DataFrame) -> pd.DataFrame:
    """`flipped`'s table for the screen: labels by name, examples counted from 1, the sentences beside."""
    names = np.array(examples.task.label_names)
    return pd.DataFrame(
        {
            "example": table["index"] + 1,
            "gold": names[table["gold"]],
            "full model": names[table["before"]],
            "this mask": names[table["after"]],
            "margin, full": table["margin_before"],
            "margin, mask": table["margin_after"],
        }
        | _texts(examples, table["index"])
    )


def _filter(counts: Counter[str], total: int) -> str:
    kinds = [kind for kind in _KINDS if counts[kind] or kind != OTHER]

    def label(kind: str) -> str:
        return f"All {total:,}" if kind == _ALL else f"{_KINDS[kind]}: {counts[kind]:,}"

    chosen: str | None = st.pills(
        "Show", [_ALL, *kinds], default=_ALL, format_func=label, key="lab.flips", label_visibility="collapsed"
    )
    return chosen or _ALL


def _moved(examples: Examples, table: pd.DataFrame) -> None:
    if table.empty:
        st.caption("No value changed: under this mask every answer is the full model's.")
        return
    shown = pd.DataFrame(
        {
            "example": table["index"] + 1,
            "gold": table["gold"],
            "full model": table["before"],
            "this mask": table["after"],
            "error, full": table["error_before"],
            "error, mask": table["error_after"],
        }
        | _texts(examples, table["index"])
    )
    numbers = {name: st.column_config.NumberColumn(format="%.2f") for name in shown.columns[1:6]}
    st.dataframe(shown, hide_index=True, column_config=numbers)
    st.caption(
        f"Values do not flip: here are the {len(table):,} that moved farthest. Error: distance from the gold value."
    )


def _texts(examples: Examples, indices: pd.Series[int]) -> dict[str, list[str]]:
    task = examples.task
    return {
        column.lower().replace("#1 string", "sentence 1").replace("#2 string", "sentence 2"): [
            examples.items[index].texts[number] for index in indices
        ]
        for number, column in enumerate(task.columns)
    }


def _columns(task: Task) -> dict[str, Any]:
    margin = st.column_config.NumberColumn(format="%+.2f", help="Gold label's logit minus the best other label's")
    place = st.column_config.NumberColumn(
        format="%d", help=f"Place in the dev set, from 1: {task.dev_rows:,} in GLUE's"
    )
    return {"example": place, "margin, full": margin, "margin, mask": margin}
