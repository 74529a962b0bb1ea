"""What pages call things, and where a score lies to the line that it has to keep to."""

from __future__ import annotations

import math

from explorer.study.words import OWN_QUESTION, QUESTIONS, minus, model_name, seeds

__all__ = ["OWN_QUESTION", "QUESTIONS", "against_line", "minus", "model_name", "seeds"]


def against_line(value: float, low: float, high: float, line: float) -> str:
    """Says whether a score lies above or below the line that it has to keep to, and whether its whole interval does."""
    if math.isnan(value):
        return "undefined"
    if value >= line:
        return f"above the 90% line ({line:.3f})" + ("" if low >= line else ", but not clearly")
    return f"below the 90% line ({line:.3f})" + ("" if high < line else ", but not clearly")
