"""A model at a glance: heads as squares and MLPs in a column of their own, for small multiples."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.arrays import Float64Array
from explorer.figures.palette import ramp

WIDTH = 250
"""Pixels of one panel: three to a row on a laptop, one on a telephone."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One model: a value for each head (L, H) and MLP (L,); nan = not known, drawn as a gap."""

    title: str
    note: str
    """Beside the title: how much is kept."""
    heads: Float64Array
    mlps: Float64Array
    one_mask: bool = False
    """Whether it is what one seed kept: then each cell is on or off, and no scale is drawn."""
    of_selected: bool = True
    """Whether it is of the model that is selected, so that its cells have cards."""


KEPT = {"light": "#1c6ea4", "dark": "#4fb3d9"}
"""What one seed kept: the head grid's colour of tiles that no overlay colours."""
_OFF = "linear-gradient(to top right,transparent 44%,#808080 44%,#808080 56%,transparent 56%)"
"""As the head grid crosses out what is off."""


def kept_legend_html(*, dark: bool) -> str:
    """The legend of panels of one mask each, as one line of HTML."""
    box = "box-sizing:border-box;border:1px solid #808080;"
    box += (
        "display:inline-block;width:.9rem;height:.9rem;border-radius:.15rem;vertical-align:-.1rem;margin-right:.35rem"
    )
    spans = "".join(
        f"<span><i style='{box};background:{colour}'></i>{words}</span>"
        for words, colour in (("kept", KEPT["dark" if dark else "light"]), ("off", _OFF))
    )
    return f"<div style='display:flex;gap:1.2rem;font-size:.875rem'>One seed: {spans}</div>"


def legend_html(low: str, high: str, *, dark: bool) -> str:
    """The panels' colour scale as one line of HTML, for a page to show once; low and high are plain words."""
    stops = ", ".join(colour for _, colour in ramp(dark=dark))
    shape = "width:5rem;height:.6rem;border-radius:.3rem"
    bar = f"<span style='{shape};background:linear-gradient(to right,{stops})'></span>"
    turned = " (lighter is more)" if dark else ""
    return f"<div style='display:flex;gap:.5rem;align-items:center;font-size:.875rem'>{low}{bar}{high}{turned}</div>"
