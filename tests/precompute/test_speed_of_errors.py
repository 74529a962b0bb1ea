"""What is wrong is told before torch is imported: a sentence comes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["score", "--task", "Nope", "--model", "minilm", "--device", "cpu"],
        ["score", "--task", "MRPC", "--model", "minilm", "--glue-dir", "/nowhere", "--device", "cpu"],
        ["finetune", "--task", "MRPC", "--glue-dir", "/nowhere", "--device", "cpu"],
        ["prune", "--task", "MRPC", "--method", "x", "--glue-dir", "/nowhere", "--device", "cpu"],
        ["validate", "/nowhere"],
    ],
)
def test_no_torch_before_the_sentence(arguments):
    program = (
        "import sys; sys.argv[0] = 'precompute'\n"
        "from precompute.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]
    assert "Traceback" not in done.stderr
