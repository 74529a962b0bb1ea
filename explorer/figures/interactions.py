"""How every head and MLP interacts with one of them, as what colours a grid: synergy one way, redundancy the other."""

from __future__ import annotations

import numpy as np

from explorer.arrays import BoolArray, Float64Array
from explorer.figures.grid_overlays import Marks, Overlay
from explorer.figures.overlays import CellOverlay
from explorer.figures.signed import signed
from explorer.study.pairs import Partners
from explorer.study.words import component_names
from explorer.tickets.criteria import sides


def interaction_overlay(of: Partners, shape: tuple[int, int]) -> CellOverlay:
    """The interaction with one part; what is not told from nothing has no value, but its sentence says its numbers.

    shape: (L, H). Blue and clockwise: synergy. Orange and the other way round: redundancy.
    """
    name = component_names(shape)[of.part]
    title = f"Interaction with {name} ({of.measure})"
    ends = ("redundancy", "adds up", "synergy")
    overlay = two_ways(of.value, of.beyond_noise, shape, title, ends, gap="not told from none")
    words = np.array([_words(of, at, name) for at in range(len(of.value))], dtype=object)
    how = "exact, pair by pair" if of.exact else "on average over random masks"
    meaning = (
        f"Whether a part helps {name} or stands in for it ({how}); the card of another holds all parts against that one"
    )
    marks = part_marks(of.part, shape)
    return CellOverlay("Interaction", meaning, overlay, *sides(words, shape), marks=marks, always_told=False)


def two_ways(
    values: Float64Array, told: BoolArray, shape: tuple[int, int], title: str, ends: tuple[str, str, str], *, gap: str
) -> Overlay:
    """Makes the overlay of values that go two ways from 0, the largest at an end; those not told from 0 have none.

    values, told: (C,), heads row by row, then MLPs. shape: (L, H). ends: names of below, 0 and above. gap: what the
    others are called.
    """
    shown = np.where(told, values, np.nan)
    top = float(np.nanmax(np.abs(shown), initial=0.0)) if told.any() else 0.0
    scaled = 0.5 + shown / (2 * max(top, 1e-12))
    below, middle, above = ends
    low, high = (f"{below} {signed(-top)}", f"{above} {signed(top)}") if top else (below, above)
    return Overlay(*sides(scaled, shape), title, low, high, gap=gap, middle=middle)


def part_marks(part: int, shape: tuple[int, int]) -> Marks:
    """Marks the part that the others are held against."""
    marked = np.zeros(shape[0] * (shape[1] + 1), np.bool_)
    marked[part] = True
    return Marks(*sides(marked, shape), "The chosen part")


def _words(of: Partners, at: int, name: str) -> str:
    if at == of.part:
        return "The part that the others are held against"
    value = float(of.value[at])
    kind = "synergy" if value > 0 else "redundancy"
    told = f"{kind}, q = {of.q[at]:.2g}" if of.beyond_noise[at] else "not told from none"
    span = f"[{signed(float(of.low[at]))}, {signed(float(of.high[at]))}]"
    return f"Both off, beyond each alone, with {name}: {of.measure} {signed(value)} {span} ({told})"
