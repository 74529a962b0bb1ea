"""A task's data from a Hub that speaks the real one's protocol and stands on this machine, through `datasets`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.glue.hub_tables import hub_tables
from tests.little_hub import PATIENT, LittleHub, table_files
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
READ = """
from explorer.errors import ExplorerError
from explorer.glue.own_data import define
from explorer.glue.own_rows import Place, Reading
try:
    made = define("mine", Place({source!r}), Reading(("text",), "label"))
    print("read", made.task.labels, made.task.train_rows, made.task.dev_rows, made.splits["dev"].items[0].texts[0])
except ExplorerError as error:
    print("refused", error)
"""
CLASSES = ("bad", "good")


@pytest.fixture
def hub():
    made = LittleHub()
    rows = [("The river is wide.", 1), ("The owl sings badly.", 0)]
    made.repositories["datasets/us/reviews"] = table_files(
        {"short": {"train": rows * 3, "validation": rows}, "plain": {"train": rows, "test": rows[::-1]}}, CLASSES
    )
    yield made
    made.close()


def said(url, home, source="hub:us/reviews:short"):
    """What a process of its own prints: `datasets` reads HF_ENDPOINT and HF_HOME once, when it is imported."""
    environment = {**os.environ, **PATIENT, "HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    code = READ.format(source=source)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS
    )
    return ran.stdout.strip()


def test_a_configuration_is_fetched_and_found_again_without_a_connection(hub, tmp_path):
    fetched = "read ('bad', 'good') 6 2 The river is wide."
    assert said(hub.url, tmp_path) == fetched
    assert said(hub.url, tmp_path, "hub:us/reviews:plain").endswith("2 2 The owl sings badly.")
    hub.close()
    assert said(hub.url, tmp_path) == fetched


@pytest.mark.parametrize(
    ("fails", "source"), [(404, "hub:us/nothing"), ("cut", "hub:us/reviews:short"), (0, "hub:us/reviews:long")]
)
def test_what_cannot_be_had_is_a_sentence_and_leaves_nothing_half_way(hub, tmp_path, fails, source):
    hub.fails = fails
    refused = said(hub.url, tmp_path, source)
    assert refused.startswith(f"refused {source} cannot be had from the Hugging Face Hub")
    hub.fails = 0
    assert said(hub.url, tmp_path).startswith("read")


def test_what_is_no_name_is_told_before_anything_is_asked():
    from explorer.errors import BadRequest

    for source in ("hub:", "hub:../up", "hub:a/b/c", "hub:a:b/c"):
        with pytest.raises(BadRequest, match="names no data set"):
            hub_tables(source)
