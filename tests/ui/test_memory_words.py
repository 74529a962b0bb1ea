"""What the Runs page says of the server's memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from explorer.ui.pages.runs.memory import held_bytes, memory_words

ROOT = Path(__file__).resolve().parents[2]
COUNTED = """
import subprocess, sys
from explorer.ui.pages.runs.memory import held_bytes
hold = "held = bytearray(64 * 2**20); print('there', flush=True); input()"
before = held_bytes()
with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
    assert child.stdout.readline() == b"there\\n"
    assert held_bytes() - before > 60 * 2**20
    child.communicate(b"\\n")
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it in /proc")


@linux
def test_it_counts_this_process_and_what_it_started():
    """In a process of its own: whatever other tests started here comes and goes."""
    subprocess.run([sys.executable, "-c", COUNTED], cwd=ROOT, check=True)


def test_a_process_that_is_gone_is_not_counted():
    assert held_bytes(2**22 + 1) is None


def test_the_bound_is_stated_wherever_it_runs(monkeypatch):
    monkeypatch.setattr("explorer.ui.pages.runs.memory.held_bytes", lambda: None)
    assert memory_words().startswith("Its bound is 2.5 GB (1.0 for pages, 1.5 for scoring)")
