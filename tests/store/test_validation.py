"""The numbered preflight: silent on a good bundle, a sentence for each thing that is wrong, and never an error.

Long because each thing that can be wrong has its case.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save

from explorer.bert.model_identity import Identity
from explorer.bert.packing import FORMAT, pack
from explorer.errors import BadBundle
from explorer.mask import Mask
from explorer.patterns import classes, statistics
from explorer.store import contents, validation
from explorer.store.bundle import ARRAYS, CHECKPOINT, MANIFEST, TABLE, Bundle, sha256_of
from explorer.store.schema import Key
from explorer.store.validation import validate
from explorer.study.fitting import why_not
from explorer.study.stored_scores import known_run
from explorer.tickets.pruning_path import PathRow, to_table
from tests.store import test_bundle
from tests.store.test_bundle import KEY, RUN, edit, entry_of, file

FINETUNE = Key(RUN, "finetune")
WEIGHTS = {"classifier.weight": np.ones((2, 4), np.float32), "classifier.bias": np.zeros(2, np.float32)}
PACKED = pack({}, WEIGHTS, base_name="/nowhere", base_sha256="b" * 64, about={"task": RUN.task})
SHAPE = (2, 3)
CODES = [Mask.full(*SHAPE).code, Mask.full(*SHAPE).with_head(0, 1, False).code]
ROWS = to_table(
    [
        PathRow(step, "together", Mask.from_code(code, *SHAPE), 0.5, 0.1, 0.9, 3, True, 0.1)
        for step, code in enumerate(CODES)
    ]
)
ARRAY = {
    "predictions": np.array([[0, 1, 1], [1, 1, 1]], np.int8),
    "labels": np.array([0.0, 1.0, 0.0]),
    "logits": np.eye(3, 2, dtype=np.float32),
}
"""Of a fine-tuning; a path has its predictions alone."""
PATH = {"predictions": ARRAY["predictions"]}


def manifest(key=KEY, **changes):
    config = {"shape": list(SHAPE), "method": "together", "share": 0.9}
    summary = {"score": 1.0, "ticket": CODES[1], "ticket_score": 0.5}  # all three right
    known = {"config": config, "summary": summary, "checkpoint_sha256": sha256_of(PACKED)}
    return test_bundle.manifest(key, **known | changes)


@pytest.fixture
def bundle(tmp_path):
    bundle = Bundle(tmp_path / "bundle")
    bundle.write(manifest(), arrays=PATH, table=ROWS)
    bundle.write(manifest(FINETUNE), arrays=ARRAY, blobs={CHECKPOINT: PACKED})
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
    path.write_bytes(PACKED[:-1] + bytes([PACKED[-1] ^ 1]))
    found = problems(bundle)
    assert found[2] == f"{path} was altered: its hash is not the manifest's."
    assert found.keys() == {2, 4}, "it is another checkpoint, too"


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
    bundle.write(manifest(checkpoint_sha256="f" * 64), arrays=PATH, table=ROWS)
    assert problems(bundle) == {
        4: f"{KEY.path} was computed with another checkpoint than {RUN.path}/finetune.",
    }


def test_unfinished_and_stray_things(bundle):
    bundle.write(manifest(complete=False), arrays=PATH, table=ROWS)
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
    bundle.write(manifest(base=BASE), arrays=PATH, table=ROWS)
    bundle.write(manifest(FINETUNE, base=BASE), arrays=ARRAY)
    assert problems(bundle) == {}
    bundle.write(manifest(FINETUNE, base=replace(BASE, source="/moved")), arrays=ARRAY)
    assert problems(bundle) == {}, "the same model elsewhere"
    other = replace(BASE, **{part: "o" * 64})
    bundle.write(manifest(base=other), arrays=PATH, table=ROWS)
    assert f"{KEY.path} began with another model than {FINETUNE.path}, under one name." in problems(bundle)[4]
    computed_otherwise = f"{KEY.path} was computed with another checkpoint than {RUN.path}/finetune."
    assert (computed_otherwise in problems(bundle)[4]) == (part != "weights"), "its own weights are the packed file's"
    bundle.write(manifest(base=BASE), arrays=PATH, table=ROWS)
    another = Key(replace(RUN, seed=8), "finetune")
    bundle.write(manifest(another, base=other), arrays=ARRAY)
    assert f"{another.path} began with another model than" in problems(bundle)[4]


def replaced(bundle, key=KEY, **files):
    """Other contents under a hash that fits: what a forger, or a program with an error, writes."""
    for name, data in files.items():
        file(bundle, name, key).write_bytes(data)
    path = file(bundle, MANIFEST, key)
    entries = {one: entry_of(file(bundle, one, key).read_bytes()) for one in json.loads(path.read_text())["files"]}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"files": entries}))


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


NAN = np.array([[0, 1], [np.nan, 0], [1, 0]], np.float32)
TABLES = {
    "no column of masks": (lambda t: t.drop(columns="mask"), "has no column 'mask'"),
    "a mask of another shape": (lambda t: t.assign(mask=["fwAA", "fwAA"]), "a mask in its table does not fit"),
    "masks that are numbers": (lambda t: t.assign(mask=[1, 2]), "a mask in its table is no mask code"),
    "a score that is text": (lambda t: t.assign(score=["a", "b"]), "'score' of its table does not hold numbers"),
    "a score beyond 1": (lambda t: t.assign(score=[0.5, 83.0]), "a score that is not from -1 to 1"),
    "held as numbers": (lambda t: t.assign(held=[1, 0]), "'held' of its table does not hold true and false"),
    "steps in another order": (lambda t: t.assign(step=[1, 0]), "not numbered 0, 1, 2"),
    "a row too many": (lambda t: pd.concat([t, t]), "predictions are 2 x 3, not 4 x 3"),
    "no row": (lambda t: t.iloc[:0], "its table has no row"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_that_its_readers_cannot_use(bundle, kind):
    change, words = TABLES[kind]
    replaced(bundle, **{TABLE: change(ROWS).to_parquet(index=False)})
    found = problems(bundle)
    assert found.keys() == {3}
    assert f"{KEY.path}: " in found[3]
    assert words in found[3]


FINETUNED = {
    "NaN logits": (ARRAY | {"logits": NAN}, "its logits are not those of MRPC"),
    "three classes": (ARRAY | {"logits": np.eye(3, dtype=np.float32)}, "logits are 3 x 3, not 3 x 2"),
    "a label of no class": (ARRAY | {"labels": np.array([0.0, 1, 7])}, "is no label of MRPC"),
    "no labels": ({"logits": ARRAY["logits"]}, "has no array 'labels'"),
    "labels as text": (ARRAY | {"labels": np.array(["a", "b", "c"])}, "labels are of type"),
}


@pytest.mark.parametrize("kind", FINETUNED)
def test_arrays_that_their_readers_cannot_use(bundle, kind):
    arrays, words = FINETUNED[kind]
    replaced(bundle, FINETUNE, **{ARRAYS: npz(**arrays)})
    found = problems(bundle)
    assert found.keys() == {3}
    assert words in found[3]


def test_arrays_that_inflate_are_told_by_their_headers(bundle):
    replaced(bundle, FINETUNE, **{ARRAYS: npz(**ARRAY, more=np.zeros(200 * 2**20, np.uint8))})
    assert "bytes unpacked, more than" in problems(bundle)[3]


def test_a_checkpoint_that_does_not_unpack(bundle):
    for change in (
        {"x.codes": np.zeros(32, np.uint8)},
        {"x": np.full(3, np.inf, np.float32)},
        {"x": np.zeros(3, "i8")},
    ):
        about = {"format": FORMAT, "base": "minilm", "base_sha256": "b", "about": json.dumps({"task": "MRPC"})}
        replaced(bundle, FINETUNE, **{CHECKPOINT: save(WEIGHTS | change, metadata=about)})
        assert "The packed checkpoint does not fit its base model ('x" in problems(bundle)[4]
    replaced(bundle, FINETUNE, **{CHECKPOINT: b"weights"})
    assert "cannot be read as safetensors" in problems(bundle)[4]


def test_links_pipes_and_files_that_are_no_artefact(bundle, tmp_path):
    (tmp_path / "secret").mkdir()
    (bundle.root / "link").symlink_to(tmp_path / "secret")
    (bundle.root / RUN.model / "notes.txt").write_text("hm")
    file(bundle, "folder").mkdir()
    os.mkfifo(bundle.root / "pipe")
    found = problems(bundle)
    assert found.keys() == {5}
    for words in ("link is a link", "notes.txt is a file outside", "folder is a folder inside", "pipe is a pipe"):
        assert words in found[5]


WRONG = {
    "seed": "seed is no seed",
    "seconds": "seconds is no duration",
    "config": "config is of another type",
    "summary": "summary is of another type",
    "complete": "complete is of another type",
    "model": "model is of another type",
    "versions": "versions is of another type",
    "data": "data is of another type",
    "created": "created is of another type",
}


@pytest.mark.parametrize("name", WRONG)
def test_an_entry_of_another_type_is_no_manifest(bundle, name):
    for value in (
        [1],
        None,
        True if name != "complete" else 3,
        "\u0000" if name in ("seed", "seconds", "data") else 7.5,
    ):
        if name == "seconds" and value == 7.5:
            continue
        edit(bundle, {name: value})
        assert f"is not a manifest ({WRONG[name]})" in problems(bundle)[1]


SUMMARIES = {
    "another score": (FINETUNE, {"score": 0.99}, "says the score 0.9900; its logits and labels give 1.0000"),
    "another metric": (FINETUNE, {"metric": "f1"}, "its score is f1; that of MRPC is accuracy"),
    "another ticket": (KEY, {"ticket": CODES[0]}, "is not the last mask of its table that held"),
    "another ticket's score": (KEY, {"ticket_score": 0.7}, "the ticket_score in its summary is not that of its ticket"),
}


@pytest.mark.parametrize("kind", SUMMARIES)
def test_a_summary_that_is_not_what_its_arrays_and_tables_say(bundle, kind):
    key, said, words = SUMMARIES[kind]
    summary = bundle.manifest(key).summary | said
    edit(bundle, {"summary": summary}, key)
    found = problems(Bundle(bundle.root))
    assert found.keys() == {3}
    assert words in found[3]


@pytest.mark.parametrize("gone", [[[0, 99]], "x", [[0]], [["a", "b"]], 5, [[0, -1]], {"0": 1}])
def test_heads_that_no_model_had_are_told_by_validation_and_by_readers(bundle, gone):
    edit(bundle, {"config": {"shape": list(SHAPE), "gone": gone}}, FINETUNE)
    there = Bundle(bundle.root)
    assert "names heads that are gone which its model cannot have had" in problems(there)[3]
    for read in (lambda: known_run(there, RUN), lambda: why_not(there, Key(RUN, "league"))):
        with pytest.raises(BadBundle, match="names heads that are gone"):
            read()


def test_a_file_that_leads_out_of_its_folder_is_refused(bundle):
    for name in ("../finetune/arrays.npz", "/etc/passwd", "..", ".hidden", "a/b"):
        edit(bundle, {"files": {name: {"sha256": "a" * 64, "bytes": 5}}})
        assert "is no name of a file in its folder" in problems(bundle)[1]


def test_a_task_that_is_none_and_a_variant_that_is_none(bundle):
    edit(bundle, {"task": "<b>"})
    assert "'<b>' is no GLUE task" in problems(bundle)[1]
    other = Key(RUN, "importance", "sideways")
    bundle.write(manifest(other), arrays={"heads": np.ones(SHAPE), "mlps": np.ones(2)})
    assert f"{other.path} is no variant of importance" in problems(bundle)[3]


def test_the_names_of_patterns_and_statistics_are_those_that_are_written():
    assert contents.STATISTICS == statistics.STATISTICS
    assert contents.PATTERNS == classes.CLASSES
