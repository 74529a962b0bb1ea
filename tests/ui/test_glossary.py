"""Terms: one sentence each, the same everywhere, and no hole for HTML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from explorer.ui.widgets import glossary

ASKED = "ticket, super ticket, head, MLP, seed, dev set, majority baseline, kappa, McNemar, interval, norm-weighted"
"""What readers asked for."""
UI = Path(glossary.__file__).parents[1]
STUDY, SITE = UI.parent / "study", UI.parent / "figures" / "site"


def test_the_words_that_readers_asked_for_are_there():
    for name in [*ASKED.split(", "), "pruning path", "importance"]:
        assert glossary.TERMS[name].endswith((".", "?", ").")), name


def test_every_term_that_a_page_marks_is_in_the_table():
    pages = [path.read_text() for path in (*UI.rglob("*.py"), *STUDY.rglob("*.py")) if "glossary" in path.read_text()]
    pages += [path.read_text() for path in SITE.rglob("*.py")]
    marked = {name for text in pages for name in re.findall(r"\[\[([^\]|]+)(?:\|[^\]]+)?\]\]", text)}
    assert {*ASKED.split(", ")} <= marked
    assert marked <= set(glossary.TERMS), marked - set(glossary.TERMS)


def test_a_term_can_be_focused_and_says_its_sentence():
    made = glossary.rich("Two [[head|heads]] go.")
    assert 'tabindex="0">heads<span role="tooltip" hidden>' in made
    assert glossary.TERMS["head"] in made
    assert glossary.plain("Two [[head|heads]] of a [[ticket]].") == "Two heads of a ticket."


def test_an_unknown_term_is_a_mistake():
    with pytest.raises(KeyError):
        glossary.rich("[[no such term]]")


def test_what_looks_like_html_stays_text():
    made = glossary.rich("<img src=x onerror=alert(1)> & [[ticket|<b>]]")
    assert "<img" not in made
    assert "<b>" not in made
    assert "&lt;img src=x" in made
    assert glossary.noted("<i>", "a\n<b>").count("<span") == 2
