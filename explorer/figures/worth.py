"""What every head and MLP is worth over a run's random masks, as what colours a grid: gain one way, harm the other."""

from __future__ import annotations

import numpy as np

from explorer.figures.interactions import two_ways
from explorer.figures.overlays import CellOverlay
from explorer.figures.signed import signed
from explorer.study.mask_bank import PartsWorth
from explorer.tickets.criteria import sides


def worth_overlay(of: PartsWorth, metric: str, shape: tuple[int, int]) -> CellOverlay:
    """Colours what is told from nothing; the rest has no colour, but its sentence says its numbers. shape: (L, H)."""
    ends = ("harms", "nothing", "is worth")
    title = f"Worth over random masks ({metric})"
    overlay = two_ways(of.found.value, of.beyond_noise, shape, title, ends, gap="not told from nothing")
    words = np.array([f"Worth {worth_words(of, at, metric)}" for at in range(len(of.q))], dtype=object)
    meaning = f"What it adds to the dev {metric} on average over {of.masks:,} random masks"
    return CellOverlay("Worth over random masks", meaning, overlay, *sides(words, shape), always_told=False)


def worth_words(of: PartsWorth, at: int, metric: str) -> str:
    """Words what one part is worth, with its interval and whether that is told from nothing."""
    value, low, high = (float(side[at]) for side in (of.found.value, of.found.low, of.found.high))
    told = "" if of.beyond_noise[at] else ", not told from nothing"
    return f"{signed(value)} [{signed(low)}, {signed(high)}] of {metric} over {of.masks:,} masks{told}"
