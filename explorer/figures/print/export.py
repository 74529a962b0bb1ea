"""A figure fit to leave the app: set for print, with its caption and where it comes from, as SVG, PNG, PDF and CSV."""

from __future__ import annotations

import html
import io
import re
import textwrap
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

from explorer.figures.print.render import FORMATS, PNG_SCALE, Format, Job, render
from explorer.figures.print.tidy import tidy

Columns = Literal["one", "two"]
INCHES: Mapping[Columns, float] = {"one": 3.3, "two": 6.9}
"""Widths of a figure in a paper of two columns."""
DPI = 96
"""CSS pixels in an inch, to Plotly, to SVG and to Chrome's PDF."""
FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"
_POINT = DPI / 72
_TEXT, _SMALLEST = 8 * _POINT, 7 * _POINT
"""8 pt, the size of a caption; nothing is below 7 pt."""
SCREEN_TEXT = 14.0
"""Pixels that figures are drawn for on screen."""


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A figure or a table of a page, with what it needs to be understood elsewhere."""

    title: str
    caption: str
    """Plain sentences."""
    figure: go.Figure | Callable[[float], go.Figure] | None = None
    """Figure as on screen, or a function that draws it for a width in inches; None for a table."""
    data: pd.DataFrame | Callable[[], pd.DataFrame] | None = None
    """Tidy data, or a function that makes them; None where the figure says it all."""

    def drawn(self, inches: float) -> go.Figure:
        """Returns the figure for that width, in its colours for a white page."""
        assert self.figure is not None
        return self.figure if isinstance(self.figure, go.Figure) else self.figure(inches)

    @property
    def table(self) -> pd.DataFrame:
        """Returns the exhibit's data, else what its figure draws."""
        if self.data is not None:
            return self.data if isinstance(self.data, pd.DataFrame) else self.data()
        return tidy(self.drawn(INCHES["two"])) if self.figure is not None else pd.DataFrame()


@dataclass(frozen=True)
class Origin:
    """Source of a page's figures: what a reader needs to find or make them again."""

    view: str
    """The page and what it is set to: 'Survival, MiniLM-L6 on MRPC, seed 1337'."""
    lines: tuple[str, ...] = ()
    """Sentences: program and version, link, data, checkpoint, commands."""


def for_print(figure: go.Figure, inches: float, text: float = _TEXT) -> go.Figure:
    """Copies a figure at that width, on white, in 8 pt text (`text`: pixels); a figure of a fixed width keeps its
    proportions.
    """
    made = go.Figure(figure)
    layout = made.layout
    width, height, scale = inches * DPI, float(layout.height or 360), text / SCREEN_TEXT
    sides = {side: max(8.0, (layout.margin[side] or 0) * scale) for side in "lrtb"}
    edges = sum(layout.margin[side] or 0 for side in "tb")
    made.update_layout(
        template="none",
        width=width,
        height=(height - edges) * (width / layout.width if layout.width else scale) + sides["t"] + sides["b"],
        paper_bgcolor="white",
        plot_bgcolor="white",
        font={"family": FONT, "size": text, "color": "black"},
        title_font_size=text,
        margin={**sides, "pad": 0},
    )
    if layout.legend.orientation == "h":  # grows upwards when it wraps
        made.update_layout(legend={"yanchor": "bottom", "y": 1.02, "x": 0, "xanchor": "left"})
    for axis in (*made.select_xaxes(), *made.select_yaxes()):
        _print_axis(axis, width - sides["l"] - sides["r"], text)
    made.update_coloraxes(colorbar={"title_font_size": text, "tickfont_size": text * 7 / 8})
    for note in made.layout.annotations:
        _shrink(note.font, scale)
    for trace in made.data:
        marker = getattr(trace, "marker", None)
        size = getattr(marker, "size", None)
        if trace.type == "scatter" and marker is not None and isinstance(size, (int, float)):
            marker.size = max(4.0, size * scale * 0.85)
        if trace.type == "heatmap":
            trace.colorbar.update(title_font_size=text, tickfont_size=text * 7 / 8)
            if trace.texttemplate:
                trace.textfont.size = text * 7 / 8
    return made


def _print_axis(axis: Any, width: float, text: float) -> None:
    shown = axis.showticklabels is not False and axis.showgrid is not False
    axis.update(
        automargin=True,
        showline=shown and axis.showline is not False,
        ticks="outside" if shown and axis.ticks != "" else "",
        linecolor="#444",
        tickcolor="#444",
        ticklen=3,
        gridcolor="#e3e3e3",
        title_standoff=4,
        title_font_size=text,
    )
    _shrink(axis.tickfont, text / SCREEN_TEXT)
    if axis.title.text and axis.plotly_name.startswith("x"):
        low, high = axis.domain or (0.0, 1.0)
        axis.title.text = "<br>".join(textwrap.wrap(axis.title.text, max(12, int((high - low) * width / (text / 2)))))


def _shrink(font: Any, scale: float) -> None:
    if font.size:
        font.size = max(_SMALLEST, font.size * scale)


def rendered(
    exhibits: Sequence[Exhibit],
    formats: Sequence[Format],
    columns: Columns,
    origin: Origin,
    on_done: Callable[[int, int], object] | None = None,
) -> dict[str, bytes]:
    """File name -> contents: each figure in each format, with caption and origin inside the file where it has room.

    on_done is told (finished, of how many). Raises BadRequest or Busy as `render.render` does.
    """
    drawn = {name: one for name, one in named(exhibits).items() if one.figure is not None}
    jobs = [
        (name, one, Job(for_print(one.drawn(INCHES[columns]), INCHES[columns]), kind))
        for name, one in drawn.items()
        for kind in formats
    ]
    title = f"{next(iter(drawn.values())).title}. {origin.view}" if len(drawn) == 1 else origin.view
    told = (lambda done: on_done(done, len(jobs))) if on_done is not None else None
    made = render([job for _, _, job in jobs], title=title, on_done=told)
    return {
        f"{name}.{job.format}": _with_words(data, job.format, one, origin)
        for (name, one, job), data in zip(jobs, made, strict=True)
    }


def named(exhibits: Sequence[Exhibit]) -> dict[str, Exhibit]:
    """Gives each exhibit a name fit for a file, numbered in the order of the page."""
    return {f"{number:02d}-{file_name(one.title)}": one for number, one in enumerate(exhibits, start=1)}


def file_name(words: str) -> str:
    """Makes a file name of lower case letters, digits and hyphens, at most 60."""
    name = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return (name if len(name) <= 60 else name[:61].rpartition("-")[0] or name[:60]) or "figure"


def csv_text(exhibit: Exhibit, origin: Origin) -> str:
    """The data under '# ' lines with title, caption and origin: `pandas.read_csv(file, comment="#")` reads it."""
    words = [f"# {line}" for line in words_of(exhibit, origin).splitlines()]
    table = exhibit.table
    safe = table.rename(columns=lambda name: str(name).replace("#", "no."))
    return "\n".join(words) + "\n" + safe.to_csv(index=False, lineterminator="\n")


def words_of(exhibit: Exhibit, origin: Origin) -> str:
    """Title, caption and origin, as plain lines."""
    return "\n".join(line for line in (exhibit.title, exhibit.caption, "", origin.view, *origin.lines))


def archive(files: Mapping[str, bytes], exhibits: Sequence[Exhibit], origin: Origin) -> bytes:
    """A zip of the files, the data of every exhibit as CSV, and captions.txt."""
    captions = [f"{name}\n{one.title}\n{one.caption}\n" for name, one in named(exhibits).items()]
    words = "\n".join([origin.view, *origin.lines, "", *captions])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
        for name, one in named(exhibits).items():
            zipped.writestr(f"{name}.csv", csv_text(one, origin))
        zipped.writestr("captions.txt", words)
    return buffer.getvalue()


def _with_words(data: bytes, kind: Format, exhibit: Exhibit, origin: Origin) -> bytes:
    """Writes words into the file: SVG, title and description; PNG, text and its size in print; PDF has its title
    already.
    """
    if kind == "svg":
        start, rest = data.decode("utf-8").split(">", 1)
        words = html.escape(words_of(exhibit, origin), quote=False)
        told = f"<title>{html.escape(exhibit.title, quote=False)}</title><desc>{words}</desc>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{start}>{told}{rest}'.encode()
    if kind == "png":
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("Title", exhibit.title)
        info.add_itxt("Description", words_of(exhibit, origin))
        buffer = io.BytesIO()
        with Image.open(io.BytesIO(data)) as image:
            image.save(buffer, "PNG", pnginfo=info, dpi=(DPI * PNG_SCALE,) * 2, optimize=True)
        return buffer.getvalue()
    return data


__all__ = [
    "FORMATS",
    "INCHES",
    "SCREEN_TEXT",
    "Columns",
    "Exhibit",
    "Format",
    "Origin",
    "archive",
    "csv_text",
    "file_name",
    "for_print",
    "named",
    "rendered",
    "words_of",
]
