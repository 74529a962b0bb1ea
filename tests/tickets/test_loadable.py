"""The exported folder: plain transformers loads it and answers as the gated model does."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from explorer.bert.batches import by_length
from explorer.bert.checkpoints import load_finetuned
from explorer.bert.gates import encoder_layers
from explorer.bert.reference import reference_logits
from explorer.bert.surgery import cut
from explorer.errors import BadMask, BadRequest
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.mask_files import read_mask
from explorer.tickets import loadable
from explorer.tickets.loadable import write_folder, zip_folder
from explorer.tickets.smaller import smaller
from explorer.tickets.zeroing import zeroed
from tests import tiny

ENCODED = tiny.random_encoded(10)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)
NOTHING = Mask(np.zeros((tiny.N_LAYERS, tiny.N_HEADS)), np.zeros(tiny.N_LAYERS))
SOME = FULL.with_layer(1, False).with_head(0, 2, False).with_mlp(2, False)
MRPC = TASKS["MRPC"]


def logits_of(model):
    logits = np.zeros((len(ENCODED), model.config.num_labels), np.float32)
    with torch.inference_mode():
        for batch in by_length(ENCODED, 4):
            out = model(
                input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
            )
            logits[batch.indices] = out.logits.numpy()
    return logits


@settings(max_examples=25)
@given(tiny.masks())
@example(NOTHING)
@example(FULL)
def test_zeros_give_the_logits_of_the_gates(classifier, mask):
    np.testing.assert_allclose(
        logits_of(zeroed(classifier, mask)), reference_logits(classifier, ENCODED, mask), atol=tiny.FP32
    )


@pytest.mark.parametrize("mask", [SOME, NOTHING, FULL])
def test_plain_transformers_loads_the_folder_and_answers_the_same(classifier, tmp_path, mask):
    before = logits_of(classifier.model)
    write_folder(classifier, mask, MRPC, tmp_path / "out")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    expected = reference_logits(classifier, ENCODED, mask)
    np.testing.assert_allclose(logits_of(model), expected, atol=tiny.FP32)
    assert (logits_of(model).argmax(1) == expected.argmax(1)).all()
    np.testing.assert_array_equal(logits_of(classifier.model), before)
    assert model.config.id2label == {0: "different", 1: "paraphrase"}
    assert AutoTokenizer.from_pretrained(tmp_path / "out").tokenize("the cat") == ["the", "cat"]


def test_what_is_pruned_is_zero_and_the_output_bias_of_attention_stays(classifier, tmp_path):
    write_folder(classifier, SOME, MRPC, tmp_path / "out")
    pruned, whole = encoder_layers(zeroed(classifier, SOME))[1], encoder_layers(classifier.model)[1]
    for linear in (pruned.attention.self.value, pruned.intermediate.dense, pruned.output.dense):
        assert not linear.weight.any()
        assert not linear.bias.any()
    assert not pruned.attention.output.dense.weight.any()
    assert torch.equal(pruned.attention.output.dense.bias, whole.attention.output.dense.bias)
    assert whole.output.dense.weight.any()


def test_the_mask_and_its_origin_travel_with_it(classifier, tmp_path):
    files = write_folder(classifier, SOME, MRPC, tmp_path / "out", {"score": 0.5}).files
    assert {path.name for path in files} >= {"config.json", "model.safetensors", "README.md", "mask.json"}
    masks = {path.name: path.read_bytes() for path in files if path.name.endswith("_mask.npy")}
    assert read_mask(masks, *SOME.heads.shape) == SOME
    told = json.loads((tmp_path / "out" / "mask.json").read_text())
    assert (told["model"], told["task"], told["score"], told["code"]) == ("tiny-bert", "MRPC", 0.5, SOME.code)
    readme = (tmp_path / "out" / "README.md").read_text()
    assert f"`{SOME.code}`" in readme
    assert "from_pretrained(folder)" in readme


def test_the_readmes_code_runs(classifier, tmp_path):
    write_folder(classifier, SOME, MRPC, tmp_path / "out")
    blocks = (tmp_path / "out" / "README.md").read_text().split("```python\n")[1:]
    names: dict[str, object] = {}
    for block in blocks:
        exec(block.split("```")[0].replace('folder = "."', f"folder = {str(tmp_path / 'out')!r}"), names)
    assert names["small"].num_parameters() < names["model"].num_parameters()


def test_a_score_in_place_of_classes(tmp_path):
    stsb = TASKS["STS-B"]
    write_folder(tiny.finetuned(tmp_path / "tiny", stsb), SOME, stsb, tmp_path / "out")
    config = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").config
    assert (config.num_labels, config.problem_type) == (1, "regression")


def test_a_folder_in_use_and_a_foreign_mask_are_refused(classifier, tmp_path):
    (tmp_path / "theirs.txt").write_text("precious")
    with pytest.raises(BadRequest, match="holds something already"):
        write_folder(classifier, SOME, MRPC, tmp_path)
    with pytest.raises(BadRequest, match="cannot be written"):
        write_folder(classifier, SOME, MRPC, tmp_path / "theirs.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.txt"]
    with pytest.raises(BadMask):
        write_folder(classifier, Mask.full(2, 2), MRPC, tmp_path / "out")


def test_zipped_it_unpacks_to_one_folder(classifier, tmp_path):
    write_folder(classifier, SOME, MRPC, tmp_path / "out")
    buffer = io.BytesIO()
    zip_folder(tmp_path / "out", buffer, "pruned")
    with zipfile.ZipFile(buffer) as archive:
        archive.extractall(tmp_path / "unpacked")
    model = AutoModelForSequenceClassification.from_pretrained(Path(tmp_path, "unpacked", "pruned")).eval()
    np.testing.assert_allclose(logits_of(model), reference_logits(classifier, ENCODED, SOME), atol=tiny.FP32)


def test_where_every_mlp_is_gone_the_folder_is_really_smaller(classifier, tmp_path):
    mask = Mask(SOME.heads, np.zeros(tiny.N_LAYERS))
    written = write_folder(classifier, mask, MRPC, tmp_path / "out")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    assert model.config.intermediate_size == 1
    assert model.num_parameters() == written.n_parameters < written.n_whole
    np.testing.assert_allclose(logits_of(model), reference_logits(classifier, ENCODED, mask), atol=tiny.FP32)


@pytest.mark.parametrize("mask", [SOME, NOTHING])
def test_for_transformers_4_heads_are_cut_out_but_one_of_a_layer_that_lost_all(classifier, tmp_path, mask):
    written = write_folder(classifier, mask, MRPC, tmp_path / "out", loader="transformers-4")
    pruned = json.loads((tmp_path / "out" / "config.json").read_text())["pruned_heads"]
    assert pruned["1"] == [1, 2, 3]
    assert "one head of each layer that lost all" in written.zero
    opened = load_finetuned(str(tmp_path / "out"), MRPC)
    np.testing.assert_allclose(
        reference_logits(opened, ENCODED, FULL), reference_logits(classifier, ENCODED, mask), atol=tiny.FP32
    )


def test_a_folder_with_other_logits_is_refused_and_nothing_is_left(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(loadable, "smaller", lambda of, mask, loader: smaller(of, FULL, loader))
    with pytest.raises(BadRequest, match="gives other logits than the gated model"):
        write_folder(classifier, SOME, MRPC, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_onnx_graph_is_really_smaller_and_proven(classifier, tmp_path):
    pytest.importorskip("onnx", reason="requirements-bench.txt")
    pytest.importorskip("onnxruntime", reason="requirements-bench.txt")
    written = write_folder(classifier, SOME, MRPC, tmp_path / "out", form="onnx")
    assert written.n_parameters == tiny.n_parameters(cut(classifier, SOME)) < written.n_whole
    assert written.proof.by.startswith("ONNX Runtime")
    assert written.proof.largest <= 1e-4
