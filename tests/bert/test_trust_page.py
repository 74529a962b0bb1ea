"""docs/TRUST.md says what the program says: each sentence about a model folder, and none is left out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from explorer.bert.checkpoints import load_pretrained
from explorer.errors import BadCheckpoint
from explorer.glue.tasks import TASKS
from tests.bert.test_model_folder import REFUSED, WEIGHTS

PAGE = Path(__file__).parents[2] / "docs" / "TRUST.md"


def section(title):
    return PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0].split("Only the loaders")[0]


def pattern(sentence):
    return ".*".join(map(re.escape, sentence.split("…")))


def test_the_page_and_the_program_say_the_same(tiny_folder, tmp_path):
    told = [pattern(sentence) for sentence in re.findall("“(.+?)”", section("A model folder: refused"))]
    said = set()
    cases = {kind: change for kind, (change, _) in REFUSED.items()}
    cases["pickle"] = lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin")
    cases["link"] = lambda folder: ((folder / WEIGHTS).unlink(), (folder / WEIGHTS).symlink_to(tmp_path / "gone"))
    for kind, change in cases.items():
        folder = Path(shutil.copytree(tiny_folder, tmp_path / kind.replace(" ", "-")))
        change(folder)
        with pytest.raises(BadCheckpoint) as caught:
            load_pretrained(str(folder), TASKS["MRPC"], 0)
        said.add(caught.value.wrong)
    assert [wrong for wrong in sorted(said) if not any(re.fullmatch(one, wrong) for one in told)] == []
    assert [one for one in told if not any(re.fullmatch(one, wrong) for wrong in said)] == []
