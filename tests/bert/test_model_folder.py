"""The one check of a model folder: what it finds, and a sentence for everything that would be a wrong number.

Long because it lists every odd model folder, refused or read, in one table.

Each case is given to the check that needs no torch and to both loaders, which must say the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertForSequenceClassification
from transformers.activations import ACT2FN

from explorer.bert.checkpoints import load_finetuned, load_pretrained
from explorer.bert.model_config import ACTIVATIONS
from explorer.bert.model_folder import HUB_ID, model_folder
from explorer.bert.user_text import encode_text
from explorer.errors import BadCheckpoint
from explorer.glue.encoding import encode
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from tests import tiny
from tests.waiting import HANG_SECONDS

MRPC, SST2 = TASKS["MRPC"], TASKS["SST-2"]
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
QUERY = "bert.encoder.layer.0.attention.self.query.weight"
Change = Callable[[Path], object]


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy to change."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def config(**changes):
    return lambda folder: tiny.edit_config(folder, **changes)


def tensors(**changes):
    """Tensors added or replaced; '__' stands for '.'."""
    named = {name.replace("__", "."): tensor for name, tensor in changes.items()}
    return lambda folder: tiny.rewrite(folder, lambda state: state | named)


def renamed(rename):
    return lambda folder: tiny.rewrite(folder, lambda state: {rename(name): value for name, value in state.items()})


def file(name, content="{}"):
    return lambda folder: (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def gone(name):
    return lambda folder: (folder / name).unlink()


def sharded(folder):
    """model.safetensors cut into two files and an index."""
    state = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(state)
    weight_map = {}
    for number, part in enumerate((names[:20], names[20:]), start=1):
        shard = f"model-0000{number}-of-00002.safetensors"
        save_file({name: state[name] for name in part}, folder / shard, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, shard)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def reindexed(change):
    def apply(folder):
        sharded(folder)
        told = json.loads((folder / INDEX).read_text())
        change(told["weight_map"])
        (folder / INDEX).write_text(json.dumps(told))

    return apply


def then(*changes):
    return lambda folder: [change(folder) for change in changes]


def vocabulary(n):
    return file("vocab.txt", "\n".join([*tiny.VOCABULARY, *(f"w{i}" for i in range(n))]) + "\n")


REFUSED: dict[str, tuple[Change, str]] = {
    "no config": (gone("config.json"), "no readable config.json"),
    "a list": (file("config.json", "[1]"), "no readable config.json"),
    "another model": (config(model_type="roberta"), "'roberta' model, not a BERT"),
    "unknown model": (config(model_type=..., architectures=...), "'model of unknown type' model, not a BERT"),
    "no type, another": (config(model_type=..., architectures=["XLNetModel"]), "'model of unknown type' model"),
    "multiple choice": (config(architectures=["BertForMultipleChoice"]), "holds a BertForMultipleChoice, which is not"),
    "tokens": (config(architectures=["BertForTokenClassification"]), "holds a BertForTokenClassification"),
    "questions": (config(architectures=["BertForQuestionAnswering"]), "holds a BertForQuestionAnswering"),
    "roberta as bert": (config(architectures=["RobertaForSequenceClassification"]), "holds a RobertaForSequence"),
    "own code": (config(auto_map={"AutoModel": "code.Model"}), "brings code of its own"),
    "quantised config": (config(quantization_config={"load_in_8bit": True}), "`quantization_config`: its weights are"),
    "relative": (config(position_embedding_type="relative_key"), "position_embedding_type 'relative_key'; only 'absol"),
    "decoder": (config(is_decoder=True), "says is_decoder"),
    "cross": (config(add_cross_attention=True), "says add_cross_attention"),
    "pruned": (config(pruned_heads={"0": [9]}), "lists heads in `pruned_heads` that 3 layers x 4 heads do not have"),
    "all pruned": (config(pruned_heads={str(n): [0, 1, 2, 3] for n in range(3)}), "lists every head in `pruned_heads`"),
    "activation": (config(hidden_act="snake"), "hidden_act 'snake', which is not computed here. Those that are: gelu"),
    "activation with weights": (config(hidden_act="prelu"), "hidden_act 'prelu'"),
    "eps": (config(layer_norm_eps="small"), "layer_norm_eps small"),
    "no sizes": (config(hidden_size="wide"), "does not say its sizes: hidden_size is 'wide'"),
    "no layers": (config(num_hidden_layers=0), "does not say its sizes: num_hidden_layers is 0"),
    "no words": (config(max_position_embeddings=2), "max_position_embeddings 2: too few"),
    "a layer left out": (
        renamed(lambda name: name.replace("encoder.layer.2.", "encoder.layer.5.")),
        r"have layers \[0, 1, 5\]; its config.json says 3",
    ),
    "no bias": (
        lambda folder: tiny.rewrite(folder, lambda s: {k: v for k, v in s.items() if k != "classifier.bias"}),
        "lacks 1 weight, 'classifier.bias'",
    ),
    "nothing in it": (lambda folder: tiny.rewrite(folder, lambda _: {}), "lacks 53 weights"),
    "odd heads": (config(num_attention_heads=5), "5 heads in a width of 16"),
    "padding": (config(pad_token_id=9999), "config.json is not a BERT's"),
    "more layers in config": (config(num_hidden_layers=4), "have 3 layers; its config.json says 4"),
    "fewer layers in config": (config(num_hidden_layers=2), "have 3 layers; its config.json says 2"),
    "another width": (config(intermediate_size=64), r"do not fit its config.json .* is 32 x 16, not 64 x 16"),
    "another vocabulary": (config(vocab_size=60), "do not fit its config.json .*word_embeddings"),
    "more positions": (config(max_position_embeddings=512), "do not fit its config.json .*position_embeddings"),
    "no weights": (gone(WEIGHTS), "no .safetensors weights: neither model.safetensors nor model.safetensors.index"),
    "tensorflow": (then(gone(WEIGHTS), file("tf_model.h5")), r"no .safetensors weights.*\(tf_model.h5 is something el"),
    "truncated": (file(WEIGHTS, b"\x10\0\0\0\0\0\0\0{"), "cannot be read .* Is the file truncated"),
    "git lfs": (file(WEIGHTS, "version https://git-lfs.github.com/spec/v1\noid"), "Git LFS pointer, .* `git lfs pull`"),
    "adapter alone": (then(gone(WEIGHTS), file("adapter_config.json")), r"holds an adapter \(PEFT.* Merge it .*peft"),
    "adapter beside": (file("adapter_model.safetensors"), "a model and an adapter .* is not clear. Move"),
    "shard beside": (file("model-00001-of-00002.safetensors"), "holds two models: model.safetensors, and model-00001"),
    "index beside": (file(INDEX), "holds two models"),
    "stale shard": (
        then(sharded, file("model-00001-of-00003.safetensors")),
        "00003.safetensors, which .* does not list",
    ),
    "missing shard": (
        then(sharded, gone("model-00002-of-00002.safetensors")),
        "00002.safetensors', which is not there",
    ),
    "index that lacks a tensor": (
        reindexed(lambda listed: listed.pop(QUERY)),
        "holds .*query.*, which .* does not say",
    ),
    "index of a tensor that is nowhere": (
        reindexed(lambda listed: listed.update(x=listed[QUERY])),
        "lists 'x', which is in no file",
    ),
    "index that leads away": (
        reindexed(lambda listed: listed.update({QUERY: "../a.safetensors"})),
        "'../a.safetensors'",
    ),
    "index that is none": (then(sharded, file(INDEX, "[]")), "index.json is not readable"),
    "index of nothing": (then(gone(WEIGHTS), file(INDEX, '{"weight_map": {}}')), "lists no file"),
    "integers": (
        lambda folder: tiny.rewrite(folder, lambda state: state | {QUERY: state[QUERY].to(torch.int8)}),
        "are quantised or no numbers: 'bert.encoder.*query.weight' is I8",
    ),
    "scales": (
        tensors(bert__encoder__layer__0__attention__self__query__weight_scale=torch.ones(1)),
        "holds 1 weight without a place",
    ),
    "relative positions": (
        tensors(bert__encoder__layer__0__attention__self__distance_embedding__weight=torch.ones(3, 4)),
        "without a place in a BERT classifier, '.*distance_embedding.weight' among them",
    ),
    "cross attention": (
        tensors(bert__encoder__layer__0__crossattention__self__query__weight=torch.ones(16, 16)),
        "without a place .*crossattention",
    ),
    "another classifier": (
        tensors(classifier__dense__weight=torch.ones(2, 16)),
        "without a place .*'classifier.dense.weight'",
    ),
    "loss weights": (tensors(loss_fct__weight=torch.ones(2)), "without a place .*'loss_fct.weight'"),
    "an adapter's": (
        tensors(bert__encoder__layer__0__attention__self__query__lora_A__weight=torch.ones(2, 16)),
        "without a place .*lora_A",
    ),
    "twice": (
        tensors(module__bert__pooler__dense__bias=torch.ones(16)),
        "hold 'bert.pooler.dense.bias' twice: as .* and as",
    ),
    "half a pooler": (
        lambda folder: tiny.rewrite(folder, lambda s: {k: v for k, v in s.items() if k != "bert.pooler.dense.bias"}),
        "lacks 1 weight, 'bert.pooler.dense.bias'",
    ),
    "odd tensor": (tensors(bert__pooler__dense__bias=torch.ones(3)), "'bert.pooler.dense.bias' is 3, not 16"),
    "no tokenizer": (gone("vocab.txt"), "no usable tokenizer"),
    "a larger tokenizer": (vocabulary(3), "numbers word pieces up to 49; the model has embeddings for 47"),
}
"""What is wrong, and what is said: by the check without torch and by both loaders."""
LOADED = {"padding"}
"""Noticed only when the model is built."""


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_wrong_is_a_sentence(folder, kind):
    damage, says = REFUSED[kind]
    damage(folder)
    loads: list[Callable[[], object]] = [
        lambda: load_finetuned(str(folder), MRPC),
        lambda: load_pretrained(str(folder), MRPC, 0),
    ]
    if kind not in LOADED:
        loads.append(lambda: model_folder(folder))
    for load in loads:
        with pytest.raises(BadCheckpoint, match=says) as caught:
            load()
        assert caught.value.mend
        assert "\n" not in str(caught.value)


ACCEPTED: dict[str, Change] = {
    "outputs everything": config(output_attentions=True, output_hidden_states=True, return_dict=False),
    "torchscript": config(torchscript=True, use_return_dict=False),
    "no model_type": config(model_type=...),
    "no architectures": config(architectures=...),
    "no type at all but bert": config(architectures="BertForSequenceClassification", model_type=...),
    "saved by others": config(dtype="float16", torch_dtype="float16", _name_or_path="x", gradient_checkpointing=True),
    "flash attention": config(attn_implementation="flash_attention_2", _attn_implementation="flash_attention_2"),
    "chunked": config(chunk_size_feed_forward=7),
    "unused options": config(use_cache=False, is_decoder=False, pruned_heads={}, position_embedding_type="absolute"),
    "module.": renamed(lambda name: f"module.{name}"),
    "compiled": renamed(lambda name: f"_orig_mod.{name}"),
    "both, in a wrapper": renamed(lambda name: f"model._orig_mod.module.{name}"),
    "encoder without its prefix": renamed(lambda name: name.removeprefix("bert.")),
    "gamma and beta": renamed(
        lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    ),
    "buffers": tensors(
        bert__embeddings__position_ids=torch.arange(128)[None],
        bert__embeddings__token_type_ids=torch.zeros(1, 128, dtype=torch.int64),
    ),
    "pre-training heads": tensors(
        cls__predictions__bias=torch.ones(7), cls__seq_relationship__weight=torch.ones(2, 16)
    ),
    "doubles": lambda folder: tiny.rewrite(folder, lambda state: {k: v.double() for k, v in state.items()}),
    "shards": sharded,
    "an unrelated file": file("optimizer.safetensors", "nothing that is read"),
    "a pickle beside": file("pytorch_model.bin", "never opened"),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_odd_but_whole_models_give_the_same_logits(folder, classifier, kind):
    ACCEPTED[kind](folder)
    loaded = load_finetuned(str(folder), MRPC)
    expected = classifier.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in loaded.model.state_dict().items())
    examples = tiny.make_examples(MRPC, 12)
    ours, plain = Evaluator(loaded, examples).full.logits, Evaluator(classifier, examples).full.logits
    np.testing.assert_array_equal(ours, plain)
    output = loaded.model(torch.tensor([[2, 7, 3]]))
    assert output.logits.shape == (1, 2)
    assert output.attentions is None
    assert load_pretrained(str(folder), MRPC, 0).n_layers == 3
    assert model_folder(folder).n_outputs == 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_it_is(folder, dtype):
    tiny.rewrite(folder, lambda state: {k: v.to(dtype) for k, v in state.items()})
    state = load_file(folder / WEIGHTS)
    loaded = load_finetuned(str(folder), MRPC).model.state_dict()
    assert all(torch.equal(loaded[name], value.float()) for name, value in state.items())


def test_what_is_not_read_is_named(folder):
    assert load_finetuned(str(folder), MRPC).notes == ()
    file("optimizer.safetensors")(folder)
    tensors(cls__predictions__bias=torch.ones(7))(folder)
    first, second = load_finetuned(str(folder), MRPC).notes
    assert first == "Not read: optimizer.safetensors. The model is model.safetensors."
    assert second.startswith("Its pre-training heads (cls) are not read")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_weights_that_are_no_numbers(folder, value):
    tiny.rewrite(folder, lambda state: state | {QUERY: torch.full((16, 16), value, dtype=torch.float64)})
    with pytest.raises(BadCheckpoint, match=r"not all finite numbers in float32: 'bert.encoder.layer.0"):
        load_finetuned(str(folder), MRPC)


def test_a_tokenizer_that_does_not_know_the_words_of_its_files(folder):
    file("tokenizer_config.json", '{"tokenizer_class": "RobertaTokenizer"}')(folder)
    with pytest.raises(BadCheckpoint, match=r"word pieces; its files have more. Is the tokenizer_class"):
        load_finetuned(str(folder), MRPC)


def test_what_transformers_says_of_a_config_is_one_line(folder):
    tiny.edit_config(folder, hidden_dropout_prob="a lot")
    with pytest.raises(BadCheckpoint, match=r"config.json is not a BERT's .*hidden_dropout_prob") as caught:
        load_finetuned(str(folder), MRPC)
    assert "\n" not in str(caught.value)


def test_a_pickled_model_is_converted_by_the_command_that_is_shown(folder, classifier):
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()
    spaced = folder.rename(folder.with_name("a model's folder"))
    with pytest.raises(BadCheckpoint, match=r"only pytorch_model.bin. Pickled weights are never loaded here") as caught:
        model_folder(spaced)
    command = caught.value.mend.split("`")[1]
    assert command.startswith("python -c ")
    subprocess.run(command.replace("python", sys.executable, 1), shell=True, check=True, timeout=HANG_SECONDS)
    loaded, expected = load_finetuned(str(spaced), MRPC).model.state_dict(), classifier.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in loaded.items())


def test_shards_are_one_model_with_one_hash(folder):
    one = load_finetuned(str(sharded(folder)), MRPC)
    assert [path.name for path in model_folder(folder).files.paths] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]
    assert one.sha256 == load_finetuned(str(folder), MRPC).sha256


def test_token_types_are_those_of_plain_transformers(folder):
    examples = tiny.make_examples(MRPC, 6)
    with_types = encode(examples, load_finetuned(str(folder), MRPC).tokenizer)
    assert with_types.token_types.any()
    told = json.loads((folder / "tokenizer_config.json").read_text()) | {
        "model_input_names": ["input_ids", "attention_mask"]
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    loaded = load_finetuned(str(folder), MRPC)
    encoded = encode(examples, loaded.tokenizer)
    assert not encoded.token_types.any()
    assert not encode_text(loaded.tokenizer, "the cat", "a dog").encoded.token_types.any()
    plain = BertForSequenceClassification.from_pretrained(folder).eval()
    logits = Evaluator(loaded, examples).full.logits
    for item, ours in zip(examples.items, logits, strict=True):
        batch = loaded.tokenizer(*item.texts, return_tensors="pt")
        assert "token_type_ids" not in batch
        with torch.inference_mode():
            np.testing.assert_allclose(plain(**batch).logits[0].numpy(), ours, atol=tiny.FP32)


def one_type(folder):
    name = "bert.embeddings.token_type_embeddings.weight"
    tiny.edit_config(folder, type_vocab_size=1)
    tiny.rewrite(folder, lambda state: state | {name: state[name][:1]})


def test_a_model_with_one_token_type(folder):
    one_type(folder)
    with pytest.raises(BadCheckpoint, match=r"tells 2 sentences of a pair apart; the model has 1 token type"):
        load_finetuned(str(folder), MRPC)
    single = load_finetuned(str(folder), SST2)
    assert Evaluator(single, tiny.make_examples(SST2, 5)).full.logits.shape == (5, 2)
    file("tokenizer_config.json", json.dumps({"model_input_names": ["input_ids", "attention_mask"]}))(folder)
    pairs = load_finetuned(str(folder), MRPC)
    assert Evaluator(pairs, tiny.make_examples(MRPC, 5)).full.logits.shape == (5, 2)


def test_a_model_that_reads_fewer_word_pieces(folder):
    name = "bert.embeddings.position_embeddings.weight"
    tiny.edit_config(folder, max_position_embeddings=8)
    tiny.rewrite(folder, lambda state: state | {name: state[name][:8]})
    loaded = load_finetuned(str(folder), MRPC)
    assert "at most 8 word pieces (max_position_embeddings)" in loaded.notes[0]
    examples = tiny.make_examples(MRPC, 20)
    encoded = encode(examples, loaded.tokenizer)
    assert encoded.lengths.max() == 8
    assert np.isfinite(Evaluator(loaded, examples).full.logits).all()
    read = encode_text(loaded.tokenizer, "the cat sees the dog here", "a bird sings")
    assert read.encoded.lengths.tolist() == [8]
    assert "longer than the 8 tokens" in read.notes[0]


def test_it_says_what_the_folder_holds(tiny_folder, classifier):
    found = model_folder(tiny_folder)
    assert (found.n_layers, found.n_heads, found.hidden, found.n_outputs) == (3, 4, 16, 2)
    assert found.n_parameters == sum(parameter.numel() for parameter in classifier.model.parameters())


def test_no_folder(tmp_path):
    with pytest.raises(BadCheckpoint, match="There is no folder"):
        model_folder(tmp_path / "none")


def test_it_needs_no_torch():
    names = "model_folder", "class_order", "identity", "model_source", "model_names"
    imports = "; ".join(f"import explorer.bert.{name}" for name in names)
    program = f"import sys; {imports}; assert not {{'torch', 'transformers'}} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_known_activations_are_those_of_transformers_without_weights():
    with_weights = {"prelu", "xielu"}
    assert set(ACTIVATIONS) == set(ACT2FN) - with_weights


def test_names_on_the_hub():
    assert HUB_ID.fullmatch("bert-base-uncased")
    assert HUB_ID.fullmatch("google/bert_uncased_L-4_H-256_A-4")
    for wrong in ("", "a b", "../x", "a/b/c", "<b>", "x; rm"):
        assert not HUB_ID.fullmatch(wrong)


def test_weights_that_are_a_link_to_nowhere_are_called_that(tmp_path):
    folder = tiny.save_folder(tmp_path / "tiny")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(tmp_path / "gone")
    with pytest.raises(BadCheckpoint, match=r"model.safetensors is a link to a file that is not there"):
        model_folder(folder)
