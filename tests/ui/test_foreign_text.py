"""Text of others is shown as text: the functions that do it, and a search for whoever shows it as markup."""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from explorer.ui.as_text import code, plain, with_code
from tests.bundles import MODEL, small_bundle
from tests.ui.opened import opened

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "app.py", *sorted((ROOT / "explorer" / "ui").rglob("*.py"))]
SINKS = {
    "badge", "button", "caption", "checkbox", "dialog", "download_button", "error", "exception", "expander",
    "file_uploader", "form_submit_button", "header", "html", "info", "link_button", "markdown", "metric", "page_link",
    "popover", "progress", "radio", "selectbox", "slider", "spinner", "status", "subheader", "success", "tabs",
    "text_area", "text_input", "title", "toast", "toggle", "warning", "write",
}  # fmt: skip
"""Streamlit's elements whose text, label or help is Markdown or HTML."""
SHOWN = ("body", "label", "text", "help", "caption", "captions", "icon")
FOREIGN = {
    "wrong", "mend", "strerror", "command", "created", "device", "note", "notes", "checkpoint_sha256", "summary",
    "versions", "trouble", "missing", "error",
}  # fmt: skip
"""Attributes, keys and variables that hold what a file, a link, a person or the system said."""
ASKS = {"command_for", "study_command_for", "source_of", "asked", "address", "on_command_line", "import_command"}
"""Functions that answer with such text."""
AS_TEXT = {
    "plain",
    "code",
    "with_code",
    "escape",
    "bool",
    "len",
    "isinstance",
    "repr_of_number",
    "parameters_of",
    "parameters_under",
}
"""What makes text of it, or something that is no text."""


def bypasses(source):
    """Line and reason for each place where text of others may become markup."""
    tree = ast.parse(source)
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
        tainted = {"sentence"}
        for node in ast.walk(scope) if scope is not tree else ():
            if isinstance(node, ast.Assign) and _foreign(node.value, tainted):
                tainted |= {part.id for target in node.targets for part in ast.walk(target) if _is_name(part)}
        for node in ast.walk(scope) if scope is not tree else _outside(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SINKS:
                shown = [*node.args[:1], *(one.value for one in node.keywords if one.arg in SHOWN)]
                if found := next((_foreign(value, tainted) for value in shown if _foreign(value, tainted)), ""):
                    yield node.lineno, f"{found} is shown as markup"
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for before, after in zip(node.values, node.values[1:], strict=False):
                ticked = isinstance(before, ast.Constant) and str(before.value).endswith("`")
                if ticked and isinstance(after, ast.FormattedValue):
                    yield node.lineno, "text between backticks may hold backticks itself: use code()"


def _outside(tree):
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield from ast.walk(statement)


def _is_name(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _foreign(node, tainted):
    """Names the first piece of foreign text that an expression shows as it is; '' where there is none."""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in AS_TEXT:
            return ""
        if called in ASKS:
            return called
        if called == "get" and isinstance(node.func, ast.Attribute) and _ends(node.func.value) == "query_params":
            return "query_params"
        parts = [*node.args, *(one.value for one in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            parts.append(node.func.value)
        return next((found for part in parts if (found := _foreign(part, tainted))), "")
    if isinstance(node, ast.Attribute):
        return node.attr if node.attr in FOREIGN else ""
    if isinstance(node, ast.Name):
        return node.id if node.id in tainted or node.id in FOREIGN - {"missing", "notes", "note"} else ""
    if isinstance(node, ast.Subscript):
        key = node.slice.value if isinstance(node.slice, ast.Constant) else ""
        return str(key) if key in {"source", *FOREIGN} else _foreign(node.value, tainted)
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return ""  # a number: text has no such format
    if isinstance(node, ast.IfExp):
        return _foreign(node.body, tainted) or _foreign(node.orelse, tainted)
    if isinstance(node, ast.Compare):
        return ""
    return next((found for part in ast.iter_child_nodes(node) if (found := _foreign(part, tainted))), "")


def _ends(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_nobody_shows_text_of_others_as_markup():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {why}"
        for path in FILES
        for line, why in sorted(set(bypasses(path.read_text(encoding="utf-8"))))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "def f(error):\n    st.error(error.wrong)",
        "def f(error):\n    st.markdown(f'**No**: {error.mend}')",
        "def f(error):\n    words = str(error)\n    st.caption(words)",
        "def f(m):\n    left.caption(f'On {m.device}, {m.seconds:.0f} s')",
        "def f(m):\n    st.markdown(m.data['dev']['source'])",
        "def f():\n    st.info('Is ' + st.query_params.get('mask'))",
        "def f(b, k):\n    st.info(b.command_for(k))",
        "def f(b, k):\n    return f'Make it: `{b}`'",
        "def f(sentence):\n    st.warning(sentence, icon=':material/info:')",
        "def f(m):\n    st.button('x', help=m.note)",
        "st.html(f'<b>{error}</b>')",
    ],
)
def test_who_bypasses_it_is_found(source):
    assert len(list(bypasses(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "def f(error):\n    plain_text.failed(error)",
        "def f(error):\n    st.error(plain(error.wrong))",
        "def f(error):\n    words = plain(str(error))\n    st.caption(words)",
        "def f(b, k):\n    st.info(f'Make it: {code(b.command_for(k))}')",
        "def f(m):\n    st.code(m.command)",
        "def f(m):\n    st.caption(f'{m.seconds:.0f} s')",
    ],
)
def test_who_sends_it_through_is_not(source):
    assert not list(bypasses(source))


MARKS = "![](http://evil.example/p.png) <img src=x onerror=y> `$\\`` **_~~:red[x] &lt; www.evil.example a@b.c |\n# - 1."
texts = st.text(alphabet=MARKS + "a \t\u2028", max_size=40) | st.lists(st.sampled_from(MARKS.split(" "))).map(" ".join)


@given(texts)
def test_it_is_text_whatever_it_holds(text):
    within = f"A **sentence** with {plain(text)} and {code(text)} in it."
    for shown in (plain(text), code(text), with_code(text), within):
        made = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(shown)
        tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", made)) - {"p", "code", "strong", "br"}
        assert not tags, (shown, made)
    assert re.sub(r"\s+", "", html.unescape(re.sub("<[^>]+>", "", MarkdownIt().render(plain(text))))) == re.sub(
        r"\s+", "", text
    )


HOSTILE = "![x](http://evil.example/p.png)"


@pytest.mark.parametrize("name", ["overview", "survival", "tickets", "runs"])
def test_a_hostile_link_is_told_as_text(monkeypatch, tmp_path, name):
    bundle = small_bundle(tmp_path / "bundle")
    test = opened(monkeypatch, name, bundle.root, model=HOSTILE, task=HOSTILE, seed=HOSTILE, mask=HOSTILE, v=HOSTILE)
    told = [element.value for kind in (test.warning, test.info, test.markdown, test.caption) for element in kind]
    assert any("evil" in words for words in told), MODEL
    assert not [words for words in told if "](http://evil" in words]
