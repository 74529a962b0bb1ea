"""Masks as files: .npy and JSON as the paper's authors lay them out, written and read back without trusting them.

Theirs: masks/FAMILY/TASK/seed_N/head_mask.npy, (L, H), and mlp_mask.npy, (L,), float32, 1 = kept
(github.com/sai-prasanna/bert-experiments). JSON: the same two arrays under the same names.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.errors import BadMask
from explorer.foreign import Unreadable, array_of, bytes_of, json_of
from explorer.mask import Mask
from explorer.store.schema import Run

HEADS, MLPS = "head_mask", "mlp_mask"
FAMILY = "heads_mlps"
"""The authors' folder for masks of both heads and MLPs."""
LARGEST = 2**20
"""Bytes a file may have; BERT-base's head mask has 704."""
_CODE = re.compile(rb"[A-Za-z0-9_-]+")
"""What a text file with a mask's code holds, and nothing else."""
_LIKE_A_MASK = re.compile(r"mask|head|mlp", re.IGNORECASE)
"""What a key or a file has in its name that is meant as a part of a mask; others are notes."""
_MEANING = "1 = kept, 0 = pruned; layers and heads from 0"
_MEMBERS = 32
"""Files that an archive may hold."""
_LAYOUT = f"A mask is {HEADS}.npy (layers x heads) and {MLPS}.npy (layers), or one JSON file with both; 1 = kept."


def npy_files(mask: Mask) -> dict[str, bytes]:
    """head_mask.npy and mlp_mask.npy: float32, 1 = kept."""
    files = {}
    for name, values in ((HEADS, mask.heads), (MLPS, mask.mlps)):
        buffer = io.BytesIO()
        np.save(buffer, values.astype(np.float32), allow_pickle=False)
        files[f"{name}.npy"] = buffer.getvalue()
    return files


def json_text(mask: Mask, about: Mapping[str, Any] | None = None) -> str:
    """Both arrays, one line a layer, with the mask's code; about: what else the file is to say, first."""
    said = {**(about or {}), "code": mask.code, "meaning": _MEANING}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in said.items()]
    rows = ",\n".join(f"    {json.dumps(row.astype(int).tolist())}" for row in mask.heads)
    lines += [f'  "{HEADS}": [\n{rows}\n  ]', f'  "{MLPS}": {json.dumps(mask.mlps.astype(int).tolist())}']
    return "{\n" + ",\n".join(lines) + "\n}\n"


def zipped(mask: Mask, run: Run, about: Mapping[str, Any] | None = None) -> bytes:
    """An archive of masks/heads_mlps/TASK/seed_N/ with both .npy files and mask.json: copy it into a clone."""
    folder = PurePosixPath("masks", FAMILY, run.task, f"seed_{run.seed}")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in npy_files(mask).items():
            archive.writestr(str(folder / name), data)
        archive.writestr(str(folder / "mask.json"), json_text(mask, about))
    return buffer.getvalue()


def read_mask(files: Mapping[str, bytes], n_layers: int, n_heads: int) -> Mask:
    """The mask in one or two files by name, as `npy_files`, `json_text` and `zipped` write them.

    Where only heads are given, all MLPs are kept, and the other way round, as in the authors' families that prune
    one kind. Raises BadMask where a file is too large, is no such file, or is a mask for another model.
    """
    return _mask_of((part for file, data in files.items() for part in _parts(file, data)), n_layers, n_heads)


def _mask_of(found: Iterable[tuple[str, NDArray[Any]]], n_layers: int, n_heads: int) -> Mask:
    parts: dict[str, NDArray[Any]] = {}
    for name, array in found:
        if name in parts:
            raise BadMask(
                f"There are two arrays of {'heads' if name == HEADS else 'MLPs'}.", "Give one mask. " + _LAYOUT
            )
        parts[name] = array
    if not parts:
        raise BadMask("There is no mask in what was given.", _LAYOUT)
    shapes = {HEADS: (n_layers, n_heads), MLPS: (n_layers,)}
    for name, array in parts.items():
        if array.shape != shapes[name]:
            raise BadMask(
                f"This {'head' if name == HEADS else 'MLP'} mask is {_by(array.shape)}; the model has "
                f"{n_layers} layers x {n_heads} heads.",
                "Is it a mask for another model?",
            )
    return Mask(*(parts.get(name, np.ones(shape)) for name, shape in shapes.items()))


def read_mask_at(path: Path, n_layers: int, n_heads: int) -> Mask:
    """The mask in a file, or in a folder of the authors' with one or both .npy files; a text file may hold a code.

    Raises BadMask as `read_mask`, OSError where it cannot be opened.
    """
    if path.is_dir():
        told = {one.name: _start_of(one) for one in sorted(path.iterdir()) if _is_of_a_mask(one.name) and one.is_file()}
        if not told:
            raise BadMask(f"The folder {path} holds no mask.", _LAYOUT)
        return _mask_of(_of_one_mask(str(path), told), n_layers, n_heads)
    data = _start_of(path)
    if code := _CODE.fullmatch(data.strip()):
        return Mask.from_code(code[0].decode(), n_layers, n_heads)
    return read_mask({str(path): data}, n_layers, n_heads)


def _is_of_a_mask(name: str) -> bool:
    hidden = name.startswith(".")  # '._head_mask.npy', which macOS puts beside
    return "mask" in name.casefold() and name.endswith((".npy", ".json")) and not hidden


def _of_one_mask(where: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays in the files of a folder or an archive; JSON of a mask beside them must say the same."""
    arrays = {name: data for name, data in files.items() if name in (f"{HEADS}.npy", f"{MLPS}.npy")}
    told = {name: data for name, data in files.items() if name.endswith("mask.json" if arrays else ".json")}
    strange = [name for name in files if name not in arrays and name not in told]
    if strange and len(arrays) < 2:  # of two, none is misspelt
        raise BadMask(f"{where} holds {strange[0][:40]} too, which is not understood.", _LAYOUT)
    found = [part for name, data in (arrays or told).items() for part in _parts(f"{name} in {where}", data)]
    if arrays:
        known = dict(found)
        for name, array in (part for file, data in told.items() for part in _parts(f"{file} in {where}", data)):
            if not np.array_equal(known.get(name, np.ones_like(array)), array):
                raise BadMask(f"{where} holds two masks: its arrays and its JSON differ.", "Take one away.")
    yield from found


def _start_of(path: Path) -> bytes:
    try:
        return bytes_of(path, LARGEST)
    except Unreadable as error:
        raise BadMask(f"{path} is not read: {error}.", _LAYOUT) from None


def _parts(file: str, data: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays in one file, by HEADS and MLPS."""
    if len(data) > LARGEST:
        raise BadMask(f"{file} has {len(data):,} bytes; a mask has less than {LARGEST:,}.", _LAYOUT)
    if data[:2] == b"PK":
        yield from _archived(file, data)
    elif data[:6] == b"\x93NUMPY":
        array = _plain(data)
        if array is None or array.ndim not in (1, 2):
            raise BadMask(f"{file} holds no mask: no plain array of one or two dimensions.", _LAYOUT)
        yield (HEADS if array.ndim == 2 else MLPS), array
    else:
        yield from _in_json(file, data)


def _plain(data: bytes) -> NDArray[Any] | None:
    try:
        array = array_of(data, LARGEST)
    except Unreadable:
        return None
    return array if array.dtype.kind in "biuf" else None


def _archived(file: str, data: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            wanted = [info for info in members if _is_of_a_mask(PurePosixPath(info.filename).name)]
            wanted = wanted or [info for info in members if info.filename.endswith(".json")]
            if len(members) > _MEMBERS or any(info.file_size > LARGEST for info in wanted):
                raise BadMask(f"{file} is larger than an archive of one mask.", _LAYOUT)
            contents = {PurePosixPath(info.filename).name: archive.read(info) for info in wanted}
    except BadMask:
        raise
    except Exception as error:  # a damaged stream surfaces as zlib.error, EOFError, NotImplementedError, ...
        raise BadMask(f"{file} cannot be unpacked ({str(error)[:120]}).", _LAYOUT) from None
    if len(contents) < len(wanted):
        raise BadMask(f"{file} holds more than one mask.", "Unpack it and choose one. " + _LAYOUT)
    if any(inner[:2] == b"PK" for inner in contents.values()):
        raise BadMask(f"{file} holds an archive inside an archive.", _LAYOUT)
    yield from _of_one_mask(file, contents)


def _in_json(file: str, data: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    try:
        raw = json_of(data)
    except Unreadable:
        raise BadMask(f"{file} is neither a .npy array nor JSON.", _LAYOUT) from None
    found = {name: raw[name] for name in (HEADS, MLPS) if isinstance(raw, dict) and raw.get(name) is not None}
    if not found:
        raise BadMask(f"{file} has neither {HEADS!r} nor {MLPS!r}.", _LAYOUT)
    if strange := sorted(name for name in set(raw) - {HEADS, MLPS} if _LIKE_A_MASK.search(name)):
        raise BadMask(f"{file} says {strange[0][:40]!r}, which is not understood.", _LAYOUT)
    if (meaning := raw.get("meaning", _MEANING)) != _MEANING:
        raise BadMask(f"{file} says that its numbers mean {str(meaning)[:60]!r}.", f"Here they mean: {_MEANING}.")
    arrays = {name: _numbers(file, name, values) for name, values in found.items()}
    if (code := raw.get("code")) is not None and set(arrays) == {HEADS, MLPS}:
        _check_code(file, str(code), arrays)
    yield from arrays.items()


def _check_code(file: str, code: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raises BadMask where a file's code is not that of its arrays."""
    heads, mlps = arrays[HEADS], arrays[MLPS]
    if len(heads) == len(mlps) and Mask(heads, mlps).code != code:
        raise BadMask(
            f"{file} contradicts itself: {code[:40]!r} is the code of another mask than its arrays hold.",
            "Take one of them out.",
        )


def _numbers(file: str, name: str, values: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):  # rows of different lengths
        array = np.asarray("")
    if array.dtype.kind not in "biuf" or array.ndim != (2 if name == HEADS else 1):
        raise BadMask(f"{name!r} in {file} is no table of 0 and 1.", _LAYOUT)
    return array


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} long"
