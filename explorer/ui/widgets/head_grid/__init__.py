"""The head grid: every head and MLP of a model as a switch, the one component that all pages share.

The browser owns the mask: it paints a click at once and sends the whole mask, so a slow rerun loses no
click. Python takes the mask over only by sending a new `revision`; see `head_grid`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import streamlit as st

from explorer.errors import BadMask, BadRequest
from explorer.figures.grid_overlays import Classes, Marks, Overlay, to_json
from explorer.mask import Mask
from explorer.ui.widgets.scripts import no_change, script

Size = Literal["small", "normal", "large"]

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "head_grid",
    css=(_HERE / "head_grid.css").read_text(encoding="utf-8"),
    js=script(_HERE / "board.js", _HERE / "head_grid.js"),
)


def head_grid(
    mask: Mask,
    *,
    revision: str,
    key: str,
    fill: Overlay | Classes | None = None,
    ring: Overlay | None = None,
    marks: Marks | None = None,
    hover_heads: Sequence[Sequence[str]] | None = None,
    hover_mlps: Sequence[str] | None = None,
    disabled: bool = False,
    size: Size = "normal",
    name: str = "",
    cards: bool = True,
    on_change: Callable[[], None] | None = None,
) -> Mask:
    """Shows the grid; returns the newest mask that the browser sent for this revision, else `mask`.

    Store the answer in the session and pass it back as `mask` next time: the browser ignores `mask`
    until `revision` changes, then adopts it (its undo still leads back). A revision must never be used
    again for another mask: count up. `fill` colours the cells, `ring` draws an arc in each, `marks` a bold
    edge on some; the hover texts say in words what they show, to the pointer and to screen readers. A
    `disabled` grid only shows, and shows just `mask` whatever the revision. `large` is for a stage: as
    large as the window lets the whole grid be; `small` is one of many, its cells alone. name: what the grid shows, for
    screen readers. cards: whether its cells open the head card, as those of the selected model do.
    """
    newest = mask if disabled else mask_of(_sent(st.session_state.get(key)), mask, revision)
    # The newest mask, not `mask`, goes out: a grid that is mounted afresh adopts what it is sent.
    data = grid_data(
        newest,
        revision=revision,
        fill=fill,
        ring=ring,
        marks=marks,
        hover_heads=hover_heads,
        hover_mlps=hover_mlps,
        disabled=disabled,
        size=size,
        name=name,
        cards=cards,
    )
    result = _component(key=key, data=data, on_mask_change=on_change or no_change)
    return mask if disabled else mask_of(_sent(result), mask, revision)


def grid_data(
    mask: Mask,
    *,
    revision: str,
    fill: Overlay | Classes | None = None,
    ring: Overlay | None = None,
    marks: Marks | None = None,
    hover_heads: Sequence[Sequence[str]] | None = None,
    hover_mlps: Sequence[str] | None = None,
    disabled: bool = False,
    size: Size = "normal",
    name: str = "",
    cards: bool = True,
) -> dict[str, object]:
    """What the browser is told, fit for JSON; raises BadRequest on an overlay or texts of another shape."""
    shape = mask.heads.shape
    for overlay in (fill, ring, marks):
        if overlay is not None and overlay.heads.shape != shape:
            raise BadRequest(
                f"The overlay {overlay.title!r} has {_by(overlay.heads.shape)}, the mask {_by(shape)}.",
                "Is it an overlay of another model?",
            )
    if hover_heads is not None and [len(row) for row in hover_heads] != [mask.n_heads] * mask.n_layers:
        raise BadRequest(f"The hover texts of the heads are not {_by(shape)}.", "Give one text per head.")
    if hover_mlps is not None and len(hover_mlps) != mask.n_layers:
        raise BadRequest(f"There are {len(hover_mlps)} hover texts for {mask.n_layers} MLPs.", "Give one per MLP.")
    return {
        "code": mask.code,
        "revision": revision,
        "layers": mask.n_layers,
        "heads": mask.n_heads,
        "disabled": disabled,
        "size": size,
        "name": name,
        "cards": cards,
        "fill": to_json(fill),
        "ring": to_json(ring),
        "marks": to_json(marks),
        "hover": {
            "heads": [list(row) for row in hover_heads] if hover_heads is not None else None,
            "mlps": list(hover_mlps) if hover_mlps is not None else None,
        },
    }


def mask_of(state: object, fallback: Mask, revision: str) -> Mask:
    """The mask in what the browser sent: {"code": ..., "revision": ...}. The fallback if that is malformed,
    for another revision (Python has set a mask since) or for a model of another shape."""
    if not isinstance(state, Mapping) or state.get("revision") != revision:
        return fallback
    code = state.get("code")
    if not isinstance(code, str):
        return fallback
    try:
        return Mask.from_code(code, fallback.n_layers, fallback.n_heads)
    except BadMask:
        return fallback


def _sent(result: object) -> object:
    return result.get("mask") if isinstance(result, Mapping) else None


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) + " heads"
