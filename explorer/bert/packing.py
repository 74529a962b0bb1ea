"""A fine-tuned checkpoint in a few megabytes: what fine-tuning changed, in four bits a weight.

Fine-tuning moves weights little, so the change (tuned - pre-trained) is stored rather than the weights:
signed 4-bit steps with one scale per 64 weights. Rounding such a small change is far gentler than
rounding the weights. What is unpacked, not what was trained, is then THE checkpoint: every number of a run
is computed with it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from explorer.arrays import AnyArray, Float16Array, Float32Array, Uint8Array
from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.errors import BadCheckpoint
from explorer.foreign import json_of

FORMAT = "bert-lottery-delta-int4-1"
GROUP = 64
"""Number of weights that share a scale."""
_PLACE = re.compile(r"(?P<model>[^/]+)/(?P<task>[\w-]+)/seed_(?P<seed>\d+)/finetune")
"""Where a checkpoint lies in a bundle."""
_LEVELS = 7
"""Steps on each side of zero: -7 to 7 in four bits."""

Weights = dict[str, Float32Array]


@dataclass(frozen=True)
class Packed:
    """Contents of a packed checkpoint file: what to add to which base model."""

    base: str
    """Source of the pre-trained weights as it loads again: 'minilm', a Hub id with its commit, or a whole path."""
    base_sha256: str
    """sha256 of the pre-trained model.safetensors: another base would give another model."""
    about: dict[str, Any]
    """Task, seed, recipe: for people; nothing depends on it but the task's number of outputs."""
    tensors: dict[str, AnyArray]
    sha256: str
    """sha256 of the packed file."""


def quantise(change: Float32Array) -> tuple[Uint8Array, Float16Array]:
    """Quantises (n,) float32 to (ceil(n / 64) * 32,) nibbles, two a byte, and (ceil(n / 64),) scales."""
    padded = np.zeros(-(-change.size // GROUP) * GROUP, np.float32)
    padded[: change.size] = change.ravel()
    groups = padded.reshape(-1, GROUP)
    scales = (np.abs(groups).max(axis=1) / _LEVELS).astype(np.float16)
    step = scales.astype(np.float32)[:, None]
    steps = np.divide(groups, step, out=np.zeros_like(groups), where=step > 0)
    nibbles = (np.clip(np.rint(steps), -_LEVELS, _LEVELS) + 8).astype(np.uint8).ravel()
    return (nibbles[0::2] << 4) | nibbles[1::2], scales


def dequantise(codes: Uint8Array, scales: Float16Array, shape: tuple[int, ...]) -> Float32Array:
    """Inverts `quantise` up to half a step, in float32; gives the same bits on every machine."""
    nibbles = np.empty(codes.size * 2, np.uint8)
    nibbles[0::2], nibbles[1::2] = codes >> 4, codes & 15
    steps = nibbles.astype(np.float32).reshape(-1, GROUP) - 8
    size = int(np.prod(shape))
    return (steps * scales.astype(np.float32)[:, None]).ravel()[:size].reshape(shape)


def pack(base: Weights, tuned: Weights, *, base_name: str, base_sha256: str, about: dict[str, Any]) -> bytes:
    """Packs a checkpoint, always to the same bytes: matrices as 4-bit change, vectors and the classifier in full.

    base_name: of the pre-trained model, as `Identity.source` has it, so that it loads again from anywhere.
    A tensor that fine-tuning left alone (frozen embeddings) is not stored. A tensor without a counterpart
    in `base` (the classifier) is stored in full.
    """
    tensors: dict[str, AnyArray] = {}
    for name in sorted(tuned):
        new = np.ascontiguousarray(tuned[name], np.float32)
        old = base.get(name)
        if old is None or new.ndim < 2:
            if old is None or not np.array_equal(old, new):
                tensors[name] = new
        elif not np.array_equal(old, new):
            tensors[f"{name}.codes"], tensors[f"{name}.scales"] = quantise(new - old)
    metadata = {"format": FORMAT, "base": base_name, "base_sha256": base_sha256, "about": json.dumps(about)}
    return _ordered(save(tensors, metadata=metadata))


def _ordered(data: bytes) -> bytes:
    """Sorts the metadata of a safetensors file: the library writes them in another order each time."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def read_packed(path: Path) -> Packed:
    """Reads a packed checkpoint; raises BadCheckpoint where it is missing, truncated or of another format."""
    mend = how_to_mend(path)
    if not path.is_file():
        raise BadCheckpoint(f"There is no checkpoint at {path}.", mend)
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BadCheckpoint(f"{path} cannot be read as safetensors ({error}).", mend) from None
    if metadata.get("format") != FORMAT:
        raise BadCheckpoint(
            f"{path} is not a packed checkpoint of this version ({metadata.get('format', 'no format named')}).",
            mend,
        )
    try:
        about = dict(json_of(metadata["about"]))
        base, base_sha256 = metadata["base"], metadata["base_sha256"]
    except (KeyError, TypeError, ValueError):
        raise BadCheckpoint(f"{path} is not a packed checkpoint: its metadata are not readable.", mend) from None
    with path.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return Packed(base=base, base_sha256=base_sha256, about=about, tensors=tensors, sha256=sha256)


def how_to_mend(path: Path) -> str:
    """Says how a packed checkpoint is had again: by the command that makes it, where it lies in a bundle."""
    folder = path.absolute().parent
    place = _PLACE.fullmatch("/".join(folder.parts[-4:]))
    if place is None:
        return "Copy it again from where it came: a packed checkpoint of `python -m precompute finetune`."
    try:
        model = str(json.loads((folder / "manifest.json").read_bytes())["config"]["model"])
    except (OSError, ValueError, KeyError, TypeError):
        model = MINILM if place["model"] == MINILM_NAME else place["model"]
    run = f"--task {place['task']} --seed {place['seed']} --model {shlex.quote(model)}"
    make = f"python -m precompute finetune {run} --bundle {shlex.quote(str(folder.parents[3]))}"
    restore = f"git checkout {shlex.quote(str(path))}"
    return f"Restore it with `{restore}`, or make it again: `rm -r {shlex.quote(str(folder))} && {make}`."


def require_fits(packed: Packed, shapes: Mapping[str, tuple[int, ...]] | None) -> None:
    """Raises BadCheckpoint where the stored change cannot be added to weights of these shapes, by name.

    shapes: of the base model's weights, None where that is not at hand: then only what holds for any is checked.
    """
    for name, tensor in packed.tensors.items():
        stem, _, part = name.rpartition(".")
        if part in ("codes", "scales"):
            codes, scales = (packed.tensors.get(f"{stem}.{one}") for one in ("codes", "scales"))
            whole = codes is not None and scales is not None and (codes.dtype, scales.dtype) == (np.uint8, np.float16)
            if not whole or codes is None or scales is None or codes.shape != (scales.size * GROUP // 2,):
                raise _unfit(stem, "codes and scales do not go together")
            if shapes is not None and scales.size != -(-math.prod(shapes.get(stem, (0,))) // GROUP):
                raise _unfit(stem, "the base model has no weight of that name and size")
        else:
            if tensor.dtype != np.float32:
                raise _unfit(name, f"it is {tensor.dtype}")
            known = shapes is None or name.startswith("classifier.") or shapes.get(name) == tensor.shape
            if not known:
                raise _unfit(name, "the base model has no weight of that name and shape")
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise _unfit(name, "it holds a value that is not a finite number")
    outputs = [
        packed.tensors[name].shape[:1] for name in ("classifier.weight", "classifier.bias") if name in packed.tensors
    ]
    if len(outputs) != 2 or outputs[0] != outputs[1] or packed.tensors["classifier.weight"].ndim != 2:
        raise _unfit("classifier", "it is not whole")


def _unfit(name: str, why: str) -> BadCheckpoint:
    return BadCheckpoint(
        f"The packed checkpoint does not fit its base model ({name[:100]!r}: {why}).", "Fine-tune that run again."
    )


def unpack(packed: Packed, base: Weights) -> Weights:
    """Rebuilds all fine-tuned weights, float32: `base` plus the change; raises BadCheckpoint where it does not fit."""
    require_fits(packed, {name: weight.shape for name, weight in base.items()})
    weights = dict(base)
    for name, tensor in packed.tensors.items():
        if name.endswith(".scales"):
            continue
        if name.endswith(".codes"):
            stem = name.removesuffix(".codes")
            if stem not in base:
                raise BadCheckpoint(f"The base model has no weight {stem!r}.", "Is it the right base model?")
            change = dequantise(tensor, packed.tensors[f"{stem}.scales"], base[stem].shape)
            weights[stem] = base[stem] + change
        else:
            weights[name] = tensor
    return weights
