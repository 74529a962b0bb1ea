"""GLUE fetched from a Hub that speaks the real one's protocol and stands on this machine: how it goes, how it fails.

Each fetch is a process of its own, since the packages read HF_ENDPOINT and HF_HOME once, when they are imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.little_hub import PATIENT, SENTENCES, LittleHub
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
FETCH = """
from explorer.errors import BadData
from explorer.glue import sources
from tests.waiting import HANG_SECONDS
sources.HUB_SECONDS = HANG_SECONDS
from explorer.glue.sources import hub_examples
from explorer.glue.tasks import TASKS
{before}
try:
    found = hub_examples(TASKS["MRPC"], "dev")
    print("fetched", len(found), *found.items[0].texts)
except BadData as error:
    print("refused", error)
"""
FULL_DISK = """
import errno, os
from huggingface_hub import file_download
def full(*_args, **_options): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
file_download.http_get = full
"""
FETCHED = f"fetched 408 {SENTENCES[0][0]} {SENTENCES[0][1]}"


@pytest.fixture
def hub():
    made = LittleHub()
    yield made
    made.close()


def begun(url, home, before=""):
    environment = {**os.environ, **PATIENT, "HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    code = FETCH.format(before=before)
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=-1, stderr=subprocess.DEVNULL, text=True
    )


def said(process):
    out, _ = process.communicate(timeout=HANG_SECONDS)
    return out.strip()


def test_what_was_fetched_is_found_again_without_a_connection(hub, tmp_path):
    assert said(begun(hub.url, tmp_path)) == FETCHED
    asked = len(hub.asked)
    hub.close()
    assert said(begun(hub.url, tmp_path)) == FETCHED
    assert len(hub.asked) == asked


def test_a_slow_hub_is_waited_for(hub, tmp_path):
    hub.gate.clear()
    process = begun(hub.url, tmp_path)
    assert hub.at_gate.wait(HANG_SECONDS)
    assert process.poll() is None
    hub.gate.set()
    assert said(process) == FETCHED


@pytest.mark.parametrize(
    ("fails", "wrong", "mend"),
    [
        (404, "has no data set nyu-mll/glue with MRPC (404).", "If HF_ENDPOINT names a mirror"),
        (429, "has had too many requests from this address for now (429).", "Wait a few minutes and fetch MRPC again"),
        (500, "answers with an error (500).", "Fetch MRPC again later"),
        ("cut", "broke off before MRPC was here whole.", "Fetch it again"),
    ],
)
def test_a_failure_is_a_sentence_and_another_try_works(hub, tmp_path, fails, wrong, mend):
    hub.fails = fails
    answer = said(begun(hub.url, tmp_path))
    assert answer.startswith("refused ")
    assert wrong in answer
    assert mend in answer
    assert "\n" not in answer
    hub.fails = 0
    assert said(begun(hub.url, tmp_path)) == FETCHED


def test_a_full_disk_is_a_sentence_and_another_try_works(hub, tmp_path):
    answer = said(begun(hub.url, tmp_path, FULL_DISK))
    assert answer.startswith("refused There is no room on the disk to keep MRPC (about 1 MB). Make room")
    assert said(begun(hub.url, tmp_path)) == FETCHED
