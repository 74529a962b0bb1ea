"""The result card: a picture of somebody's best mask with its score, and a QR code that leads to it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import segno
from PIL import Image, ImageDraw, ImageFont

from explorer.mask import Mask

WIDTH, HEIGHT = 1200, 630
"""Pixels: what sites show of a shared link."""
_PAGE, _TEXT, _MUTED, _KEPT, _YOU = "#ffffff", "#262730", "#5f6169", "#0072b2", "#d55e00"


@dataclass(frozen=True)
class Result:
    """What the card tells."""

    mask: Mask
    score: str
    """The score with its interval and what it is on, in words."""
    against: str
    """How far the gradient got, in words; '' where it does not play."""
    link: str
    """Where the mask can be opened; '' where the browser has not told the address."""


def result_card(result: Result) -> bytes:
    """Draws the card as PNG."""
    card = Image.new("RGB", (WIDTH, HEIGHT), _PAGE)
    draw = ImageDraw.Draw(card)
    mask = result.mask
    off, n = mask.heads.size - mask.heads_kept, mask.heads.size
    draw.text((60, 44), "How many heads can you switch off?", fill=_MUTED, font=_font(34))
    draw.text((54, 80), f"{off} of {n} heads off", fill=_YOU, font=_font(92))
    draw.text((60, 196), result.score, fill=_TEXT, font=_font(30))
    draw.text((60, 240), result.against, fill=_MUTED, font=_font(26))
    _grid(draw, mask, (60, 300), 800, HEIGHT - 300 - 50)
    if result.link:
        code = _qr(result.link, 250)
        card.paste(code, (WIDTH - code.width - 50, 300))
        draw.text((WIDTH - code.width - 44, 308 + code.height), "Beat it", fill=_TEXT, font=_font(30))
    picture = io.BytesIO()
    card.save(picture, "PNG")
    return picture.getvalue()


def _grid(draw: ImageDraw.ImageDraw, mask: Mask, corner: tuple[int, int], width: int, height: int) -> None:
    """Draws a row a layer, a square a head, an oval for the MLP; what is off is hollow."""
    left, top = corner
    step = min(width / (mask.n_heads + 2.2), height / mask.n_layers)
    side, line = step * 0.84, max(1, round(step / 22))
    for layer in range(mask.n_layers):
        y = top + layer * step
        for head in range(mask.n_heads):
            x = left + head * step
            _part(draw, (x, y, x + side, y + side), bool(mask.heads[layer, head]), side * 0.2, line)
        x = left + (mask.n_heads + 0.3) * step
        _part(draw, (x, y, x + 1.7 * side, y + side), bool(mask.mlps[layer]), side * 0.5, line)


def _part(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], kept: bool, radius: float, line: int
) -> None:
    if kept:
        draw.rounded_rectangle(box, radius, fill=_KEPT)
        return
    draw.rounded_rectangle(box, radius, outline=_MUTED, width=line)
    draw.line((box[0] + radius / 2, box[3] - radius / 2, box[2] - radius / 2, box[1] + radius / 2), _MUTED, line)


def _qr(link: str, size: int) -> Image.Image:
    code = segno.make_qr(link, error="m")
    scale = max(1, size // code.symbol_size(border=2)[0])
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=scale, border=2)
    return Image.open(picture).convert("RGB")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
