"""What several folders of tests share. Torch is imported by the tests that need it, not here."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random BERT with two outputs as a Hugging Face folder named tiny-bert; read-only."""
    from tests import tiny

    return tiny.save_folder(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="session")
def classifier(tiny_folder: Path):
    """The tiny BERT as a classifier for MRPC; nobody writes to it."""
    from explorer.bert.checkpoints import load_finetuned
    from explorer.glue.tasks import TASKS

    return load_finetuned(str(tiny_folder), TASKS["MRPC"])
