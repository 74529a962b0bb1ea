"""The command line run in this process, on a tiny model and a tiny GLUE folder with sentences of our own."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from explorer.glue.tasks import TASKS
from precompute.cli import main
from tests import tiny

ROWS = 24
SEED = 7


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def record(self):
        """The one line of JSON that --json promises, and nothing else, in strict JSON."""
        (line,) = self.out.splitlines()

        def refuse(word):
            raise AssertionError(f"{word} is not JSON")

        read: dict[str, Any] = json.loads(line, parse_constant=refuse)
        return read


Command = Callable[..., Ran]


def run_main(monkeypatch, capsys, *argv):
    """`python -m precompute ARGV`."""
    monkeypatch.setattr(sys, "argv", ["precompute", *map(str, argv)])
    capsys.readouterr()
    status = 0
    try:
        main()
    except SystemExit as end:
        status = int(end.code or 0)
    read = capsys.readouterr()
    return Ran(status, read.out, read.err)


@pytest.fixture
def run(monkeypatch, capsys, small_tasks):
    """`run("score", "--task", ...)` gives status, stdout and stderr; GLUE_DIR is not set."""
    monkeypatch.delenv("GLUE_DIR", raising=False)
    return lambda *argv: run_main(monkeypatch, capsys, *argv)


@pytest.fixture(scope="package")
def small_tasks():
    """MRPC and STS-B with 24 rows a split."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MRPC", "STS-B"):
            patch.setitem(TASKS, name, replace(TASKS[name], dev_rows=ROWS, train_rows=ROWS))
        yield


@pytest.fixture(scope="package")
def glue(tmp_path_factory, small_tasks):
    """A GLUE folder; dev is train, so that the tiny model is better than chance by heart."""
    folder = tmp_path_factory.mktemp("glue")
    for name in ("MRPC", "STS-B"):
        for split in ("train", "dev"):
            tiny.write_tsv(folder, tiny.make_examples(TASKS[name], ROWS, seed=5, split=split))
    return folder


@pytest.fixture(scope="package")
def model(tmp_path_factory):
    """Named as the embedded model is in bundles, so that --model-name may stay at its default."""
    return tiny.save_folder(tmp_path_factory.mktemp("hub") / "minilm-l6", scale=0.3)


@pytest.fixture(scope="package")
def finetuned_bundle(tmp_path_factory, glue, model):
    """A bundle with one fine-tuned run; read-only."""
    from explorer.store.bundle import Bundle
    from precompute.options import Options
    from precompute.stages import finetune

    root = tmp_path_factory.mktemp("runs") / "bundle"
    finetune.make(Options(TASKS["MRPC"], SEED, str(model), Bundle(root), glue), epochs=40, learning_rate=3e-3)
    return root


@pytest.fixture
def bundle(finetuned_bundle, tmp_path):
    """A copy of it to add to."""
    return Path(shutil.copytree(finetuned_bundle, tmp_path / "bundle"))
