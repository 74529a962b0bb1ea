"""What a model folder holds, read from its config and the headers of its weights: without torch, in a moment."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from explorer.errors import BadCheckpoint

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
"""What the name of a model on the Hugging Face Hub looks like."""


@dataclass(frozen=True)
class ModelFolder:
    """A BERT on disk."""

    folder: Path
    n_layers: int
    n_heads: int
    hidden: int
    n_parameters: int
    """Of the weights in its files."""
    n_outputs: int
    """Logits of its classifier; 0 where it has none: a pre-trained model."""


def model_folder(folder: Path) -> ModelFolder:
    """Raises BadCheckpoint where it is no complete BERT: no folder, config, safetensors or tokenizer, another model."""
    if not folder.is_dir():
        raise BadCheckpoint(f"There is no folder at {folder}.", "It needs config.json and model.safetensors.")
    config = _config(folder)
    try:
        sizes = [int(config[name]) for name in ("num_hidden_layers", "num_attention_heads", "hidden_size")]
    except (KeyError, TypeError, ValueError):
        raise BadCheckpoint(
            f"{folder}/config.json does not say its layers, heads and width.", "Copy it again."
        ) from None
    n_layers, n_heads, hidden = sizes
    if min(sizes) < 1 or hidden % n_heads:
        raise BadCheckpoint(f"{folder}/config.json asks for {n_heads} heads in a width of {hidden}.", "Copy it again.")
    shapes = _shapes(folder)
    layers = {int(match[1]) for name in shapes if (match := re.search(r"encoder\.layer\.(\d+)\.", name))}
    if layers != set(range(n_layers)):
        raise BadCheckpoint(
            f"The weights in {folder} have {len(layers)} layers; its config.json says {n_layers}.",
            "Is every .safetensors file there?",
        )
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        raise BadCheckpoint(f"{folder} has no tokenizer.", "It needs tokenizer.json or vocab.txt.")
    outputs = shapes.get("classifier.weight", (0,))[0]
    return ModelFolder(folder, n_layers, n_heads, hidden, sum(map(_size, shapes.values())), outputs)


def _config(folder: Path) -> dict[str, Any]:
    try:
        raw = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise BadCheckpoint(f"{folder} has no readable config.json.", "Give a Hugging Face model folder.") from None
    if raw.get("model_type") != "bert":
        raise BadCheckpoint(
            f"{folder} holds a {str(raw.get('model_type', 'model of unknown type'))[:40]!r} model, not a BERT.",
            "The gates and the engine are made for the BERT architecture.",
        )
    return raw


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BadCheckpoint(
            f"{folder} has no .safetensors weights.",
            "Pickled weights are never loaded; save the model with `save_pretrained` of a recent transformers.",
        )
    shapes: dict[str, tuple[int, ...]] = {}
    for path in files:
        try:
            with safe_open(path, "np") as file:
                shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError) as error:
            raise BadCheckpoint(f"{path} cannot be read ({error}).", "Is it cut short? Copy it again.") from None
    return shapes


def _size(shape: tuple[int, ...]) -> int:
    n = 1
    for side in shape:
        n *= side
    return n
