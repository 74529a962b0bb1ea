"""A model fetched by its name from a Hub on this machine: safetensors and tokenizer, never a pickle or code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bert.test_gone_heads import cut_out
from tests.little_hub import COMMIT, PATIENT, LittleHub
from tests.tiny import save_folder
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
FETCH = """
from explorer.bert.checkpoints import load_finetuned
from explorer.glue.tasks import TASKS
found = load_finetuned("someone/cased", TASKS["MRPC"])
print(found.identity.source, found.full_mask.heads_kept, found.name)
"""


def test_a_pruned_model_comes_by_its_name_without_pickles_and_code(tmp_path):
    (tmp_path / "made").mkdir()
    folder = cut_out(save_folder(tmp_path / "made"))
    hub = LittleHub()
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.repositories["someone/cased"] = {**files, "pytorch_model.bin": b"pickle", "code.py": b"raise SystemExit(9)"}
    environment = {**os.environ, **PATIENT, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    try:
        ran = subprocess.run(
            [sys.executable, "-c", FETCH],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
    finally:
        hub.close()
    assert ran.stdout.split() == [f"someone/cased@{COMMIT}", "7", "cased"], ran.stderr[-2000:]
    assert not [asked for asked in hub.asked if asked.endswith((".bin", ".py"))]
