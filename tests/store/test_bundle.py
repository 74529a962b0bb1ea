"""A bundle: what is written reads back, whole or not at all; whatever is damaged is named, and how to mend it."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.bert.model_identity import Identity
from explorer.errors import BadBundle, BadRequest
from explorer.store import whole_folders
from explorer.store.bundle import ARRAYS, CHECKPOINT, MANIFEST, TABLE, Bundle, sha256_of, versions
from explorer.store.commands import command_for
from explorer.store.schema import SCHEMA_VERSION, FileEntry, Key, Manifest, Run, manifest_from_json

RUN = Run("tiny", "MRPC", 7)
KEY = Key(RUN, "structured", "together")
ARRAY = {"predictions": np.arange(6, dtype=np.int8).reshape(2, 3), "logits": np.linspace(0, 1, 4, dtype=np.float32)}
ROWS = pd.DataFrame({"mask": ["_w", "fw"], "score": [0.75, 0.5], "held": [True, False]})


def manifest(key=KEY, **changes):
    base = Manifest(
        model=key.run.model,
        task=key.run.task,
        seed=key.run.seed,
        stage=key.stage,
        variant=key.variant,
        command=command_for(key),
        config={"method": "together", "share": 0.9},
        versions=versions(),
        data={"dev": {"source": "test", "n": 3, "sha256": "ab"}},
        checkpoint_sha256="c" * 64,
        device="cpu (1 threads)",
        seconds=1.5,
        created="2026-01-01T00:00:00+00:00",
        summary={"score": 0.75},
    )
    return replace(base, **changes)


@pytest.fixture
def bundle(tmp_path):
    """With one artefact of arrays and a table."""
    bundle = Bundle(tmp_path / "bundle")
    bundle.write(manifest(), arrays=ARRAY, table=ROWS)
    return bundle


def file(bundle, name, key=KEY):
    return bundle.root / key.path / name


def edit(bundle, change, key=KEY):
    path = bundle.root / key.path / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def entry_of(data):
    return {"sha256": sha256_of(data), "bytes": len(data)}


def test_what_is_written_reads_back(bundle):
    read = bundle.read(KEY)
    assert read.manifest == bundle.manifest(KEY) == next(bundle.manifests())
    assert replace(read.manifest, files={}) == manifest()
    for name, array in ARRAY.items():
        np.testing.assert_array_equal(read.arrays[name], array)
        assert read.arrays[name].dtype == array.dtype
    pd.testing.assert_frame_equal(read.table, ROWS)
    assert set(read.manifest.files) == {ARRAYS, TABLE}
    for name, entry in read.manifest.files.items():
        data = file(bundle, name).read_bytes()
        assert (entry.sha256, entry.bytes) == (sha256_of(data), len(data))
    assert file(bundle, "x").parent == bundle.root / "tiny" / "MRPC" / "seed_7" / "structured.together"


def test_the_same_content_gives_the_same_bytes(bundle, tmp_path):
    again = Bundle(tmp_path / "again")
    assert again.write(manifest(), arrays=ARRAY, table=ROWS) == bundle.manifest(KEY)
    assert file(again, MANIFEST).read_bytes() == file(bundle, MANIFEST).read_bytes()


def test_writing_again_replaces_the_whole_artefact(bundle):
    bundle.write(manifest(seconds=2.0), blobs={CHECKPOINT: b"weights"})
    read = bundle.read(KEY)
    assert (read.manifest.seconds, dict(read.arrays), len(read.table)) == (2.0, {}, 0)
    assert sorted(path.name for path in file(bundle, "").iterdir()) == [CHECKPOINT, MANIFEST]
    assert [path.name for path in file(bundle, "").parent.iterdir()] == ["structured.together"], "nothing left over"


@pytest.mark.parametrize("moment", ["fsync", "rename"])
def test_a_write_that_fails_leaves_the_artefact_before_it(bundle, monkeypatch, moment):
    def fail(*_args):
        raise OSError(28, "No space left on device")

    before = bundle.manifest(KEY)
    with monkeypatch.context() as patch:
        patch.setattr(whole_folders, "_exchange", lambda *_folders: False)
        patch.setattr(*((os, "fsync", fail) if moment == "fsync" else (Path, "rename", fail)))
        with pytest.raises(BadBundle, match=r"cannot be written \(No space left on device\)"):
            bundle.write(manifest(seconds=9.0), arrays={"a": np.zeros(2)})
    assert bundle.read(KEY).manifest == before
    assert [p for p in file(bundle, "").parent.iterdir() if p.name.startswith(".partial")] == []


def test_only_complete_artefacts_are_listed(bundle):
    assert bundle.has(KEY)
    bundle.write(manifest(complete=False), arrays=ARRAY)
    assert bundle.has(KEY)
    assert list(bundle.manifests()) == []
    assert not bundle.manifest(KEY).complete
    other = Key(RUN, "importance", "expected")
    bundle.write(manifest(other), arrays=ARRAY)
    assert [found.key for found in bundle.manifests()] == [other]


def test_missing_things_are_named_with_the_command_that_makes_them(bundle, tmp_path):
    absent = Key(RUN, "importance", "published")
    assert not bundle.has(absent)
    with pytest.raises(BadBundle, match=r"importance --task MRPC --seed 7 --estimator published"):
        bundle.read(absent)
    file(bundle, ARRAYS).unlink()
    with pytest.raises(BadBundle, match=r"arrays.npz is missing. Make it again: .*prune --task MRPC --seed 7 --method"):
        bundle.read(KEY)
    with pytest.raises(BadBundle, match=r"There is no bundle at .*git checkout cache"):
        list(Bundle(tmp_path / "nowhere").manifests())
    with pytest.raises(BadBundle, match=r"finetune --task MRPC --seed 7"):
        bundle.checkpoint(RUN)


@pytest.mark.parametrize("name", [ARRAYS, TABLE])
def test_a_truncated_file_is_refused(bundle, name):
    data = file(bundle, name).read_bytes()
    file(bundle, name).write_bytes(data[:-10])
    with pytest.raises(BadBundle, match=f"{len(data) - 10:,} bytes instead of {len(data):,}.*git checkout"):
        bundle.read(KEY)


@pytest.mark.parametrize("name", [ARRAYS, TABLE])
def test_no_altered_byte_gives_anything_but_a_bad_bundle(bundle, name):
    """Same size, so that only the reader can notice: it does, or gives values, but never another error."""
    data = file(bundle, name).read_bytes()
    refused = 0
    for at in range(0, len(data), max(1, len(data) // 150)):
        file(bundle, name).write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            bundle.read(KEY)
        except BadBundle:
            refused += 1
    assert refused > 20


def test_a_pickle_in_an_npz_is_refused_and_not_opened(bundle, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    np.savez(file(bundle, ARRAYS), a=np.array([Trap()], object))
    pickled = file(bundle, ARRAYS).read_bytes()
    assert pickle.dumps(Trap())[:20]
    edit(bundle, {"files": {ARRAYS: entry_of(pickled)}})
    with pytest.raises(BadBundle, match=r"is damaged \(holds object, which are no plain numbers"):
        bundle.read(KEY)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(ValueError, match="allow_pickle"):
        bundle.write(manifest(), arrays={"a": np.array([{}], object)})


def test_a_withheld_file_says_so(bundle):
    key = Key(RUN, "finetune")
    entry = FileEntry("d" * 64, 10)
    bundle.write(manifest(key, withheld={CHECKPOINT: entry}), arrays=ARRAY)
    assert bundle.manifest(key).withheld == {CHECKPOINT: entry}
    assert bundle.read(key).arrays.keys() == ARRAY.keys()
    with pytest.raises(BadBundle, match=r"is not shipped with this bundle, to keep it small. Make it: .*finetune"):
        bundle.checkpoint(RUN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a manifest"),
        ("[1]", "is not a manifest"),
        ("{", "is not a manifest"),
        ("{}", "is not a manifest"),
        ('{"schema_version": 2}', "is not a manifest"),
        ('{"schema_version": 1}', "has schema version 1; this program reads version 2. Migrate it"),
        ('{"schema_version": 0}', "has schema version 0; this program reads version 2"),
        ('{"schema_version": "3", "new": 1}', "has schema version '3'"),
    ],
)
def test_what_is_no_manifest_of_this_version(bundle, text, message):
    file(bundle, MANIFEST).write_text(text)
    with pytest.raises(BadBundle, match=message) as caught:
        bundle.read(KEY)
    assert caught.value.mend
    assert MANIFEST in caught.value.wrong


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"files": [1]},
        {"files": {"a": {"bytes": 1}}},
        {"withheld": {"a": [1]}},
        {"stage": "thinking"},
        {"model": "../up"},
        {"task": None},
        {"variant": "a/b"},
    ],
)
def test_a_manifest_with_other_fields(bundle, change):
    edit(bundle, change)
    with pytest.raises(BadBundle, match="is not a manifest"):
        bundle.manifest(KEY)


def test_bytes_that_are_no_text(bundle):
    file(bundle, MANIFEST).write_bytes(b"\xff\xfe{}")
    with pytest.raises(BadBundle, match="cannot be read"):
        bundle.manifest(KEY)


def test_a_manifest_in_the_wrong_place(bundle):
    elsewhere = Key(replace(RUN, seed=8), "structured", "together")
    file(bundle, MANIFEST, elsewhere).parent.mkdir(parents=True)
    file(bundle, MANIFEST).rename(file(bundle, MANIFEST, elsewhere))
    with pytest.raises(BadBundle, match=r"belongs at tiny/MRPC/seed_7/structured.together. Put the folder back"):
        bundle.read(elsewhere)


def test_a_manifest_survives_json():
    base = Identity("minilm", "w", "c", "t")
    full = manifest(base=base, files={"a": FileEntry("e", 1)}, withheld={"b": FileEntry("f", 2)})
    assert manifest_from_json(full.to_json(), "here") == full
    assert full.schema_version == SCHEMA_VERSION == 2


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a b", "é", "x" * 65, "a\n"])
def test_names_that_cannot_be_folders(name):
    with pytest.raises(BadRequest, match="cannot name a folder"):
        Run(name, "MRPC", 1)
    with pytest.raises(BadRequest, match="cannot name a folder"):
        Run("tiny", name, 1)
    if name:
        with pytest.raises(BadRequest, match="names no artefact"):
            Key(RUN, "structured", name)


def test_keys():
    with pytest.raises(BadRequest, match=r"Stages: finetune, importance, structured"):
        Key(RUN, "prune")
    assert str(Key(RUN, "ablations").path) == "tiny/MRPC/seed_7/ablations"
    assert Key(RUN, "finetune") < Key(RUN, "structured", "heads") < Key(replace(RUN, seed=8), "finetune")
    assert command_for(Key(RUN, "ablations")) == "python -m precompute ablations --task MRPC --seed 7 --model tiny"


def test_clearing_goes_on_where_a_kill_left_empty_folders(tmp_path):
    bundle = Bundle(tmp_path)
    key = Key(Run("tiny", "MRPC", 7), "finetune")
    folder = bundle.work_folder(key)
    folder.mkdir(parents=True)
    folder.rmdir()
    folder.parent.rmdir()  # killed here
    bundle.clear_work(key)
    assert list(tmp_path.iterdir()) == []
