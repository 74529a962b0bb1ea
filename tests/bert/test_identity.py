"""Which model it is: the same wherever it lies, another as soon as weights, config or tokenizer differ."""

from __future__ import annotations

import doctest
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from explorer.bert import checkpoints, identity, model_names
from explorer.bert.checkpoints import encoder_weights, load_finetuned, load_pretrained, weights_of, with_weights
from explorer.bert.identity import identity_of
from explorer.bert.model_names import name_in_bundle
from explorer.bert.packing import pack
from explorer.errors import BadCheckpoint, BadRequest
from explorer.glue.tasks import TASKS
from explorer.store.schema import Run
from tests import tiny

MRPC = TASKS["MRPC"]


@pytest.fixture
def folder(tiny_folder, tmp_path):
    return Path(shutil.copytree(tiny_folder, tmp_path / "checkpoint-500"))


def test_it_names_where_the_model_lies_for_good(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    ways = ("checkpoint-500", "./checkpoint-500/", "checkpoint-500/../checkpoint-500", "~/checkpoint-500", str(folder))
    assert {identity_of(way) for way in ways} == {identity_of(str(folder))}
    assert identity_of("checkpoint-500").source == str(folder.resolve())


def test_the_same_model_elsewhere_has_the_same_content(folder, tiny_folder):
    here, there = identity_of(str(folder)), identity_of(str(tiny_folder))
    assert here.source != there.source
    assert here.content == there.content
    tiny.edit_config(folder, transformers_version="1.2.3", _name_or_path="/elsewhere")
    assert identity_of(str(folder)).content == there.content


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda folder: tiny.rewrite(folder, lambda s: {k: v + 1 for k, v in s.items()}), "weights"),
        (lambda folder: tiny.edit_config(folder, hidden_act="relu"), "config"),
        (lambda folder: tiny.edit_config(folder, id2label={"0": "equivalent", "1": "not_equivalent"}), "config"),
        (lambda folder: (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text().upper()), "tokenizer"),
        (lambda folder: (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}'), "tokenizer"),
    ],
)
def test_whatever_a_score_depends_on_makes_another_model(folder, change, part):
    before = identity_of(str(folder))
    change(folder)
    after = identity_of(str(folder))
    assert after.content != before.content
    assert [name for name, value in asdict(after).items() if value != asdict(before)[name]] == [part]


def test_weights_replaced_in_place_at_the_same_time_are_noticed(folder):
    path = folder / "model.safetensors"
    before, stat = identity_of(str(folder)), path.stat()
    tiny.rewrite(folder, lambda state: {name: tensor + 1 for name, tensor in state.items()})
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert identity_of(str(folder)).weights != before.weights


def test_loaded_models_carry_it(folder):
    told = identity_of(str(folder))
    for loaded in (load_finetuned(str(folder), MRPC), load_pretrained(str(folder), MRPC, 0)):
        assert loaded.identity == told
        assert loaded.sha256 == told.weights
    other = with_weights(loaded, weights_of(loaded.model), source="s", sha256="x")
    assert (other.identity.source, other.identity.weights, other.identity.config) == ("s", "x", told.config)


def test_a_packed_file_is_its_base_with_other_weights(folder, tmp_path):
    base = load_pretrained(str(folder), MRPC, 1)
    data = pack(
        encoder_weights(base),
        weights_of(base.model),
        base_name=str(folder),
        base_sha256=base.sha256,
        about={"task": "MRPC"},
    )
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(data)
    told = identity_of(str(path))
    assert load_finetuned(str(path), MRPC).identity == told
    assert (told.source, told.config, told.tokenizer) == (str(path), base.identity.config, base.identity.tokenizer)
    assert told.weights != base.identity.weights


def test_a_model_of_the_hub_is_named_with_its_commit(folder, tmp_path, monkeypatch):
    import huggingface_hub

    snapshot = folder.rename(tmp_path / "0123abc")
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_a, **_kw: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_a, **_kw: str(snapshot))
    assert identity_of("some/bert").source == "some/bert@0123abc"
    assert load_finetuned("some/bert", MRPC).name == "bert"
    asked: dict[str, object] = {}
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_a, **kw: asked.update(kw) or str(snapshot))
    assert identity_of("some/bert@0123abc").source == "some/bert@0123abc"
    assert asked["revision"] == "0123abc"


def test_the_file_of_the_weights_is_not_the_model(folder):
    with pytest.raises(BadCheckpoint, match=r"is the weights of a model folder. Name the folder: .*checkpoint-500"):
        load_finetuned(str(folder / "model.safetensors"), MRPC)
    with pytest.raises(BadCheckpoint, match=r"vocab.txt is a file, not a model folder"):
        load_finetuned(str(folder / "vocab.txt"), MRPC)
    with pytest.raises(BadCheckpoint, match="No model is named"):
        load_finetuned(" ", MRPC)
    with pytest.raises(BadRequest, match="names a home folder that does not exist"):
        load_finetuned("~nobody-of-that-name/model", MRPC)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("minilm", "minilm-l6"),
        ("google-bert/bert-base-uncased", "bert-base-uncased"),
        ("runs/checkpoint-500/", "checkpoint-500"),
        (".", "here"),
        ("./", "here"),
        ("..", "above"),
        ("a/..", "here"),
        ("~", "home"),
        ("my models/RTE (best, seed 3)", "RTE-best-seed-3"),
        ("org/bert@0123abc", "bert"),
        ("models/.hidden", "hidden"),
        ("models/модель", "model"),
        ("models/-_-", "model"),
        ("models/" + "long" * 40, "long" * 16),
    ],
)
def test_every_source_has_a_name_that_a_bundle_takes(source, name, tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "above" / "here").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "above" / "here")
    assert name_in_bundle(source) == name
    assert Run(name_in_bundle(source), "MRPC", 1).model == name


def test_a_model_in_the_folder_one_stands_in(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert load_finetuned(".", MRPC).name == "checkpoint-500"


@pytest.mark.parametrize("module", [checkpoints, identity, model_names])
def test_the_examples_in_the_docstrings_run(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_a_tokenizer_that_says_it_reads_less_is_given_what_the_model_reads(folder):
    told = json.loads((folder / "tokenizer_config.json").read_text()) | {"model_max_length": 3}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    loaded = load_finetuned(str(folder), MRPC)
    assert loaded.tokenizer.model_max_length == 128
    assert torch.equal(loaded.model.classifier.weight, load_finetuned(str(folder), MRPC).model.classifier.weight)
