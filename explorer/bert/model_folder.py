"""The one check of a model folder, for the loaders, the command line and the Runs page: without torch, in a moment.

Reads config.json, the headers of the weights and the tokenizer's vocabulary. What is accepted and what is refused,
with the sentences: docs/TRUST.md.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.bert.class_order import ClassOrder, class_order
from explorer.bert.letter_case import lower_case
from explorer.bert.model_config import ModelConfig, read_config
from explorer.bert.model_files import FLOATS, ModelFiles, model_files
from explorer.errors import BadCheckpoint
from explorer.foreign import bytes_of, json_of, text_of
from explorer.glue.encoding import MAX_LENGTH
from explorer.glue.tasks import Task

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
"""What the name of a model on the Hugging Face Hub looks like."""
CLASSIFIER_WEIGHTS = ("classifier.weight", "classifier.bias")
POOLER_WEIGHTS = ("bert.pooler.dense.weight", "bert.pooler.dense.bias")
TOKENIZER_FILES = (
    "tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip
_BUFFERS = ("bert.embeddings.position_ids", "bert.embeddings.token_type_ids")
"""Constants that older versions of transformers stored: 0, 1, 2 ... and zeros."""
_PRETRAINING = "cls."
"""The heads of BERT's pre-training: masked words and the next sentence."""


@dataclass(frozen=True)
class ModelFolder:
    """A BERT on disk that the loaders take."""

    folder: Path
    n_layers: int
    n_heads: int
    hidden: int
    n_parameters: int
    """Number of weights in its files."""
    n_outputs: int
    """Logits of its classifier; 0 where it has none: a pre-trained model."""
    config: ModelConfig
    files: ModelFiles
    notes: tuple[str, ...]
    """Sentences on what was accepted and is not as usual; empty when all is."""


def model_folder(folder: Path) -> ModelFolder:
    """Checks a folder, without reading its weights.

    Raises BadCheckpoint where it is no complete BERT whose every tensor is understood, or has no tokenizer for it.
    """
    if not folder.is_dir():
        raise BadCheckpoint(f"There is no folder at {folder}.", "It needs config.json and model.safetensors.")
    config = read_config(folder)
    files = model_files(folder)
    _check_tensors(config, files, folder)
    _check_vocabulary(config, folder)
    notes = list(files.notes)
    if any(name.startswith(_PRETRAINING) for name in files.tensors):
        notes.append("Its pre-training heads (cls) are not read: they play no part in classification.")
    if config.gone:
        notes.append(gone_words(config.gone))
    if (lower := lower_case(folder)) and lower.sentence:
        notes.append(lower.sentence)
    if config.positions < MAX_LENGTH:
        notes.append(
            f"It reads at most {config.positions} word pieces (max_position_embeddings): longer examples are cut "
            f"there, not at {MAX_LENGTH}."
        )
    classifier = files.tensors.get(CLASSIFIER_WEIGHTS[0])
    return ModelFolder(
        folder,
        config.n_layers,
        config.n_heads,
        config.hidden,
        files.n_parameters,
        classifier.shape[0] if classifier else 0,
        config,
        files,
        tuple(notes),
    )


def gone_words(gone: Sequence[tuple[int, int]]) -> str:
    """Says which heads a model lost before it came here; gone: layer and head of each, from 0."""
    places = [f"{layer + 1}-{head + 1}" for layer, head in gone]
    listed = ", ".join(places[:16]) + (f" and {len(places) - 16} more" if len(places) > 16 else "")
    many = f"{len(places)} head{'s' * (len(places) > 1)}"
    return f"{many} (layer-head {listed}) had been cut out of it before (`pruned_heads`): off in every mask, for good."


def finetune_command(model: str, task: Task) -> str:
    """Writes the command that fine-tunes a pre-trained model, into the bundle where one works."""
    return f"python -m precompute finetune --task {task.name} --seed 1337 --model {shlex.quote(model)} --bundle runs"


def classes_for(found: ModelFolder, task: Task, called: str = "") -> ClassOrder:
    """Finds how the outputs of a fine-tuned model become the task's classes.

    called: the model as the person named it, for messages; default: its folder. Raises BadCheckpoint where the model is
    only pre-trained or was fine-tuned for another task, and as class_order does.
    """
    name = called or str(found.folder)
    if not found.n_outputs:
        raise BadCheckpoint(
            f"{name} has no classifier: it is a pre-trained model, not a fine-tuned one.",
            f"Fine-tune it: `{finetune_command(name, task)}`.",
        )
    if missing := [part for part in POOLER_WEIGHTS if part not in found.files.tensors]:
        raise BadCheckpoint(
            f"{name} lacks {_weights(missing)}, {missing[0]!r} among them.", "Is the model complete, and a BERT?"
        )
    return class_order(found.config.raw, found.n_outputs, task, name)


def _expected(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the encoder."""
    wide, inner = config.hidden, config.intermediate
    shapes: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (config.vocabulary, wide),
        "bert.embeddings.position_embeddings.weight": (config.positions, wide),
        "bert.embeddings.token_type_embeddings.weight": (config.token_types, wide),
    }
    linear = {
        "intermediate.dense": (inner, wide),
        "output.dense": (wide, inner),
    }
    norms = ["bert.embeddings.LayerNorm"]
    size = wide // config.n_heads
    for number in range(config.n_layers):
        at = f"bert.encoder.layer.{number}."
        inside = len(config.heads_left(number)) * size  # less than the width where heads were cut out before
        cut = {f"attention.self.{name}": (inside, wide) for name in ("query", "key", "value")}
        for name, shape in (linear | cut | {"attention.output.dense": (wide, inside)}).items():
            shapes |= {f"{at}{name}.weight": shape, f"{at}{name}.bias": shape[:1]}
        norms += [f"{at}attention.output.LayerNorm", f"{at}output.LayerNorm"]
    return shapes | {f"{norm}.{part}": (wide,) for norm in norms for part in ("weight", "bias")}


def _check_tensors(config: ModelConfig, files: ModelFiles, folder: Path) -> None:
    known = {name: header for name, header in files.tensors.items() if not _is_harmless(name)}
    for header in known.values():
        if header.dtype not in FLOATS:
            raise BadCheckpoint(
                f"The weights in {folder} are quantised or no numbers: {header.stored_as!r} is {header.dtype}.",
                f"Give the model in one of {', '.join(FLOATS)}.",
            )
    layers = {int(match[1]) for name in known if (match := re.match(r"bert\.encoder\.layer\.(\d+)\.", name))}
    if layers and (len(layers) != config.n_layers or max(layers) != config.n_layers - 1):
        many = f"{len(layers)} layers" if len(layers) == max(layers) + 1 else f"layers {sorted(layers)[:24]}"
        raise BadCheckpoint(
            f"The weights in {folder} have {many}; its config.json says {config.n_layers}.",
            "Is it the config.json of these weights?",
        )
    expected = _expected(config)
    optional = dict(zip(POOLER_WEIGHTS, ((config.hidden, config.hidden), (config.hidden,)), strict=True))
    if classifier := known.get(CLASSIFIER_WEIGHTS[0]):
        outputs = classifier.shape[:1] or (0,)
        optional |= dict(zip(CLASSIFIER_WEIGHTS, ((*outputs, config.hidden), outputs), strict=True))
    missing = [name for name in expected if name not in known]
    for pair in (POOLER_WEIGHTS, CLASSIFIER_WEIGHTS):
        if sum(name in known for name in pair) == 1:
            missing += [name for name in pair if name not in known]
    if missing:
        raise BadCheckpoint(
            f"{folder} lacks {_weights(missing)}, {missing[0]!r} among them.", "Is the model complete, and a BERT?"
        )
    if odd := [header.stored_as for name, header in known.items() if name not in expected | optional]:
        raise BadCheckpoint(
            f"{folder} holds {_weights(odd)} without a place in a BERT classifier, {odd[0]!r} among them.",
            "Without them it would be another model. Is it of another architecture?",
        )
    for name, shape in (expected | optional).items():
        if name in known and known[name].shape != shape:
            raise BadCheckpoint(
                f"The weights in {folder} do not fit its config.json ({name!r} is {_by(known[name].shape)}, "
                f"not {_by(shape)}).",
                "Is it the config.json of these weights?",
            )


def _is_harmless(name: str) -> bool:
    return name in _BUFFERS or name.startswith(_PRETRAINING)


def _weights(names: Sequence[str]) -> str:
    return f"{len(names)} weight{'s' * (len(names) > 1)}"


def _by(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _check_vocabulary(config: ModelConfig, folder: Path) -> None:
    largest = largest_token(folder)
    if largest is not None and largest >= config.vocabulary:
        raise too_large_a_tokenizer(folder, largest, config.vocabulary)


def too_large_a_tokenizer(folder: Path, largest: int, vocabulary: int) -> BadCheckpoint:
    """The error where a tokenizer numbers its word pieces beyond the embedding table."""
    return BadCheckpoint(
        f"The tokenizer in {folder} numbers word pieces up to {largest}; the model has embeddings for {vocabulary}.",
        "Is it this model's tokenizer?",
    )


def largest_token(folder: Path) -> int | None:
    """The highest number of a word piece in the tokenizer's files; None where they are not readable so simply.

    Raises BadCheckpoint where there are none.
    """
    fast, plain = folder / "tokenizer.json", folder / "vocab.txt"
    if not fast.is_file() and not plain.is_file():
        raise BadCheckpoint(f"{folder} has no usable tokenizer (no file).", "It needs tokenizer.json or vocab.txt.")
    numbers = [-1]
    try:
        if fast.is_file():
            told: Any = json_of(text_of(fast))
            numbers += [int(number) for number in told["model"]["vocab"].values()]
            numbers += [int(token["id"]) for token in told.get("added_tokens") or []]
        else:
            numbers.append(len(bytes_of(plain).rstrip(b"\n").split(b"\n")) - 1)
            if (added := folder / "added_tokens.json").is_file():
                numbers += [int(number) for number in json_of(text_of(added)).values()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # the loader will say what is wrong with it
    return max(numbers)
