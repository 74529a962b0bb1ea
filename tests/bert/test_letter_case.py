"""A vocabulary that tells what no file of its tokenizer says: whether text is made lower case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from transformers import BertTokenizer

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.letter_case import lower_case
from explorer.bert.model_folder import model_folder
from explorer.errors import BadCheckpoint
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


def with_fast_file(folder, *, lowercase, **said):
    """tokenizer.json beside the vocabulary, as a fast tokenizer writes it."""
    (folder / "vocab.txt").write_text("\n".join(CASED) + "\n")
    made = BertTokenizer(vocab=str(folder / "vocab.txt"), do_lower_case=lowercase)
    made.backend_tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").unlink()
    if said:
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"} | said))


def test_a_cased_tokenizer_file_by_itself_is_read_as_cased(folder):
    with_fast_file(folder, lowercase=False)
    assert read(folder) == ["The", "[UNK]", "[UNK]"]
    assert any("tokenizer.json does not make text lower case" in note for note in model_folder(folder).notes)


def test_a_configuration_and_a_tokenizer_file_that_differ_are_refused(folder):
    with_fast_file(folder, lowercase=False, do_lower_case=True)
    with pytest.raises(BadCheckpoint, match="into other word pieces than transformers does"):
        read(folder)
    with_fast_file(folder, lowercase=False, do_lower_case=False)
    assert read(folder) == ["The", "[UNK]", "[UNK]"]


def test_a_tokenizer_file_with_steps_of_its_own_is_refused(folder):
    with_fast_file(folder, lowercase=True)
    file = folder / "tokenizer.json"
    told = json.loads(file.read_text())
    steps = [told["normalizer"], {"type": "Replace", "pattern": {"String": "cat"}, "content": "the"}]
    file.write_text(json.dumps(told | {"normalizer": {"type": "Sequence", "normalizers": steps}}))
    with pytest.raises(BadCheckpoint, match="into other word pieces than transformers does"):
        read(folder)
