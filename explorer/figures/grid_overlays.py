"""What the head grid can show of each head and MLP besides whether it is kept: a number, a class, a mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import BoolArray, Float64Array, Int64Array
from explorer.errors import BadRequest

NO_CLASS = -1


@dataclass(frozen=True, eq=False)
class Overlay:
    """A value in [0, 1] for every head (L, H) and MLP (L,); NaN = unknown. `title`, `low` and `high`
    are the legend: what is shown, and what 0 and 1 mean; `gap` names what is unknown, '' leaves that out.
    `middle`: what 0.5 means, where the values go two ways from it and so do the colours; '' where they do not."""

    heads: Float64Array
    mlps: Float64Array
    title: str
    low: str = "0"
    high: str = "1"
    gap: str = "unknown"
    middle: str = ""

    def __post_init__(self) -> None:
        _keep(self, np.float64)
        for name in ("heads", "mlps"):
            values = getattr(self, name)
            known = values[~np.isnan(values)]
            if ((known < 0) | (known > 1)).any():
                raise BadRequest(
                    f"The {name} of the overlay {self.title!r} go from {known.min():g} to {known.max():g}.",
                    "Scale them to [0, 1] and say in `low` and `high` what the ends mean.",
                )


@dataclass(frozen=True)
class Category:
    """One class as it is drawn: never by its colour alone."""

    name: str
    colour: str
    """#rrggbb"""
    sign: str
    """An SVG path, stroked, on a canvas of 20 x 20."""


@dataclass(frozen=True, eq=False)
class Classes:
    """A class for every head (L, H) and MLP (L,): which of `categories`; NO_CLASS = has none, called `gap`."""

    heads: Int64Array
    mlps: Int64Array
    title: str
    categories: Sequence[Category]
    gap: str = "unknown"

    def __post_init__(self) -> None:
        _keep(self, np.int64)
        for name in ("heads", "mlps"):
            values = getattr(self, name)
            if values.min() < NO_CLASS or values.max() >= len(self.categories):
                raise BadRequest(
                    f"The {name} of the overlay {self.title!r} name classes {values.min()} to {values.max()}, "
                    f"of {len(self.categories)}."
                )


@dataclass(frozen=True, eq=False)
class Marks:
    """Heads (L, H) and MLPs (L,) that are drawn with a bold edge; the title says, in legend and hover text, why."""

    heads: BoolArray
    mlps: BoolArray
    title: str

    def __post_init__(self) -> None:
        _keep(self, np.bool_)


def to_json(overlay: Overlay | Classes | Marks | None) -> dict[str, object] | None:
    """The overlay as the browser gets it, fit for JSON: None for unknown and for no class."""
    if overlay is None:
        return None
    data: dict[str, object] = {
        "title": overlay.title,
        "heads": [_values(row) for row in overlay.heads],
        "mlps": _values(overlay.mlps),
    }
    if isinstance(overlay, Overlay):
        data |= {"low": overlay.low, "high": overlay.high, "gap": overlay.gap}
        data |= {"middle": overlay.middle} if overlay.middle else {}
    elif isinstance(overlay, Classes):
        data["gap"] = overlay.gap
        data["kinds"] = [{"name": k.name, "colour": k.colour, "sign": k.sign} for k in overlay.categories]
    return data


def _keep(overlay: Overlay | Classes | Marks, dtype: type[np.generic]) -> None:
    """Gives it read-only copies of its own; raises BadRequest where the shapes are not (L, H) and (L,)."""
    for name, ndim in (("heads", 2), ("mlps", 1)):
        values = np.array(getattr(overlay, name), dtype=dtype)
        if values.ndim != ndim:
            raise BadRequest(
                f"The {name} of the overlay {overlay.title!r} have {values.ndim} dimensions, not {ndim}.",
                "Heads are (L, H), MLPs are (L,).",
            )
        values.setflags(write=False)
        object.__setattr__(overlay, name, values)
    if overlay.heads.shape[0] != overlay.mlps.shape[0]:
        raise BadRequest(
            f"The overlay {overlay.title!r} has {overlay.heads.shape[0]} layers of heads "
            f"but {overlay.mlps.shape[0]} MLPs.",
            "Both need one row per layer.",
        )


def _values(values: NDArray[Any]) -> list[float | int | bool | None]:
    if values.dtype == np.float64:
        return [None if np.isnan(value) else round(float(value), 4) for value in values]  # JSON has no NaN
    if values.dtype == np.int64:
        return [None if value == NO_CLASS else int(value) for value in values]
    return [bool(value) for value in values]
