"""Which model it is: where it came from, and hashes of its weights, config and tokenizer. Imports no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from explorer.bert.model_config import read_config
from explorer.bert.model_files import weight_paths
from explorer.bert.model_folder import TOKENIZER_FILES
from explorer.bert.model_identity import Identity as Identity
from explorer.bert.model_source import Resolved, is_packed_file, resolve
from explorer.bert.packing import read_packed
from explorer.paths import expanded

_SAYS_NOTHING = ("_name_or_path", "transformers_version")
"""Entries of config.json that change when a model is only saved again."""


def identity_of(source: str) -> Identity:
    """The identity of the model that `source` names: 'minilm', a folder, a Hub id or a packed file.

    Reads each file once while it stays as it is. Raises BadCheckpoint where there is no such model.

    >>> identity_of("minilm").source
    'minilm'
    """
    if is_packed_file(source):
        packed = read_packed(expanded(source))
        base = identity_of(packed.base)
        return replace(base, source=str(expanded(source).resolve()), weights=packed.sha256)
    return identity_of_folder(resolve(source))


def identity_of_folder(found: Resolved) -> Identity:
    """The identity of a model folder that is found already; raises BadCheckpoint where it holds no model."""
    folder = found.folder
    return Identity(found.name, weights_sha256(folder), _config_sha256(folder), _tokenizer_sha256(folder))


def weights_sha256(folder: Path) -> str:
    """sha256 of the file of a folder's weights, or of all its shards one after the other, in order of their names."""
    return _sha256(weight_paths(folder))


def _config_sha256(folder: Path) -> str:
    said = {name: value for name, value in read_config(folder).raw.items() if name not in _SAYS_NOTHING}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _tokenizer_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in TOKENIZER_FILES:
        if (folder / name).is_file():
            digest.update(f"{name} {_sha256([folder / name])}\n".encode())
    return digest.hexdigest()


def _sha256(paths: Iterable[Path]) -> str:
    states = [(path.resolve(), path.stat()) for path in paths]
    return _read_sha256(tuple((path, state.st_size, state.st_mtime_ns, state.st_ino) for path, state in states))


@cache
def _read_sha256(files: tuple[tuple[Path, int, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, *_ in files:
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
    return digest.hexdigest()
