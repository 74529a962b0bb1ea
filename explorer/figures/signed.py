"""Differences in print: with their sign, and none where nothing is left of them after rounding."""

from __future__ import annotations


def signed(value: float, digits: int = 3) -> str:
    """'+0.012', '−0.012' with the sign for minus that print has, and '0.000' for what rounds to nothing."""
    text = f"{value:+.{digits}f}"
    if not any(digit in text for digit in "123456789"):
        return text[1:]
    return text.replace("-", "\N{MINUS SIGN}")
