"""Rules of the house that no tool checks: sizes of files, openings of docstrings, tests without annotations."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("explorer", "precompute", "tests")
FILES = [
    ROOT / "app.py",
    ROOT / "serve.py",
    *(path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py"))),
]
CODE = [path for path in FILES if "tests" not in path.relative_to(ROOT).parts[:1]]
TESTS = [path for path in FILES if path not in CODE]
LONGEST = 300
FRAGMENT = re.compile(
    r"(Of|The same|Those|Likewise|And|Theirs|Its|For it|In it|Whatever|What it|As it|With which|In which|From which)\b"
)
"""Openings of a note that makes no sense without its neighbour."""


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_long_file_says_why_it_is_long(path):
    text = path.read_text(encoding="utf-8")
    if text.count("\n") > LONGEST:
        assert "long because" in " ".join(text.split("\n")[:4]).lower()


def notes_of(tree):
    """Docstrings of everything public, and the strings below attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.lineno, ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef | ast.Module):
            for before, after in zip(node.body, node.body[1:], strict=False):
                noted = isinstance(before, ast.Assign | ast.AnnAssign)
                if noted and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                    yield after.lineno, str(after.value.value)


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_a_docstring_stands_alone(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [f"line {line}: {words[:60]}" for line, words in notes_of(tree) if FRAGMENT.match(words)]
    assert not found


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_have_no_annotations(path):
    """One way for all: mypy does not read them, so that nobody may take them for checked."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs]
            if node.returns is not None or any(one.annotation is not None for one in arguments):
                found.append(f"line {node.lineno}: {node.name}")
    assert not found
