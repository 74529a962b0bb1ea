"""No test depends on how fast the machine is: what races the clock is found in the tests' own text."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
ALLOWED = {
    "waiting.py": "the one place that looks at the clock: it holds the limit at which a hang is given up",
}
WAITS = ("wait", "acquire", "result", "exception", "join", "communicate", "until")
"""Methods whose only plain number is a limit in seconds."""


def races(source):
    """Line and reason for each place where a test waits for a duration, a number of tries, or a limit of its own."""
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.Import) and "time" in [name.name for name in node.names]) or (
            isinstance(node, ast.ImportFrom) and node.module == "time"
        ):
            yield node.lineno, "looks at the clock: wait with tests.waiting.until, or for an event"
        elif isinstance(node, ast.For) and _tries(node):
            yield node.lineno, "tries a number of times: wait with tests.waiting.until, or for an event"
        elif isinstance(node, ast.Call):
            yield from _call(node)


def _call(node):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in ("sleep", "wait_for_timeout"):
        yield node.lineno, f"{name} waits for a duration"
    if name in WAITS and any(_is_number(argument) for argument in node.args):
        yield node.lineno, f"{name} has a limit of its own: use HANG_SECONDS"
    for keyword in node.keywords:
        if keyword.arg == "preexec_fn":
            yield node.lineno, "preexec_fn may wait for ever for what a thread that was not forked holds"
        if keyword.arg == "deadline" and _is_number(keyword.value):
            yield node.lineno, "a deadline: tests/conftest.py has switched them off for all"
        if keyword.arg and "timeout" in keyword.arg and _is_number(keyword.value):
            yield node.lineno, f"{keyword.arg} has a limit of its own: use HANG_SECONDS or HANG_MILLISECONDS"
    if name in ("from_function", "from_file") and not any(of.arg == "default_timeout" for of in node.keywords):
        yield node.lineno, "AppTest gives up after 3 seconds: say default_timeout=HANG_SECONDS"


def _is_number(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _tries(loop):
    """for _ in range(...) that ends early: a poll loop."""
    unused = isinstance(loop.target, ast.Name) and loop.target.id.startswith("_")
    counted = unused and isinstance(loop.iter, ast.Call) and getattr(loop.iter.func, "id", "") == "range"
    return counted and any(isinstance(node, ast.Break | ast.Return) for part in loop.body for node in ast.walk(part))


def test_no_test_races_the_clock():
    found = [
        f"{path.relative_to(TESTS)}:{line}: {why}"
        for path in sorted(TESTS.rglob("*.py"))
        if path.name not in ALLOWED
        for line, why in races(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import sleep",
        "page.wait_for_timeout(100)",
        "asyncio.sleep(1)",
        "expect(cell).to_be_visible(timeout=300)",
        "process.wait(timeout=10)",
        "job.wait(30)",
        "future.result(10.0)",
        "AppTest.from_function(script)",
        "AppTest.from_function(script, default_timeout=20)",
        "settings(deadline=500)",
        "subprocess.run(command, preexec_fn=limit)",
        "for _ in range(300):\n    if done():\n        break",
    ],
)
def test_what_races_the_clock_is_found(source):
    assert len(list(races(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "job.wait(HANG_SECONDS)",
        "process.wait()",
        "AppTest.from_function(script, default_timeout=HANG_SECONDS)",
        "for number in range(3):\n    click()",
        "until(lambda: done())",
        "assert timeout < 10",
    ],
)
def test_what_waits_for_a_condition_is_not(source):
    assert not list(races(source))


def test_a_test_that_hangs_fails_by_its_name(tmp_path):
    hanging = "import threading\n\ndef test_that_hangs():\n    threading.Event().wait()\n"
    (tmp_path / "test_hanging.py").write_text(hanging)
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--override-ini=timeout=1", tmp_path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "test_hanging.py::test_that_hangs - Failed: Timeout" in done.stdout
