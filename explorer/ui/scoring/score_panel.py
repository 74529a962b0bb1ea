"""What is said of a score: its difference from another, what is known of it so far, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from explorer.errors import ExplorerError
from explorer.stats.against_full import Comparison
from explorer.study.words import p_words
from explorer.ui.widgets import plain_text
from explorer.ui.widgets.words import minus

if TYPE_CHECKING:
    from explorer.live.evaluation import Evaluation


def failed(error: ExplorerError) -> bool:
    """What went wrong and what mends it; whether the person wants another try."""
    plain_text.failed(error)
    return st.button("Try again", icon=":material/refresh:", key="lab.again")


def verified_in_words(evaluation: Evaluation, unverified: str = "") -> str:
    """Says whether the predictions are fp32's, as the end of a sentence; unverified: why that cannot be told."""
    if not evaluation.verified:
        why = unverified.rstrip(".")
        return f"it could not be verified in fp32: {why}" if why else "being verified in fp32"
    if not evaluation.corrected:
        return "verified in fp32"
    return f"verified in fp32, which corrected **{evaluation.corrected:,}** of {len(evaluation.logits):,} predictions"


def in_words(
    found: Comparison,
    names: tuple[str, str] = ("this mask", "the full model"),
    turned: tuple[str, str] = ("were right and are now wrong", "were wrong and are now right"),
) -> str:
    """What the difference amounts to, as Markdown. names: the mask's, and of what it is held against."""
    difference, n = found.difference, found.score.n
    this, other = names
    if found.same:
        return f"Every prediction is {other}'s."
    interval = difference.undefined or minus(
        f"95% interval of the difference {difference.low:+.3f} to {difference.high:+.3f}"
    )
    if found.task.is_regression:
        return f"Paired with {other}: {interval}."
    test = f", McNemar's exact {p_words(difference.p)}" if difference.p is not None else ""
    if difference.p_swapped is not None:
        test += f", exact randomisation test {p_words(difference.p_swapped)}"
    verdict = (
        f"Nothing tells {this} from {other}: the difference is within noise."
        if difference.within_noise
        else f"The difference from {other} is larger than noise."
    )
    return (
        f"**{found.changed:,}** of {n:,} predictions differ from {other}'s: "
        f"**{found.broken:,}** {turned[0]}, **{found.fixed:,}** {turned[1]} "
        f"({interval}{test}). {verdict}"
    )
