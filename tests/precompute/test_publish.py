"""`precompute publish`: what ships stays until told otherwise, and no bundle is shipped into itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from explorer.store.bundle import ARRAYS, CHECKPOINT, Bundle
from explorer.store.schema import Key, Run
from precompute.bundle import publish
from tests.precompute.conftest import SEED

RUN = Run("minilm-l6", "MRPC", SEED)
NAME = f"MRPC:{SEED}"


def snapshot(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", ["same", "dotted", "link", "inside", "around"])
def test_a_bundle_is_not_published_into_itself(run, bundle, tmp_path, way):
    (tmp_path / "link").symlink_to(bundle)
    target = {
        "same": bundle,
        "dotted": bundle / ".." / bundle.name,
        "link": tmp_path / "link",
        "inside": bundle / "shipped",
        "around": bundle.parent,
    }[way]
    before = snapshot(bundle)
    ran = run("publish", bundle, target)
    assert ran.status == 2
    assert ("are the same folder" in ran.err) == (way in ("same", "dotted", "link"))
    assert "error: " in ran.err
    assert snapshot(bundle) == before
    assert Bundle(bundle).checkpoint(RUN).is_file()


def test_what_ships_stays_until_it_is_withheld(run, bundle, tmp_path):
    target = tmp_path / "shipped"
    assert run("publish", bundle, target, "--checkpoint", NAME).status == 0
    shipped = Bundle(target).checkpoint(RUN).read_bytes()
    assert run("publish", bundle, target, "--json").record["copied"] == []
    assert Bundle(target).checkpoint(RUN).read_bytes() == shipped
    assert run("publish", bundle, target, "--withhold", NAME).status == 0
    assert CHECKPOINT in Bundle(target).manifest(Key(RUN, "finetune")).withheld
    again = tmp_path / "again"
    assert run("publish", target, again).status == 0
    assert CHECKPOINT in Bundle(again).manifest(Key(RUN, "finetune")).withheld, "still told where it is"
    assert run("publish", target, bundle, "--json").record["copied"] == [], "its checkpoint stays, though this has none"
    assert Bundle(bundle).checkpoint(RUN).read_bytes() == shipped
    refused = run("publish", target, again, "--checkpoint", NAME)
    assert refused.status == 2
    assert "is to ship, but" in refused.err
    both = run("publish", bundle, target, "--checkpoint", NAME, "--withhold", NAME)
    assert "is named to ship and to be withheld" in both.err


def test_a_target_that_takes_nothing_or_is_too_small_is_told_first(run, bundle, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("in the way")
    ran = run("publish", bundle, file)
    assert (ran.status, "is a file, not a folder. Name another bundle to ship" in ran.err) == (2, True)

    class Disk:
        free = 10

    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Disk)
    monkeypatch.setattr(publish, "_copy", lambda *_of: pytest.fail("it was begun"))
    ran = run("publish", bundle, tmp_path / "shipped")
    assert (ran.status, "and 0 are free. Make room, or name another" in ran.err) == (2, True)
    ran = run(
        "export", "--task", "MRPC", "--seed", SEED, "--model", RUN.model, "--bundle", bundle, "--out", tmp_path / "out"
    )
    assert (ran.status, "Make room, or name another folder for --out" in ran.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_papers_files_are_not_written_into_their_clone_or_a_file(run, tmp_path):
    clone = tmp_path / "clone"
    (clone / "masks").mkdir(parents=True)
    (tmp_path / "file").write_text("in the way")
    for out, words in (
        (clone, "is part of the clone, which is only read"),
        (clone / "masks" / "new", "is part of the clone, which is only read"),
        (tmp_path / "file", "is a file, not a folder. Name another folder for --out"),
    ):
        ran = run("import-paper", clone, "--out", out)
        assert (ran.status, words in ran.err) == (2, True), ran.err


def test_an_export_that_fails_half_way_leaves_nothing(run, tiny_folder, tmp_path, monkeypatch):
    real = Path.write_text

    def full(self, *of, **options):
        if self.name == "README.md":
            raise OSError(28, "No space left on device")
        return real(self, *of, **options)

    out = ("export", "--task", "MRPC", "--model", tiny_folder, "--out", tmp_path / "place" / "out")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        ran = run(*out)
    assert (ran.status, "cannot be written (No space left on device). Make room" in ran.err) == (2, True)
    assert not (tmp_path / "place").exists()
    assert run(*out).status == 0, "and the same command may be given again"


def test_what_was_altered_is_not_published_as_whole(run, bundle, tmp_path):
    source = Path(shutil.copytree(bundle, tmp_path / "source"))
    manifest = next(one for one in Bundle(source).manifests() if ARRAYS in one.files)
    file = source / manifest.key.path / ARRAYS
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused = run("publish", source, tmp_path / "target")
    assert (refused.status, "was altered" in refused.err) == (2, True)
    (tmp_path / "elsewhere").write_bytes(whole)
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    refused = run("publish", source, tmp_path / "target")
    assert (refused.status, "is a link" in refused.err) == (2, True)
