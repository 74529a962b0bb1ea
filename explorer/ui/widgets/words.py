"""What pages call things, and where a score lies to the line that it has to keep to."""

from __future__ import annotations

import math

from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.words import OWN_QUESTION, QUESTIONS, counted, minus, model_name, seeds, share_sd
from explorer.ui.as_text import code

__all__ = [
    "OWN_QUESTION",
    "QUESTIONS",
    "against_line",
    "counted",
    "minus",
    "model_name",
    "seeds",
    "share_sd",
    "training_words",
]


def against_line(value: float, low: float, high: float, line: float) -> str:
    """Says whether a score lies above or below the line that it has to keep to, and whether its whole interval does."""
    if math.isnan(value):
        return "undefined"
    if value >= line:
        return minus(f"above the 90% line ({line:.3f})") + ("" if low >= line else ", but not clearly")
    return minus(f"below the 90% line ({line:.3f})") + ("" if high < line else ", but not clearly")


def training_words(line: MajorityBaseline) -> str:
    """Where the most frequent label of the training set could stand in its place, the command for that, as Markdown."""
    return f"; {code(line.from_training)} takes the training set's" if line.from_training else ""
