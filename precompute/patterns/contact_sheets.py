"""Pictures of drawn maps, twenty a sheet, for people to label by hand; nothing gives a label away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.patterns.classifier.labelled_maps import DrawnMap

COLUMNS, ROWS = 5, 4
MAP, TICK, TITLE, GAP = 220, 7, 20, 14
"""Pixels: the longest side of a map, the ticks at its top and left, its title, and the space between maps."""
_COLOURS = {"cls": "#d62728", "sep": "#1f77b4", "punctuation": "#2ca02c"}
_BOUNDARY = "#ff7f0e"


def write_sheets(maps: Sequence[DrawnMap], folder: Path) -> list[Path]:
    """sheet_01.png and so on. Dark = strong, each map by its own strongest cell; ticks along the top: red [CLS],
    blue [SEP], green punctuation; an orange notch at the top and the left where the second sentence begins."""
    folder.mkdir(parents=True, exist_ok=True)
    per_sheet = COLUMNS * ROWS
    paths = []
    for start in range(0, len(maps), per_sheet):
        path = folder / f"sheet_{start // per_sheet + 1:02d}.png"
        sheet(maps[start : start + per_sheet]).save(path)
        paths.append(path)
    return paths


def sheet(maps: Sequence[DrawnMap]) -> Image.Image:
    """Draws up to twenty maps in rows of five."""
    width, height = MAP + TICK + GAP, MAP + TICK + TITLE + GAP
    image = Image.new("RGB", (COLUMNS * width + GAP, ROWS * height + GAP), "white")
    for number, drawn in enumerate(maps):
        row, column = divmod(number, COLUMNS)
        _paint(image, drawn, GAP + column * width, GAP + row * height)
    return image


def _paint(image: Image.Image, drawn: DrawnMap, left: int, top: int) -> None:
    pen = ImageDraw.Draw(image)
    pen.text((left + TICK, top), drawn.id, fill="black", font=ImageFont.load_default(15))
    x, y = left + TICK, top + TITLE + TICK
    length = len(drawn.weights)
    cell = MAP // length
    shades = np.rint(255 * (1 - drawn.weights / max(float(drawn.weights.max()), 1e-12))).astype(np.uint8)
    picture = Image.fromarray(shades, "L").resize((cell * length, cell * length), Image.Resampling.NEAREST)
    image.paste(picture, (x, y))
    pen.rectangle((x - 1, y - 1, x + cell * length, y + cell * length), outline="#999999")
    for position, role in enumerate(drawn.tokens.roles):
        if role in _COLOURS:
            pen.rectangle((x + position * cell, y - TICK, x + (position + 1) * cell - 2, y - 3), fill=_COLOURS[role])
    if drawn.tokens.is_pair:
        second = cell * int((drawn.tokens.segments == 0).sum())
        pen.line((x + second, y - TICK, x + second, y - 1), fill=_BOUNDARY, width=2)
        pen.line((x - TICK, y + second, x - 1, y + second), fill=_BOUNDARY, width=2)
