"""Paths that people give: '~' is home, what cannot be written is told first, and nothing computed is lost."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import BadBundle, BadRequest
from explorer.mask import Mask
from explorer.store import bundle as store
from explorer.store.bundle import Bundle, require_writable
from explorer.store.mask_files import json_text, npy_files, zipped
from explorer.store.schema import Key, Run
from precompute.stages import finetune, importance
from tests.precompute.conftest import SEED

RUN = Run("minilm-l6", "MRPC", SEED)
MASK = Mask.full(3, 4).with_head(0, 1, False).with_mlp(2, False)


def no_computing(monkeypatch):
    def fail(*_args, **_kwargs):
        pytest.fail("it was computed")

    monkeypatch.setattr(finetune, "make", fail)
    monkeypatch.setattr(importance, "make", fail)


def full_disk(monkeypatch, under):
    """Writing through under that folder fails as on a full disk."""
    real = store._write_through

    def write(path, data):
        if under in path.parents:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, data)

    monkeypatch.setattr(store, "_write_through", write)


@pytest.mark.parametrize("way", ["bundle", "minilm-l6", "minilm-l6/MRPC", "minilm-l6/MRPC/seed_7", ".work"])
@pytest.mark.parametrize("verb", ["finetune", "study", "importance"])
def test_a_file_in_the_way_is_told_before_anything_is_computed(run, glue, model, tmp_path, monkeypatch, way, verb):
    no_computing(monkeypatch)
    root = tmp_path / "bundle"
    file = root if way == "bundle" else root / way
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("in the way")
    ran = run(verb, "--task", "MRPC", "--seed", SEED, "--model", model, "--glue-dir", glue, "--bundle", root)
    assert ran.status == 2
    assert f"{file} is a file, not a folder. Name another --bundle" in ran.err


def test_a_folder_that_takes_nothing_is_told_first(run, glue, model, tmp_path, monkeypatch):
    no_computing(monkeypatch)

    def refuse(**_kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    options = ("--task", "MRPC", "--seed", SEED, "--model", model, "--glue-dir", glue)
    ran = run("finetune", *options, "--bundle", tmp_path / "new" / "bundle")
    assert (ran.status, ran.out) == (2, "")
    assert f"The folder {tmp_path} cannot be written to (Read-only file system). Name another --bundle" in ran.err
    assert not (tmp_path / "new").exists()
    ran = run("score", *options, "--predictions", tmp_path / "out.csv")
    assert f"The folder {tmp_path} cannot be written to (Read-only file system). Name another file" in ran.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(BadRequest, match="cannot be written to"):
        require_writable(tmp_path / "new", "Name another.")


def test_asking_leaves_nothing_behind(tmp_path):
    Bundle(tmp_path / "bundle").require_writable(RUN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", ["beside", "temp"])
def test_what_was_computed_is_kept_and_named(run, glue, bundle, tmp_path, monkeypatch, room):
    key = Key(RUN, "importance", "expected")
    options = ("--task", "MRPC", "--seed", SEED, "--model", RUN.model, "--glue-dir", glue, "--bundle", bundle)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with monkeypatch.context() as patch:
        full_disk(patch, bundle if room == "temp" else bundle / RUN.path)
        ran = run("importance", *options)
    assert ran.status == 2
    assert f"{bundle / key.path} cannot be written (No space left on device). What was computed is kept in" in ran.err
    assert not (bundle / key.path).exists()
    command = re.search(r"`(rm .* && mv .*)`", ran.err)
    assert command, ran.err
    assert str(bundle / ".work" if room == "beside" else tmp_path) in shlex.split(command[1])[5]
    subprocess.run(command[1], shell=True, check=True)  # the advice, to the letter
    kept = Bundle(bundle).read(key)
    shutil.rmtree(bundle / key.path)
    assert run("importance", *options).status == 0
    again = Bundle(bundle).read(key)
    for name in ("heads", "mlps"):
        np.testing.assert_array_equal(kept.arrays[name], again.arrays[name])


def test_a_fine_tuning_is_kept_too(run, glue, model, tmp_path, monkeypatch):
    root = tmp_path / "bundle"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    full_disk(monkeypatch, root)
    options = ("--task", "MRPC", "--seed", SEED, "--model", model, "--glue-dir", glue, "--bundle", root)
    ran = run("finetune", *options, "--epochs", 1)
    assert ran.status == 2
    kept = re.search(r"kept in (\S+)\. When", ran.err)
    assert kept, ran.err
    assert {path.name for path in Path(kept[1]).iterdir()} == {"arrays.npz", "checkpoint.safetensors", "manifest.json"}


def test_where_nothing_can_be_kept_it_says_so(tmp_path, monkeypatch):
    from tests.store.test_bundle import ARRAY, manifest

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    full_disk(monkeypatch, tmp_path)
    with pytest.raises(BadBundle, match="could not be kept elsewhere either"):
        Bundle(tmp_path / "bundle").write(manifest(), arrays=ARRAY)
    assert not list(tmp_path.glob("bert-lottery-*"))


@pytest.mark.parametrize("kind", [OSError(errno.EIO, "Input/output error", "x.npz"), "safetensors"])
def test_what_no_verb_words_is_a_sentence_too(run, bundle, glue, monkeypatch, kind):
    from safetensors import SafetensorError

    error = SafetensorError("header too large") if kind == "safetensors" else kind

    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(importance, "make", fail)
    options = ("--task", "MRPC", "--seed", SEED, "--model", RUN.model, "--glue-dir", glue, "--bundle", bundle)
    ran = run("importance", *options)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert ran.err.startswith("error: ")
    assert ("x.npz cannot be read or written (Input/output error)" in ran.err) == (kind is error)


def test_the_home_folder_in_every_path(run, bundle, glue, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "glue").symlink_to(glue)
    (tmp_path / "mask.txt").write_text(MASK.code)
    common = ("--task", "MRPC", "--seed", SEED, "--model", RUN.model, "--bundle", f"~/{bundle.name}")
    assert run("importance", *common, "--glue-dir", "~/glue").status == 0
    scored = ("score", *common, "--glue-dir", "~/glue", "--mask", "~/mask.txt", "--predictions", "~/out.csv", "--json")
    assert run(*scored).record["mask"] == MASK.code
    assert (tmp_path / "out.csv").is_file()
    assert run("export", *common, "--out", "~/exported").status == 0
    assert run("publish", f"~/{bundle.name}", "~/shipped").status == 0
    for verb in (("validate", "~/shipped"), ("migrate", "~/shipped"), ("report", "--bundle", f"~/{bundle.name}")):
        ran = run(*verb)
        assert ran.status == 0, ran.err
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("form", ["code", "text", "json", "zip", "folder", "heads"])
def test_masks_in_every_form_that_the_lab_takes(run, glue, tiny_folder, tmp_path, form):
    head, mlp = npy_files(MASK).values()
    (tmp_path / "folder").mkdir()
    files = {
        "text": (MASK.code + "\n").encode(),
        "json": json_text(MASK).encode(),
        "zip": zipped(MASK, RUN),
        "heads": head,
        "folder/head_mask.npy": head,
        "folder/mlp_mask.npy": mlp,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    given = MASK.code if form == "code" else tmp_path / form
    wanted = MASK.with_mlp(2, True) if form == "heads" else MASK
    options = ("--task", "MRPC", "--model", tiny_folder, "--glue-dir", glue, "--mask", given, "--json")
    assert run("score", *options).record["mask"] == wanted.code


def test_what_is_published_names_no_bundle_of_this_machine(run, bundle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert " --bundle /" in Bundle(bundle).manifest(Key(RUN, "finetune")).command
    for target, end in (("shipped", " --bundle shipped"), (tmp_path / "elsewhere", "")):
        assert run("publish", bundle, target).status == 0
        stored = Bundle(Path(target)).manifest(Key(RUN, "finetune"))
        assert stored.base is not None
        source = stored.base.source
        assert stored.command == f"python -m precompute finetune --task MRPC --seed 7 --model {source}{end}"
