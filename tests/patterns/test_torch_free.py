"""Classes, labels, features and scores are there without torch, so that pages start fast."""

from __future__ import annotations

import subprocess
import sys


def test_only_the_network_and_the_classifier_import_torch():
    program = (
        "import sys\n"
        "from explorer.patterns import classes\n"
        "from explorer.patterns.classifier import evaluation, features, generator, labels, rules\n"
        "from precompute.patterns import verbs\n"
        "labels.read_labels()\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
