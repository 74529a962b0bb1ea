"""What every page says, read as a stranger reads it: signs of numbers, plurals, one word for one thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bundles import small_bundle
from tests.ui.opened import opened
from tests.ui.page_words import lines_of

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "cache"
THINGS = "seeds|heads|MLPs|tickets|masks|examples|predictions|sentences|draws|steps|thresholds|artefacts|pairs|layers"
FAULTS = {
    "a hyphen in the place of a minus sign": re.compile(r"(?<![\w.\-–])-(?=\.?\d)"),
    "one of many": re.compile(rf"(?<![\d.,])1 ({THINGS})\b"),
    "a count of one seed": re.compile(r"\bof (the )?1 seeds?\b"),
    "a sign before nothing": re.compile(r"[+−]0\.000(?!\d)"),
    "another word for retrained": re.compile(r"\b(re-train|trained again|tuned again)", re.IGNORECASE),
    "another word for most frequent": re.compile(r"\bcommonest\b"),
    "another word for low margin": re.compile(r"\bclose calls?\b"),
}


def faults(lines):
    return [(name, line[:300]) for line in lines for name, pattern in FAULTS.items() if pattern.search(line)]


PAGES = [
    ("overview", {}),
    *(("survival", {"view": view}) for view in ("seeds", "each", "tasks", "paths", "weights", "paper")),
    *(("tickets", {"method": method}) for method in ("structured", "super", "magnitude")),
    ("league", {}),
    ("replay", {"step": "3"}),
    ("patterns", {"view": "survivors"}),
    ("runs", {}),
]


def named(part):
    return part if isinstance(part, str) else "-".join(part.values())


CLAIMS = {f"overview.claim.{letter}": True for letter in "abcd"}


@pytest.mark.parametrize("task", ["CoLA", "STS-B"])
@pytest.mark.parametrize(("page", "query"), PAGES, ids=named)
def test_what_a_page_says_of_the_cache(monkeypatch, page, query, task):
    lines = lines_of(opened(monkeypatch, page, CACHE, session=CLAIMS, task=task, **query))
    assert lines
    assert not faults(lines)


WHOLE = ("overview", "survival", "tickets", "league", "replay", "patterns", "stage", "game")


@pytest.mark.parametrize("task", ["MRPC", "RTE", "SST-2", "WNLI", "MNLI"])
@pytest.mark.parametrize("page", WHOLE)
def test_every_page_of_every_task_of_the_cache_comes_to_its_end(monkeypatch, page, task):
    """With what this cache has of that task, whatever that is."""
    test = opened(monkeypatch, page, CACHE, task=task)  # an error that the app would tell is an exception here
    assert test.header
    assert not test.error


@pytest.mark.parametrize(("page", "query"), [of for of in PAGES if of[0] != "replay"], ids=named)
def test_what_a_page_says_of_one_seed(monkeypatch, page, query, one_seed):
    assert not faults(lines_of(opened(monkeypatch, page, one_seed.root, session=CLAIMS, **query)))


@pytest.fixture(scope="module")
def one_seed(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("bundles") / "one", seeds=(1337,))


def test_a_number_in_the_browser_is_printed_in_one_place():
    scripts = [path for path in (ROOT / "explorer").rglob("*.js") if "toFixed" in path.read_text(encoding="utf-8")]
    assert [path.name for path in scripts] == ["make.js"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("It loses -0.012.", "a hyphen in the place of a minus sign"),
        ("[-.5, 1]", "a hyphen in the place of a minus sign"),
        ("mean of 1 heads", "one of many"),
        ("in 0 of 1 seed", "a count of one seed"),
        ("+0.000 against the full model", "a sign before nothing"),
    ],
)
def test_a_fault_is_found(line, fault):
    assert faults([line]) == [(fault, line)]


@pytest.mark.parametrize("line", ["Heads 2-4 and 11-3", "5 to 11 seeds", "GPT-2 of 2020-11-26", "0.1 heads", "+0.0004"])
def test_what_is_well_said_is_none(line):
    assert not faults([line])
