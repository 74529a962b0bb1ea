"""Masks as files: round trips, the authors' own files, and what is no mask answered in a sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadMask
from explorer.mask import Mask
from explorer.store import mask_files
from explorer.store.mask_files import json_text, npy_files, read_mask, read_mask_at, zipped
from explorer.store.schema import Run

L, H = 3, 4
RUN = Run("minilm-l6", "MRPC", 1337)
MASK = Mask.full(L, H).with_head(0, 2, False).with_mlp(1, False)
CLONE = os.environ.get("PAPER_CLONE", "")

masks = st.integers(0, 2 ** (L * H + L) - 1).map(
    lambda bits: Mask(
        np.array([bits >> at & 1 for at in range(L * H)]).reshape(L, H),
        np.array([bits >> at & 1 for at in range(L * H, L * H + L)]),
    )
)


@settings(max_examples=40)
@given(masks)
def test_whatever_is_written_is_read_back(mask):
    assert read_mask(npy_files(mask), L, H) == mask
    assert read_mask({"mask.json": json_text(mask).encode()}, L, H) == mask
    assert read_mask({"mask.zip": zipped(mask, RUN)}, L, H) == mask


def test_the_files_are_the_authors():
    files = npy_files(MASK)
    assert set(files) == {"head_mask.npy", "mlp_mask.npy"}
    heads = np.load(io.BytesIO(files["head_mask.npy"]))
    assert heads.dtype == np.float32
    assert heads.tolist() == [[1, 1, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert np.load(io.BytesIO(files["mlp_mask.npy"])).tolist() == [1, 0, 1]
    with zipfile.ZipFile(io.BytesIO(zipped(MASK, RUN, {"task": "MRPC"}))) as archive:
        assert sorted(archive.namelist()) == [
            f"masks/heads_mlps/MRPC/seed_1337/{name}" for name in ("head_mask.npy", "mask.json", "mlp_mask.npy")
        ]
        told = json.loads(archive.read("masks/heads_mlps/MRPC/seed_1337/mask.json"))
    assert (told["task"], told["code"], told["mlp_mask"]) == ("MRPC", MASK.code, [1, 0, 1])


def test_one_kind_alone_keeps_all_of_the_other():
    files = npy_files(MASK)
    assert read_mask({"a.npy": files["head_mask.npy"]}, L, H) == Mask(MASK.heads, np.ones(L))
    assert read_mask({"a.npy": files["mlp_mask.npy"]}, L, H) == Mask(np.ones((L, H)), MASK.mlps)
    assert read_mask({"a.json": b'{"mlp_mask": [true, false, true]}'}, L, H) == Mask(np.ones((L, H)), MASK.mlps)


def _npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def _zip(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/") + ".npy", data)
    return buffer.getvalue()


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("unpickled"),)


BAD = {
    "nothing": ({}, "no mask"),
    "empty": ({"a.npy": b""}, "neither a .npy array nor JSON"),
    "a pickle": ({"a.npy": pickle.dumps(Bomb())}, "neither a .npy array nor JSON"),
    "a pickle as .npy": ({"a.npy": _npy(np.array([Bomb()], object), allow_pickle=True)}, "no plain array"),
    "text": ({"a.npy": _npy(np.full((L, H), "1"))}, "no plain array"),
    "three dimensions": ({"a.npy": _npy(np.ones((L, H, 2)))}, "no plain array"),
    "truncated": ({"a.npy": npy_files(MASK)["head_mask.npy"][:-9]}, "no plain array"),
    "a header that promises too much": (
        {"a.npy": _npy(np.ones((L, H))).replace(b"(3, 4), }       ", b"(99999999999, 4)}", 1)},
        "no plain array",
    ),
    "another model's": ({"a.npy": _npy(np.ones((12, 12)))}, "12 x 12; the model has 3 layers x 4 heads"),
    "other numbers": ({"a.npy": _npy(np.full((L, H), 0.5))}, "other than 0 and 1"),
    "not a number": ({"a.npy": _npy(np.full((L, H), np.nan))}, "other than 0 and 1"),
    "two of a kind": ({"a.npy": _npy(np.ones((L, H))), "b.npy": _npy(np.zeros((L, H)))}, "two arrays of heads"),
    "too large": ({"a.npy": bytes(mask_files.LARGEST + 1)}, "1,048,577 bytes"),
    "deep JSON": ({"a.json": b"[" * 100_000}, "nor JSON"),
    "other JSON": ({"a.json": b'{"mask": 1}'}, "neither 'head_mask' nor 'mlp_mask'"),
    "ragged JSON": ({"a.json": b'{"head_mask": [[1], [1, 0]]}'}, "no table of 0 and 1"),
    "words in JSON": ({"a.json": b'{"mlp_mask": ["<b>", 1, 1]}'}, "no table of 0 and 1"),
    "a huge number in JSON": (
        {"a.json": b'{"mlp_mask": [1, 1, 1' + b"0" * 400 + b"]}"},
        "neither a .npy array nor JSON",
    ),
    "a key that is not understood": (
        {"a.json": b'{"head_mask": [[1,1,1,0],[0,0,1,1],[1,1,1,1]], "mlps_mask": [1, 0, 1]}'},
        "says 'mlps_mask', which is not understood",
    ),
    "a layer's mask": ({"a.json": b'{"mlp_mask": [1, 1, 1], "layer_mask": [1, 0, 1]}'}, "says 'layer_mask'"),
    "a key twice": ({"a.json": b'{"mlp_mask": [1, 1, 1], "mlp_mask": [1, 1, 0]}'}, "nor JSON"),
    "the other meaning": ({"a.json": b'{"mlp_mask": [1, 1, 0], "meaning": "1 = pruned"}'}, "mean '1 = pruned'"),
    "the code of another mask": (
        {"a.json": json_text(MASK).replace(MASK.code, Mask.full(L, H).code).encode()},
        "contradicts itself",
    ),
    "an archive with a misspelt member": (
        {"a.zip": _zip(head_mask=npy_files(MASK)["head_mask.npy"], mlps_mask=npy_files(MASK)["mlp_mask.npy"])},
        "holds mlps_mask.npy too",
    ),
    "no archive": ({"a.zip": b"PK\x03\x04 and then nothing"}, "cannot be unpacked"),
    "an archive of no mask": ({"a.zip": _zip(other=b"")}, "no mask"),
    "an archive that swells": ({"a.zip": _zip(head_mask=bytes(50 * 2**20))}, "larger than an archive of one mask"),
    "an archive of two": (
        {"a.zip": _zip(x__head_mask=_npy(np.ones((L, H))), y__head_mask=_npy(np.ones((L, H))))},
        "more than one mask",
    ),
    "an archive inside an archive": ({"a.zip": _zip(head_mask=_zip(head_mask=b""))}, "inside an archive"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_mask_is_answered_in_a_sentence(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files, says = BAD[kind]
    with pytest.raises(BadMask, match=says):
        read_mask(files, L, H)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not CLONE, reason="needs PAPER_CLONE, a clone of github.com/sai-prasanna/bert-experiments")
def test_the_authors_own_files_are_read():
    folder = Path(CLONE) / "masks" / "heads_mlps" / "RTE" / "seed_1337"
    mask = read_mask({path.name: path.read_bytes() for path in folder.glob("*_mask.npy")}, 12, 12)
    assert mask.heads.sum() == np.load(folder / "head_mask.npy").sum()
    assert npy_files(mask)["head_mask.npy"] == (folder / "head_mask.npy").read_bytes()


def test_a_folder_is_read_whole(tmp_path):
    for name, data in npy_files(MASK).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "README.md").write_text("of no concern")
    assert read_mask_at(tmp_path, L, H) == MASK
    (tmp_path / "mask.json").write_text(json_text(MASK))
    assert read_mask_at(tmp_path, L, H) == MASK
    (tmp_path / "mask.json").write_text(json_text(Mask.full(L, H)))
    with pytest.raises(BadMask, match="holds two masks"):
        read_mask_at(tmp_path, L, H)
    (tmp_path / "mask.json").rename(tmp_path / "minilm-l6-MRPC-1337-mask.json")  # as the lab calls it
    with pytest.raises(BadMask, match="holds two masks"):
        read_mask_at(tmp_path, L, H)
    (tmp_path / "minilm-l6-MRPC-1337-mask.json").write_text(json_text(MASK))
    (tmp_path / "._head_mask.npy").write_bytes(b"of macOS")
    (tmp_path / "attention_mask.npy").write_bytes(b"of no concern: of two arrays, none is misspelt")
    assert read_mask_at(tmp_path, L, H) == MASK
    (tmp_path / "mlp_mask.npy").rename(tmp_path / "mlps_mask.npy")
    with pytest.raises(BadMask, match="too, which is not understood"):
        read_mask_at(tmp_path, L, H)
    for name in ("head_mask.npy", "mlps_mask.npy", "attention_mask.npy"):
        (tmp_path / name).unlink()
    assert read_mask_at(tmp_path, L, H) == MASK
