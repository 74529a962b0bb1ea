"""A page as one HTML file: its words, figures and data, with plotly.js inside, so that it opens with no network."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence

import plotly.graph_objects as go
from markdown_it import MarkdownIt
from plotly.offline import get_plotlyjs

from explorer.figures.print.export import SCREEN_TEXT, Exhibit, Origin, csv_text, file_name, for_print, named

_INCHES = 8.5
"""Width of a figure: 816 pixels."""
_ROWS = 500
"""Rows of a table that are shown; the CSV beside it has all."""
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = """
body { font: 16px/1.5 Arial, Helvetica, sans-serif; color: #1c1c1c; background: #fff; max-width: 860px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
figure { margin: 0; overflow-x: auto; } figcaption, footer, summary { font-size: .875rem; color: #555; }
table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #ddd; padding: .2rem .6rem; text-align: left; vertical-align: top; }
details > div { overflow: auto; max-height: 24rem; } footer { margin-top: 3rem; border-top: 1px solid #ccc; }
footer p { margin: .4rem 0; overflow-wrap: anywhere; } a { color: #0a58a8; }
"""
_STREAMLIT = ((re.compile(r":material/\w+:\s*"), ""), (re.compile(r":\w+(?:-badge)?\[([^\]]*)\]"), r"\1"))
"""Streamlit's own marks in Markdown, and what is left of them."""


def offline_page(title: str, texts: Sequence[str], exhibits: Sequence[Exhibit], origin: Origin) -> str:
    """Builds the whole HTML file. texts: Markdown, above the figures. Nothing is loaded, no raw HTML passes.

    Each figure answers to the pointer and saves itself as SVG from its own toolbar; its data are below it, and as CSV.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = [f"<h1>{html.escape(title)}</h1>"]
    body += [markdown.render(_plain(text)) for text in texts]
    body += [_section(name, one, origin) for name, one in named(exhibits).items()]
    body.append("<footer>" + "".join(f"<p>{_linked(line)}</p>" for line in (origin.view, *origin.lines)) + "</footer>")
    script = f"<script>{get_plotlyjs()}</script>" if any(one.figure is not None for one in exhibits) else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n{script}\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _section(name: str, exhibit: Exhibit, origin: Origin) -> str:
    figure = ""
    if exhibit.figure is not None:
        drawn = for_print(exhibit.drawn(_INCHES), _INCHES, SCREEN_TEXT)
        figure = _figure(name, drawn)
    table = exhibit.table
    shown = table.head(_ROWS).to_html(index=False, border=0, na_rep="", float_format=lambda value: f"{value:.4g}")
    csv = base64.b64encode(csv_text(exhibit, origin).encode()).decode()
    link = f'<a download="{name}.csv" href="data:text/csv;base64,{csv}">as CSV</a>'
    more = f", the first {_ROWS:,} of {len(table):,} rows" if len(table) > _ROWS else ""
    data = f"<details{'' if figure else ' open'}><summary>Data{more} ({link})</summary><div>{shown}</div></details>"
    caption = f"<figcaption>{html.escape(exhibit.caption)}</figcaption>"
    return f"<h2>{html.escape(exhibit.title)}</h2>\n<figure>{figure}{caption}</figure>\n{data if len(table) else ''}"


def _figure(name: str, figure: go.Figure) -> str:
    saved = {"format": "svg", "filename": name}
    made: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=f"figure-{file_name(name)}",
        config={"displaylogo": False, "toImageButtonOptions": saved},
    )
    return made


def _plain(text: str) -> str:
    for mark, left in _STREAMLIT:
        text = mark.sub(left, text)
    return text


def _linked(line: str) -> str:
    """Escapes text and turns addresses into links."""
    return re.sub(r"(https?://[^\s<>\"']+[^\s<>\"'.,;)])", r'<a href="\1">\1</a>', html.escape(line, quote=True))
