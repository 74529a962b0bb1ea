"""A vocabulary that tells what no file of its tokenizer says: whether text is made lower case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.letter_case import lower_case
from explorer.bert.model_folder import model_folder
from explorer.glue.tasks import TASKS
from tests import tiny

CASED = ["The" if word == "the" else word for word in tiny.VOCABULARY]


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy to change, without a tokenizer configuration."""
    copy = Path(shutil.copytree(tiny_folder, tmp_path / "copy"))
    (copy / "tokenizer_config.json").unlink()
    return copy


def read(folder):
    return load_finetuned(str(folder), TASKS["MRPC"]).tokenizer.tokenize("The THE the")


def test_a_cased_vocabulary_without_a_configuration_is_read_as_cased(folder):
    (folder / "vocab.txt").write_text("\n".join(CASED) + "\n")
    assert read(folder) == ["The", "[UNK]", "[UNK]"]
    (note,) = model_folder(folder).notes
    assert 'its vocab.txt has "The", so it is read as cased' in note


def test_an_uncased_one_is_read_as_uncased(folder):
    assert read(folder) == ["the", "the", "the"]
    (note,) = model_folder(folder).notes
    assert note.endswith("has no capital letter, so it is read as uncased.")


def test_what_a_configuration_says_holds_and_a_contradiction_is_said(folder):
    (folder / "vocab.txt").write_text("\n".join(CASED) + "\n")
    said = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    assert (read(folder), lower_case(folder)) == (["The", "[UNK]", "[UNK]"], None)
    (folder / "tokenizer_config.json").write_text(json.dumps(said | {"do_lower_case": True}))
    assert read(folder) == ["[UNK]"] * 3
    (note,) = model_folder(folder).notes
    assert note.startswith('Its tokenizer_config.json makes text lower case, though its vocab.txt has "The"')
