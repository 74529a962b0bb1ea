"""A BERT small enough to check by hand, as a Hugging Face folder, with sentences of our own."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification

from explorer.bert.checkpoints import load_finetuned, load_pretrained
from explorer.glue.data_hash import examples_sha256
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import TASKS, Example, Examples
from explorer.mask import Mask

_TEXT = """the a one two red blue green small big old new cat dog bird fish tree house road river hill
sees likes finds leaves opens sleeps runs sings falls and or not never always here there today again"""
WORDS = _TEXT.split()
FP32 = 3e-5
"""By how much logits may differ that were added up in another order, in a random net whose LayerNorms divide by
little: 1.004e-5 was seen once."""
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", ".", ",", "?")
N_LAYERS, N_HEADS, HIDDEN = 3, 4, 16


def sentence(rng, low=2, high=9):
    """Some words in any order."""
    return " ".join(rng.choice(WORDS, rng.integers(low, high)))


def make_examples(task, n, seed=0, split="dev"):
    """n examples with labels drawn at random."""
    rng = np.random.default_rng(seed)
    items = []
    for _ in range(n):
        texts = tuple(sentence(rng) for _ in task.columns)
        label = rng.integers(51) / 10 if task.is_regression else float(rng.integers(task.n_outputs))
        items.append(Example(texts, label))
    return Examples(task, split, tuple(items), "test", examples_sha256(items))


def save_folder(
    folder,
    n_outputs=2,
    *,
    n_layers=N_LAYERS,
    n_heads=N_HEADS,
    hidden=HIDDEN,
    seed=0,
    scale=0.5,
):
    """A random BERT whose every weight and bias matters, and a tokenizer, as `save_pretrained` writes them."""
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=hidden,
        num_hidden_layers=n_layers,
        num_attention_heads=n_heads,
        intermediate_size=2 * hidden,
        max_position_embeddings=128,
        num_labels=n_outputs,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForSequenceClassification(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.randn(parameter.shape) * scale + float(name.endswith("LayerNorm.weight")))
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 128})
    )
    return folder


def edit_config(folder, **changes):
    """The folder with entries of config.json set, or taken out where the value is ...; it is changed in place."""
    path = folder / "config.json"
    told = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({name: value for name, value in told.items() if value is not ...}), encoding="utf-8")
    return folder


def rewrite(folder, change):
    """The folder with other tensors in model.safetensors; it is changed in place."""
    path = folder / "model.safetensors"
    changed = {name: tensor.clone().contiguous() for name, tensor in change(load_file(path)).items()}
    save_file(changed, path, metadata={"format": "pt"})
    return folder


def finetuned(folder, task=TASKS["MRPC"], **options):
    """That folder's model with its own classifier."""
    return load_finetuned(str(save_folder(folder, task.n_outputs, **options)), task)


def pretrained(folder, task=TASKS["MRPC"], seed=0, **options):
    """That folder's encoder with a new classifier."""
    return load_pretrained(str(save_folder(folder, task.n_outputs, **options)), task, seed)


def without_dropout(classifier):
    """The same with every dropout at 0, so that training draws nothing."""
    model = copy.deepcopy(classifier.model)
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return replace(classifier, model=model)


def random_encoded(n, seed=0, longest=12):
    """n examples of random tokens with [CLS] and [SEP], some of equal length."""
    rng = np.random.default_rng(seed)
    rows = [np.array([2, *rng.integers(5, len(VOCABULARY), rng.integers(1, longest)), 3]) for _ in range(n)]
    types = [np.arange(len(row)) * 2 // len(row) for row in rows]
    offsets = np.cumsum([0, *(len(row) for row in rows)])
    return Encoded(np.concatenate(rows), np.concatenate(types), offsets)


def masks(n_layers=N_LAYERS, n_heads=N_HEADS):
    """Any mask; whole layers off are as likely as single heads."""
    layer = st.one_of(
        st.just([False] * n_heads),
        st.just([True] * n_heads),
        st.lists(st.booleans(), min_size=n_heads, max_size=n_heads),
    )
    return st.builds(
        Mask,
        st.lists(layer, min_size=n_layers, max_size=n_layers).map(np.array),
        st.lists(st.booleans(), min_size=n_layers, max_size=n_layers).map(np.array),
    )


def write_tsv(glue_dir, examples, name=None):
    """As GLUE lays it out, with the task's own columns and labels."""
    task = examples.task
    path = glue_dir / task.name / (name or (task.dev_file if examples.split == "dev" else task.train_file))
    path.parent.mkdir(parents=True, exist_ok=True)
    header = task.header or ("index", *task.columns, task.label_column)
    lines = [] if task.header else ["\t".join(header)]
    for number, item in enumerate(examples.items):
        label = str(item.label) if task.is_regression else task.labels[int(item.label)]
        cells = dict(zip(task.columns, item.texts, strict=True)) | {task.label_column: label}
        lines.append("\t".join(cells.get(column, str(number)) for column in header))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def n_parameters(model):
    """Parameters of a model, embeddings included."""
    return sum(parameter.numel() for parameter in model.parameters())
