"""All that a page says: prose, tables, what its components are told, and what its figures write."""

from __future__ import annotations

import html
import json
import re

from tests.ui.cards import told

_COMPONENTS = ("hero", "head_grid", "head_card", "score_card", "race", "atlas", "stage_deck")
_CODE = re.compile(r"```.*?```|`[^`]*`|<code>.*?</code>", re.DOTALL)
_TAG = re.compile(r"<style>.*?</style>|<[^>]+>", re.DOTALL)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")  # as Markdown escapes
_LINK = re.compile(r"\]\([^)]*\)")


def lines_of(test):
    """Each text on the page, without its commands, its HTML's tags and the addresses of its links."""
    return [line for text in _texts(test) if (line := _prose(text))]


def _prose(text):
    bare = _LINK.sub("]", _TAG.sub(" ", _CODE.sub(" ", text)))
    return _ESCAPED.sub(r"\1", html.unescape(bare)).strip()


def _texts(test):
    kinds = (test.header, test.subheader, test.markdown, test.caption, test.info, test.warning, test.error)
    for kind in kinds:
        yield from (str(element.value) for element in kind)
    for element in test.metric:
        yield from (element.label, element.value, element.delta)
    for element in test.get("html"):
        yield element.proto.body
    for element in test.dataframe:
        yield from (cell for column in element.value for cell in element.value[column] if isinstance(cell, str))
    for element in test.get("plotly_chart"):
        yield from _strings(json.loads(element.proto.spec))
    for name in _COMPONENTS:
        for data in told(test, name):
            yield from _strings(data)


def _strings(value):
    """Every text of a component's data; codes, colours and paths of drawings have no space."""
    if isinstance(value, str):
        if " " in value:
            yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in ("template", "path", "pixels"):
                yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
