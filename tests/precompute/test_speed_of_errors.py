"""What is wrong is told before torch is imported: a sentence comes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


COMMANDS = [
    "--help",
    "score --task Nope --model minilm --device cpu",
    "score --task MRPC --model minilm --glue-dir /nowhere --device cpu",
    "finetune --task MRPC --glue-dir /nowhere --device cpu",
    "prune --task MRPC --method x --glue-dir /nowhere --device cpu",
    "validate /nowhere",
]


def test_no_torch_before_the_sentence():
    """In one process, which begins none of them with torch."""
    program = (
        "import sys\n"
        "from precompute.cli import main\n"
        "for command in sys.argv[1:]:\n"
        "    sys.argv = ['precompute', *command.split()]\n"
        "    try: main()\n"
        "    except SystemExit: pass\n"
        "    else: sys.exit(f'{command} came back')\n"
        "    if 'torch' in sys.modules: sys.exit(f'{command} imports torch')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *COMMANDS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]
    assert "Traceback" not in done.stderr
