"""Loading: any BERT-architecture folder, and a sentence for everything else. Pickles are never opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertForSequenceClassification

from explorer.bert.checkpoints import (
    encoder_weights,
    load_finetuned,
    load_pretrained,
    weights_of,
    with_weights,
)
from explorer.errors import BadCheckpoint
from explorer.glue.tasks import TASKS
from tests.tiny import n_parameters, rewrite

MRPC, STSB, MNLI = TASKS["MRPC"], TASKS["STS-B"], TASKS["MNLI"]
WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy to damage."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def test_a_folder_loads_frozen_in_eval_mode_with_the_weights_of_the_file(tiny_folder):
    classifier = load_finetuned(str(tiny_folder), MRPC)
    state = load_file(tiny_folder / WEIGHTS)
    assert all(torch.equal(tensor, state[name]) for name, tensor in classifier.model.state_dict().items())
    assert not classifier.model.training
    assert not any(parameter.requires_grad for parameter in classifier.model.parameters())
    assert (classifier.n_layers, classifier.n_heads, classifier.n_outputs) == (3, 4, 2)
    assert (classifier.name, classifier.source) == ("tiny-bert", str(tiny_folder))
    assert n_parameters(classifier.model) == sum(tensor.numel() for tensor in state.values())


def test_plain_transformers_gives_the_same_logits(tiny_folder):
    plain = BertForSequenceClassification.from_pretrained(tiny_folder).eval()
    classifier = load_finetuned(str(tiny_folder), MRPC)
    ids = classifier.tokenizer("the cat sees", return_tensors="pt")
    mine = classifier.model.state_dict()
    assert all(torch.equal(value, mine[name]) for name, value in plain.state_dict().items())
    with torch.inference_mode():  # the last bit depends on where in memory a weight lies
        torch.testing.assert_close(plain(**ids).logits, classifier.model(**ids).logits, rtol=1e-6, atol=1e-6)


def test_a_pretrained_model_gets_a_new_classifier_from_the_seed(tiny_folder):
    before = torch.random.get_rng_state()
    one, same, other = (load_pretrained(str(tiny_folder), MNLI, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before), "the caller's random numbers are left alone"
    assert one.n_outputs == 3
    assert torch.equal(one.model.classifier.weight, same.model.classifier.weight)
    assert not torch.equal(one.model.classifier.weight, other.model.classifier.weight)
    assert not one.model.classifier.bias.any()
    encoders = [encoder_weights(classifier) for classifier in (one, other)]
    assert all((encoders[0][name] == encoders[1][name]).all() for name in encoders[0])
    assert not any(name.startswith("classifier") for name in encoders[0])


def test_old_names_and_encoders_alone_are_understood(folder, tiny_folder):
    def old(state):
        return {
            name.removeprefix("bert.")
            .replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta"): tensor
            for name, tensor in state.items()
            if not name.startswith("classifier.")
        } | {"embeddings.position_ids": torch.arange(128)[None]}

    rewrite(folder, old)
    loaded, plain = load_pretrained(str(folder), MRPC, 5), load_pretrained(str(tiny_folder), MRPC, 5)
    expected = plain.model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.model.state_dict().items())
    assert loaded.sha256 != plain.sha256
    with pytest.raises(BadCheckpoint, match="has no classifier: it is a pre-trained model"):
        load_finetuned(str(folder), MRPC)


def test_a_model_without_pooler_gets_a_new_one(folder):
    rewrite(folder, lambda state: {k: v for k, v in state.items() if "pooler" not in k})
    one, same = (load_pretrained(str(folder), MRPC, 5).model.bert.pooler.dense.weight for _ in range(2))
    assert torch.equal(one, same)
    assert one.std() < 0.05


def test_other_weights_go_into_a_copy(classifier):
    before = weights_of(classifier.model)
    weights = {name: array + 1 for name, array in before.items()}
    other = with_weights(classifier, weights, source="s", sha256="x")
    assert (other.source, other.sha256, other.name) == ("s", "x", classifier.name)
    for name, array in weights_of(classifier.model).items():
        assert (array == before[name]).all()
        assert (weights_of(other.model)[name] == weights[name]).all()


def test_a_missing_folder(tmp_path):
    for source in (str(tmp_path / "gone"), "./gone", "a/b/c"):
        with pytest.raises(BadCheckpoint, match=r"There is no model folder at .* needs config.json and"):
            load_finetuned(source, MRPC)


def test_a_hub_that_cannot_be_reached(monkeypatch):
    import huggingface_hub

    def refuse(*_args, **kwargs):
        raise ConnectionError

    asked = {}
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", refuse)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_a, **kw: asked.update(kw) or refuse())
    with pytest.raises(BadCheckpoint, match="'some/bert' is no folder here, and the Hugging Face Hub did not"):
        load_finetuned("some/bert", MRPC)
    assert asked["local_files_only"]
    assert not any("bin" in pattern or pattern == "*" for pattern in asked["allow_patterns"])


def test_the_embedded_model_alone_is_not_finetuned():
    with pytest.raises(BadCheckpoint, match=r"without a classifier for a task. Fine-tune it: .*finetune --task MRPC"):
        load_finetuned("minilm", MRPC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"model_type": "roberta"}), "holds a 'roberta' model, not a BERT"),
        ("{}", "not a BERT"),
        ("[]", "not a BERT"),
        ("[1]", "no readable config.json"),
        ('{"model_type":', "no readable config.json"),
        (json.dumps({"model_type": "bert", "hidden_size": 16, "num_attention_heads": 5}), "config.json"),
    ],
)
def test_a_config_that_is_no_berts(folder, text, message):
    (folder / "config.json").write_text(text)
    with pytest.raises(BadCheckpoint, match=message):
        load_finetuned(str(folder), MRPC)


def test_a_folder_without_config(folder):
    (folder / "config.json").unlink()
    with pytest.raises(BadCheckpoint, match=r"has no readable config.json"):
        load_finetuned(str(folder), MRPC)


def test_a_pickle_is_never_opened(folder, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    (folder / WEIGHTS).unlink()
    torch.save({"classifier.weight": Trap()}, folder / "pytorch_model.bin")
    for load in (lambda: load_finetuned(str(folder), MRPC), lambda: load_pretrained(str(folder), MRPC, 0)):
        with pytest.raises(BadCheckpoint, match=r"only pytorch_model.bin. Pickled weights are never loaded"):
            load()
    assert not (tmp_path / "sprung").exists()


def test_truncated_and_mangled_weights(folder):
    data = (folder / WEIGHTS).read_bytes()
    for part in (data[: len(data) // 2], data[:4], b"", b"\xff" * 100):
        (folder / WEIGHTS).write_bytes(part)
        with pytest.raises(BadCheckpoint, match=r"cannot be read .* Is the file truncated"):
            load_finetuned(str(folder), MRPC)


def test_weights_that_do_not_fit(folder):
    with pytest.raises(BadCheckpoint, match=r"has 2 outputs; MNLI needs 3. It was fine-tuned for another task"):
        load_finetuned(str(folder), MNLI)
    with pytest.raises(BadCheckpoint, match="has 2 outputs; STS-B needs 1"):
        load_finetuned(str(folder), STSB)
    name = "bert.encoder.layer.1.output.dense.bias"
    rewrite(folder, lambda state: {k: v for k, v in state.items() if k != name})
    with pytest.raises(BadCheckpoint, match=f"lacks 1 weight, '{name}' among them"):
        load_finetuned(str(folder), MRPC)
    rewrite(folder, lambda state: state | {name: torch.zeros(3)})
    with pytest.raises(BadCheckpoint, match=r"do not fit its config.json"):
        load_finetuned(str(folder), MRPC)


@pytest.mark.parametrize("text", ["", '{"version": "1.0", "model"', '{"version": "1.0"}', "[]"])
def test_a_folder_without_a_usable_tokenizer(folder, text):
    (folder / "vocab.txt").unlink()
    if text:
        (folder / "tokenizer.json").write_text(text)
    with pytest.raises(BadCheckpoint, match="has no usable tokenizer"):
        load_finetuned(str(folder), MRPC)
