"""Which files of a folder are the model, and the names, shapes and types of the tensors in them. Imports no torch."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from safetensors import SafetensorError, safe_open

from explorer.errors import BadCheckpoint
from explorer.foreign import json_of, text_of

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
FLOATS = ("F64", "F32", "F16", "BF16")
_ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and wrapping modules put before every name."""
_CONVERT = (
    "import sys, pathlib, torch, safetensors.torch as s; f = pathlib.Path(sys.argv[1]); "
    "t = {k: v.clone().contiguous() for b in sorted(f.glob('pytorch_model*.bin')) "
    "for k, v in torch.load(b, map_location='cpu', weights_only=True).items()}; "
    "s.save_file(t, f / 'model.safetensors', metadata={'format': 'pt'})"
)
_MERGE = (
    "import sys; from peft import AutoPeftModelForSequenceClassification as P; "
    "from transformers import AutoTokenizer as T; f = sys.argv[1]; o = f.rstrip('/') + '-merged'; "
    "P.from_pretrained(f).merge_and_unload().save_pretrained(o); T.from_pretrained(f).save_pretrained(o)"
)


@dataclass(frozen=True)
class Header:
    """One tensor, before it is read."""

    file: Path
    stored_as: str
    """Name in the file."""
    shape: tuple[int, ...]
    dtype: str
    """Name of the type in safetensors: 'F32', 'I8'."""


@dataclass(frozen=True)
class ModelFiles:
    """The weights of a model folder."""

    paths: tuple[Path, ...]
    tensors: Mapping[str, Header]
    """By the name that BertForSequenceClassification gives them."""
    notes: tuple[str, ...]
    """Sentences on what lies there and is not read."""

    @property
    def n_parameters(self) -> int:
        """Numbers in all tensors."""
        return sum(_size(header.shape) for header in self.tensors.values())


def model_files(folder: Path) -> ModelFiles:
    """The headers of model.safetensors, or else of exactly the files that model.safetensors.index.json lists.

    Raises BadCheckpoint where there is none of them, where an adapter or a second model lies there too, and where a
    file is missing, damaged or not what the index says. Pickles are never opened.
    """
    _refuse_adapters(folder)
    paths, listed = _weight_files(folder)
    headers: dict[str, Header] = {}
    for path in paths:
        for header in _headers(path):
            if listed is not None and listed.get(header.stored_as) != path.name:
                raise BadCheckpoint(
                    f"{path} holds {header.stored_as!r}, which {INDEX} does not say.", "Copy the model again."
                )
            name = canonical_name(header.stored_as)
            if name in headers:
                raise BadCheckpoint(
                    f"The weights in {folder} hold {name!r} twice: as {headers[name].stored_as!r} and as "
                    f"{header.stored_as!r}.",
                    "Save the model again.",
                )
            headers[name] = header
    if listed is not None and (gone := sorted(set(listed) - {header.stored_as for header in headers.values()})):
        raise BadCheckpoint(f"{folder}/{INDEX} lists {gone[0]!r}, which is in no file.", "Copy the model again.")
    others = sorted(path.name for path in folder.glob("*.safetensors") if path not in paths)
    notes = (
        (f"Not read: {', '.join(others)}. The model is {', '.join(path.name for path in paths)}.",) if others else ()
    )
    return ModelFiles(tuple(paths), headers, notes)


def canonical_name(stored_as: str) -> str:
    """The tensor's name in BertForSequenceClassification: without wrappers' prefixes, with 'bert.', LayerNorm's weight
    and bias instead of gamma and beta."""
    name = stored_as
    while prefix := next((prefix for prefix in _PREFIXES if name.startswith(prefix)), ""):
        name = name.removeprefix(prefix)
    name = name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
    return f"bert.{name}" if name.startswith(("embeddings.", "encoder.", "pooler.")) else name


def weight_paths(folder: Path) -> list[Path]:
    """The files that are the model, in the index's order of names; raises BadCheckpoint as model_files does."""
    return _weight_files(folder)[0]


def _refuse_adapters(folder: Path) -> None:
    found = [name for name in _ADAPTERS if (folder / name).exists()]
    if not found:
        return
    if (folder / WEIGHTS).exists() or (folder / INDEX).exists():
        raise BadCheckpoint(
            f"{folder} holds a model and an adapter ({found[0]}): which of the two is meant is not clear.",
            "Move the adapter's files away to use the model as it is, or merge the adapter into it with PEFT.",
        )
    raise BadCheckpoint(
        f"{folder} holds an adapter (PEFT: {found[0]}), not a whole model.",
        f"Merge it into its model (needs `pip install peft`): `{_command(_MERGE, folder)}`, "
        f"then use {str(folder).rstrip('/')}-merged.",
    )


def _weight_files(folder: Path) -> tuple[list[Path], dict[str, str] | None]:
    """The files, and where there is an index: which tensor it says lies in which."""
    single, index = folder / WEIGHTS, folder / INDEX
    shards = {path.name for path in folder.glob("*.safetensors") if _SHARD.fullmatch(path.name)}
    if single.exists():
        if index.exists() or shards:
            raise BadCheckpoint(
                f"{folder} holds two models: {WEIGHTS}, and {INDEX if index.exists() else min(shards)}.",
                "Move the older one away.",
            )
        return [single], None
    if not index.exists():
        _no_weights(folder)
    try:
        listed = {str(name): str(file) for name, file in json_of(text_of(index))["weight_map"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise BadCheckpoint(f"{index} is not readable.", "Copy the model again.") from None
    names = sorted(set(listed.values()))
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors") or not (folder / name).is_file():
            raise BadCheckpoint(f"{index} lists {name[:80]!r}, which is not there.", "Copy the model again.")
    if not names:
        raise BadCheckpoint(f"{index} lists no file.", "Copy the model again.")
    if stale := sorted(shards - set(names)):
        raise BadCheckpoint(f"{folder} holds {stale[0]}, which {INDEX} does not list.", "Move the older model away.")
    return [folder / name for name in names], listed


def _no_weights(folder: Path) -> NoReturn:
    if (folder / WEIGHTS).is_symlink() and not (folder / WEIGHTS).exists():
        raise BadCheckpoint(f"{folder / WEIGHTS} is a link to a file that is not there.", "Copy the model again.")
    if any(folder.glob("pytorch_model*.bin")):
        raise BadCheckpoint(
            f"{folder} has no .safetensors weights, only pytorch_model.bin. Pickled weights are never loaded here.",
            f"Convert them, which opens them in torch's safe mode: `{_command(_CONVERT, folder)}`",
        )
    other = sorted(
        path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".h5", ".msgpack", ".ckpt", ".bin")
    )
    there = f" ({', '.join(other)[:120]} is something else)" if other else ""
    raise BadCheckpoint(
        f"{folder} has no .safetensors weights: neither {WEIGHTS} nor {INDEX}{there}.",
        "Save the model with `save_pretrained` of transformers. Of a model on the Hub that has only pickled weights: "
        "`hf download MODEL --local-dir FOLDER`, then name that folder.",
    )


def _command(program: str, folder: Path) -> str:
    return f'python -c "{program}" {shlex.quote(str(folder))}'


def _headers(path: Path) -> Iterable[Header]:
    try:
        with path.open("rb") as file:
            if file.read(40).startswith(b"version https://git-lfs"):
                raise BadCheckpoint(f"{path} is a Git LFS pointer, not the weights.", "Run `git lfs pull` there.")
        with safe_open(path, "np") as opened:
            found = []
            for name in opened.keys():  # noqa: SIM118
                part = opened.get_slice(name)
                found.append(Header(path, name, tuple(part.get_shape()), str(part.get_dtype())))
            return found
    except (SafetensorError, OSError, ValueError) as error:
        raise BadCheckpoint(f"{path} cannot be read ({error}).", "Is the file truncated? Copy it again.") from None


def _size(shape: tuple[int, ...]) -> int:
    n = 1
    for side in shape:
        n *= side
    return n
