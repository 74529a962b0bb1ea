"""One file of the site: the frame that every page stands in. Text is escaped here or by whoever makes HTML of it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markdown_it import MarkdownIt

from explorer.figures import glossary
from explorer.figures.site.scripts import script, style

GENERATOR = "BERT Lottery Explorer, static site"
"""What tells a page of ours from any other."""
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""Nothing is loaded from anywhere."""
_MARKDOWN = MarkdownIt("commonmark", {"html": True})
"""HTML may pass, since `rich` has escaped whatever is not a term's."""


def document(
    title: str, body: Iterable[str], data: Mapping[str, Any], *, links: Sequence[tuple[str, str]], home: bool
) -> str:
    """Builds the whole file. body: HTML. data: what the scripts draw, fit for JSON. links: (address, words) on top.

    home: whether it is the index, which need not link to itself.
    """
    told = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    nav = "".join(f'<a href="{html.escape(to, quote=True)}">{html.escape(words)}</a>' for to, words in links)
    back = "" if home else '<a class="s-home" href="index.html">← All tasks</a>'
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="{GENERATOR}">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{html.escape(title)}</title>\n{glossary.STYLE}\n<style>\n{style()}</style>\n</head>\n<body>\n"
        f'<a class="s-skip" href="#main">To the content</a>\n<nav class="s-nav" aria-label="Pages">{back}{nav}</nav>\n'
        f'<main id="main">\n<noscript><p class="s-note">What moves on this page needs JavaScript, which is off here. '
        f"Texts and tables are all there.</p></noscript>\n{chr(10).join(body)}\n</main>\n"
        f'<script type="application/json" id="data">{told}</script>\n<script>{script()}</script>\n</body>\n</html>\n'
    )


def markdown(text: str) -> str:
    """Makes HTML of Markdown with marked terms; whatever looks like HTML in it is shown as it is written."""
    made: str = _MARKDOWN.render(glossary.rich(text))
    return made.strip()


def heading(level: int, text: str, anchor: str = "") -> str:
    """A heading whose terms say their sentences."""
    inner = _MARKDOWN.renderInline(glossary.rich(text))
    return f"<h{level}{f' id={chr(34)}{anchor}{chr(34)}' if anchor else ''}>{inner}</h{level}>"


def table(caption: str, rows: Sequence[Mapping[str, str]], helps: Mapping[str, str] | None = None) -> str:
    """A table of words, its first column the names of its rows; it scrolls by itself where it is too wide.

    rows: column -> words. helps: column -> a sentence that its head says.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    helps = helps or {}

    def head(name: str) -> str:
        return glossary.noted(name, helps[name]) if name in helps else html.escape(name)

    def cells(row: Mapping[str, str]) -> str:
        first, *others = columns
        texts = "".join(f"<td>{html.escape(row.get(name, '') or '–')}</td>" for name in others)
        return f'<tr><th scope="row">{html.escape(row.get(first, ""))}</th>{texts}</tr>'

    heads = "".join(f'<th scope="col">{head(name)}</th>' for name in columns)
    name = html.escape(caption, quote=True)
    return (
        f'<div class="s-wide" role="region" tabindex="0" aria-label="{name}"><table><caption>{html.escape(caption)}'
        f"</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(map(cells, rows))}</tbody></table></div>"
    )


def panels(name: str, of: Mapping[str, str]) -> str:
    """Several panels of which one is seen at a time; all are, where no script runs. of: words on the switch -> HTML."""
    if len(of) == 1:
        return f"<div>{next(iter(of.values()))}</div>"
    inner = "".join(f'<div data-tab="{html.escape(words, quote=True)}">{made}</div>' for words, made in of.items())
    return f'<div data-tabs="{html.escape(name, quote=True)}">{inner}</div>'
