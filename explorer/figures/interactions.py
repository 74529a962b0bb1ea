"""How every head and MLP interacts with one of them, as what colours a grid: synergy one way, redundancy the other."""

from __future__ import annotations

import numpy as np

from explorer.figures.grid_overlays import Marks, Overlay
from explorer.figures.overlays import CellOverlay
from explorer.figures.signed import signed
from explorer.study.pairs import Partners
from explorer.study.words import component_names


def interaction_overlay(of: Partners, shape: tuple[int, int]) -> CellOverlay:
    """The interaction with one part; what is not told from nothing has no value, but its sentence says its numbers.

    shape: (L, H). Blue and clockwise: synergy. Orange and the other way round: redundancy.
    """
    shown = np.where(of.beyond_noise, of.value, np.nan)
    top = float(np.nanmax(np.abs(shown), initial=0.0)) if of.beyond_noise.any() else 0.0
    scaled = 0.5 + shown / (2 * max(top, 1e-12))
    name = component_names(shape)[of.part]
    ends = (f"redundancy {signed(-top)}", f"synergy {signed(top)}") if top else ("redundancy", "synergy")
    heads = shape[0] * shape[1]
    overlay = Overlay(
        scaled[:heads].reshape(shape),
        scaled[heads:],
        f"Interaction with {name} ({of.measure})",
        *ends,
        gap="not told from none",
        middle="adds up",
    )
    words = np.array([_words(of, at, name) for at in range(len(of.value))], dtype=object)
    how = "exact, pair by pair" if of.exact else "on average over random masks"
    meaning = f"Whether a part helps the chosen one or stands in for it ({how}); click a cell to choose another"
    return CellOverlay("Interaction", meaning, overlay, words[:heads].reshape(shape), words[heads:])


def part_marks(part: int, shape: tuple[int, int]) -> Marks:
    """Marks the part that the others are held against."""
    marked = np.zeros(shape[0] * (shape[1] + 1), np.bool_)
    marked[part] = True
    heads = shape[0] * shape[1]
    return Marks(marked[:heads].reshape(shape), marked[heads:], "The chosen part")


def _words(of: Partners, at: int, name: str) -> str:
    if at == of.part:
        return "The part that the others are held against"
    value = float(of.value[at])
    kind = "synergy" if value > 0 else "redundancy"
    told = f"{kind}, q = {of.q[at]:.2g}" if of.beyond_noise[at] else "not told from none"
    span = f"[{signed(float(of.low[at]))}, {signed(float(of.high[at]))}]"
    return f"Both off, beyond each alone, with {name}: {of.measure} {signed(value)} {span} ({told})"
