"""The numbered preflight: silent on a good bundle, a sentence for each thing that is wrong, and never an error."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from explorer.bert.model_identity import Identity
from explorer.store import validation
from explorer.store.bundle import ARRAYS, CHECKPOINT, MANIFEST, TABLE, Bundle
from explorer.store.schema import Key
from explorer.store.validation import validate
from tests.store.test_bundle import ARRAY, KEY, ROWS, RUN, edit, file, manifest

FINETUNE = Key(RUN, "finetune")


@pytest.fixture
def bundle(tmp_path):
    bundle = Bundle(tmp_path / "bundle")
    bundle.write(manifest(), arrays=ARRAY, table=ROWS)
    bundle.write(manifest(FINETUNE), arrays=ARRAY, blobs={CHECKPOINT: b"weights"})
    return bundle


def problems(bundle):
    """By number of check, where there are any."""
    checks = list(validate(bundle))
    assert [check.number for check in checks] == [1, 2, 3, 4, 5, 6]
    return {check.number: " | ".join(check.problems) for check in checks if check.problems}


def test_a_good_bundle_has_no_problem(bundle):
    assert problems(bundle) == {}
    details = [check.detail for check in validate(bundle)]
    assert details[:2] == ["2 artefacts", "4 files"]
    assert details[5].endswith("MiB")


def test_withheld_files_and_published_masks_are_no_problem(bundle):
    entry = bundle.manifest(FINETUNE).files[CHECKPOINT]
    bundle.write(manifest(FINETUNE, withheld={CHECKPOINT: entry}), arrays=ARRAY)
    assert problems(bundle) == {}


def test_a_bundle_that_is_not_there_or_empty(tmp_path):
    found = problems(Bundle(tmp_path / "nowhere"))
    assert found.keys() == {1}
    assert "There is no bundle at" in found[1]
    assert "holds no artefact. Make one" in problems(Bundle(tmp_path))[1]


def test_an_altered_file_is_found_by_its_hash(bundle):
    path = file(bundle, CHECKPOINT, FINETUNE)
    path.write_bytes(b"weightz")
    assert problems(bundle) == {2: f"{path} was altered: its hash is not the manifest's."}


@pytest.mark.parametrize("name", [ARRAYS, TABLE])
def test_altered_arrays_are_a_problem_and_not_an_error(bundle, name):
    path = file(bundle, name)
    data = path.read_bytes()
    for at in range(0, len(data), len(data) // 40):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        assert "was altered" in problems(bundle)[2]


def test_truncated_and_missing_files(bundle):
    path = file(bundle, ARRAYS)
    path.write_bytes(path.read_bytes()[:-1])
    file(bundle, CHECKPOINT, FINETUNE).unlink()
    found = problems(bundle)
    assert "bytes instead of" in found[2]
    assert "checkpoint.safetensors is missing" in found[2]
    assert "arrays.npz" in found[3]


def test_manifests_that_do_not_read(bundle):
    edit(bundle, {"schema_version": 99})
    assert "has schema version 99" in problems(bundle)[1]
    file(bundle, MANIFEST).write_text("{")
    assert "is not a manifest" in problems(bundle)[1]


def test_a_folder_that_was_moved(bundle):
    moved = bundle.root / replace(KEY, variant="heads").path
    file(bundle, "").rename(moved)
    found = problems(bundle)
    assert f"{moved / MANIFEST} belongs at {KEY.path}" in found[1]


def test_two_checkpoints_in_one_run(bundle):
    bundle.write(manifest(checkpoint_sha256="f" * 64), arrays=ARRAY, table=ROWS)
    assert problems(bundle) == {
        4: f"{KEY.path} was computed with another checkpoint than {RUN.path}/finetune.",
    }


def test_unfinished_and_stray_things(bundle):
    bundle.write(manifest(complete=False), arrays=ARRAY, table=ROWS)
    file(bundle, "notes.txt").write_text("hm")
    (bundle.root / RUN.path / ".partial-x").mkdir()
    (bundle.root / RUN.path / "stray.txt").write_text("hm")
    found = problems(bundle)
    assert found.keys() == {5}
    for words in (
        "is unfinished: run its command again",
        "notes.txt is not in the manifest",
        "stray.txt has no manifest",
    ):
        assert words in found[5]
    assert "left of a killed write: the next command that writes beside it clears it" in found[5]


def test_a_write_killed_before_its_rename(bundle):
    shutil.copytree(file(bundle, ""), bundle.root / RUN.path / ".partial-y")
    found = problems(bundle)
    assert found.keys() == {5}
    assert ".partial-y is left of a killed write" in found[5]


def test_the_state_of_unfinished_work_is_not_part_of_the_bundle(bundle):
    work = bundle.work_folder(KEY)
    work.mkdir(parents=True)
    (work / "state.safetensors").write_bytes(b"x")
    assert problems(bundle) == {}


def test_a_bundle_too_big_to_ship(bundle, monkeypatch):
    monkeypatch.setattr(validation, "LIMIT_BYTES", 100)
    monkeypatch.setattr(validation, "CHECKPOINT_BYTES", 6)
    found = problems(bundle)
    assert found.keys() == {6}
    assert "more than 0" in found[6]
    assert f"{FINETUNE.path}/{CHECKPOINT} has 0.0 MiB" in found[6]


BASE = Identity("minilm", "w" * 64, "c" * 64, "t" * 64)


@pytest.mark.parametrize("part", ["weights", "config", "tokenizer"])
def test_a_run_is_of_one_model_and_a_name_too(bundle, part):
    for key in (KEY, FINETUNE):
        bundle.write(manifest(key, base=BASE), arrays=ARRAY)
    assert problems(bundle) == {}
    bundle.write(manifest(FINETUNE, base=replace(BASE, source="/moved")), arrays=ARRAY)
    assert problems(bundle) == {}, "the same model elsewhere"
    other = replace(BASE, **{part: "o" * 64})
    bundle.write(manifest(base=other), arrays=ARRAY)
    assert f"{KEY.path} began with another model than {FINETUNE.path}, under one name." in problems(bundle)[4]
    computed_otherwise = f"{KEY.path} was computed with another checkpoint than {RUN.path}/finetune."
    assert (computed_otherwise in problems(bundle)[4]) == (part != "weights"), "its own weights are the packed file's"
    bundle.write(manifest(base=BASE), arrays=ARRAY)
    another = Key(replace(RUN, seed=8), "finetune")
    bundle.write(manifest(another, base=other), arrays=ARRAY)
    assert f"{another.path} began with another model than" in problems(bundle)[4]
