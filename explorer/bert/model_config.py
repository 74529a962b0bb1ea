"""A model's config.json as transformers would read it, or why it is no BERT of ours. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import BadCheckpoint
from explorer.foreign import json_of, text_of

CLASSIFIER = "BertForSequenceClassification"
ENCODERS = ("BertModel", "BertForPreTraining", "BertForMaskedLM", "BertForNextSentencePrediction", "BertLMHeadModel")
"""Architectures whose encoder a study may start from: their heads, called `cls`, are left out."""
ACTIVATIONS = (
    "gelu", "gelu_10", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python", "gelu_python_tanh",
    "gelu_pytorch_tanh", "hardswish", "laplace", "leaky_relu", "linear", "mish", "quick_gelu", "relu", "relu2",
    "relu6", "sigmoid", "silu", "sqrtsoftplus", "swish", "tanh",
)  # fmt: skip
"""Activation functions of transformers that have no weights of their own."""
_SIZES = {
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
"""With transformers' defaults (BertConfig)."""
_LARGEST = 2**20
"""Bytes of a config.json; most have 1 KB, one that names 20,000 classes has this."""
MOST_LAYERS = 1_000
_FEWEST_POSITIONS = 8
"""[CLS], two [SEP] and a word or two of each sentence."""
_NOT_OURS = (
    "architectures", "auto_map", "attn_implementation", "_attn_implementation", "chunk_size_feed_forward", "dtype",
    "finetuning_task", "gradient_checkpointing", "id2label", "label2id", "num_labels", "_num_labels",
    "output_attentions", "output_hidden_states", "problem_type", "pruned_heads", "quantization_config", "return_dict",
    "torch_dtype", "torchscript", "use_return_dict",
)  # fmt: skip
"""What a config says of how its model was used or stored, not of what it computes."""


@dataclass(frozen=True)
class ModelConfig:
    """The config.json of a BERT."""

    raw: Mapping[str, Any]
    """Contents of config.json."""
    n_layers: int
    n_heads: int
    hidden: int
    intermediate: int
    vocabulary: int
    """Rows of the word embeddings."""
    positions: int
    """Word pieces that it can read."""
    token_types: int
    gone: tuple[tuple[int, int], ...] = ()
    """Layer and head (from 0) of each head that was cut out of the weights: `pruned_heads`, in order."""

    def heads_left(self, layer: int) -> tuple[int, ...]:
        """The numbers of the heads that a layer's weights still hold."""
        return tuple(head for head in range(self.n_heads) if (layer, head) not in self.gone)

    @property
    def architecture(self) -> dict[str, Any]:
        """Entries that say what the model computes, fit to make a BertConfig of."""
        return {name: value for name, value in self.raw.items() if name not in _NOT_OURS}


def read_config(folder: Path) -> ModelConfig:
    """Reads config.json; raises BadCheckpoint where it is missing, damaged, or of a model that is not computed here."""
    try:
        raw: dict[str, Any] = dict(json_of(text_of(folder / "config.json", _LARGEST)))
    except (OSError, ValueError, TypeError):
        raise BadCheckpoint(f"{folder} has no readable config.json.", "Give a Hugging Face model folder.") from None
    _check_kind(raw, folder)
    _check_options(raw, folder)
    sizes = {name: raw.get(name, default) for name, default in _SIZES.items()}
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise BadCheckpoint(f"{folder}/config.json does not say its sizes: {name} is {size!r}.", "Copy it again.")
    n_layers, n_heads, hidden, intermediate, vocabulary, positions, types = sizes.values()
    if n_layers > MOST_LAYERS:  # before anything is made for each of them
        raise BadCheckpoint(
            f"{folder}/config.json says {n_layers:,} layers; at most {MOST_LAYERS:,} are read.", "Copy it again."
        )
    if hidden % n_heads:
        raise BadCheckpoint(f"{folder}/config.json asks for {n_heads} heads in a width of {hidden}.", "Copy it again.")
    if positions < _FEWEST_POSITIONS:
        raise BadCheckpoint(
            f"{folder}/config.json says max_position_embeddings {positions}: too few to read a sentence.",
            "Copy it again.",
        )
    gone = _gone(raw.get("pruned_heads"), n_layers, n_heads, folder)
    return ModelConfig(raw, n_layers, n_heads, hidden, intermediate, vocabulary, positions, types, gone)


def _gone(pruned: Any, n_layers: int, n_heads: int, folder: Path) -> tuple[tuple[int, int], ...]:
    """The heads that transformers 4 says were cut out: {"layer": [heads]}, numbered as in the model from before."""
    try:
        pairs = {(int(layer), head) for layer, heads in (pruned or {}).items() for head in heads}
        known = all(
            type(head) is int and 0 <= layer < n_layers and 0 <= head < n_heads  # bool is no number of a head
            for layer, head in pairs
        )
    except (AttributeError, TypeError, ValueError):
        pairs, known = set(), False
    if not known:
        raise BadCheckpoint(
            f"{folder}/config.json lists heads in `pruned_heads` that {n_layers} layers x {n_heads} heads do not have.",
            'It should be {"LAYER": [HEAD, ...]}, both from 0. Copy the model again.',
        )
    if len(pairs) == n_layers * n_heads:
        raise BadCheckpoint(
            f"{folder}/config.json lists every head in `pruned_heads`: none is left to look at.",
            "Give a model that has heads.",
        )
    return tuple(sorted(pairs))


def _check_kind(raw: Mapping[str, Any], folder: Path) -> None:
    listed = raw.get("architectures") or []
    architectures = [str(name)[:60] for name in (listed if isinstance(listed, list) else [listed])]
    known = (CLASSIFIER, *ENCODERS)
    kind = raw.get("model_type") or ("bert" if architectures and architectures[0] in known else None)
    if kind != "bert":
        raise BadCheckpoint(
            f"{folder} holds a {str(kind or 'model of unknown type')[:40]!r} model, not a BERT.",
            "The gates and the engine are made for the BERT architecture.",
        )
    for name in architectures:
        if name not in known:
            raise BadCheckpoint(
                f"{folder} holds a {name}, which is not computed here.",
                f"Give a {CLASSIFIER}, or a pre-trained model ({', '.join(ENCODERS)}).",
            )
    if raw.get("auto_map"):
        raise BadCheckpoint(f"{folder} brings code of its own (`auto_map`), which is never run.", "Give a plain BERT.")


def _check_options(raw: Mapping[str, Any], folder: Path) -> None:
    where = f"{folder}/config.json"
    if raw.get("quantization_config"):
        raise BadCheckpoint(
            f"{where} has a `quantization_config`: its weights are quantised.", "Give the model in float32 or float16."
        )
    if (kind := raw.get("position_embedding_type", "absolute")) not in ("absolute", None):
        raise BadCheckpoint(
            f"{where} says position_embedding_type {str(kind)[:40]!r}; only 'absolute' is computed here.",
            "Give a model with absolute position embeddings, as BERT's are.",
        )
    for name in ("is_decoder", "add_cross_attention"):
        if raw.get(name):
            raise BadCheckpoint(f"{where} says {name}: the model is a decoder.", "Give an encoder, as BERT is.")
    if (name := raw.get("hidden_act", "gelu")) not in ACTIVATIONS:
        raise BadCheckpoint(
            f"{where} says hidden_act {str(name)[:40]!r}, which is not computed here.",
            f"Those that are: {', '.join(ACTIVATIONS)}.",
        )
    eps = raw.get("layer_norm_eps", 1e-12)
    if not isinstance(eps, int | float) or isinstance(eps, bool) or not 0 < eps < 1:
        raise BadCheckpoint(f"{where} says layer_norm_eps {str(eps)[:40]}, not a number from 0 to 1.", "Copy it again.")
