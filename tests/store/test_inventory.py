"""An inventory answers as a walk through all manifests does."""

from __future__ import annotations

import os
from pathlib import Path

from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory, stamp_of
from explorer.store.schema import Key, Run

CACHE = Bundle(Path(__file__).resolve().parents[2] / "cache")


def test_it_finds_what_a_walk_finds():
    manifests = list(CACHE.manifests())
    found = Inventory(manifests)
    assert list(found) == manifests
    assert found[0] is manifests[0]
    assert len(found) == len(manifests) == len(found.by_key)
    for run in {manifest.key.run for manifest in manifests}:
        assert found.of_run(run) == tuple(manifest for manifest in manifests if manifest.key.run == run)
    assert all(found.by_key[manifest.key] is manifest for manifest in manifests)


def test_of_an_unknown_run_there_is_nothing():
    nobody = Run("nobody", "MRPC", 1)
    assert Inventory().of_run(nobody) == ()
    assert Key(nobody, "finetune") not in Inventory(CACHE.manifests()).by_key


def test_the_stamp_changes_with_a_manifest(tmp_path):
    first = tmp_path / "model" / "MRPC" / "seed_1" / "finetune" / "manifest.json"
    first.parent.mkdir(parents=True)
    stamps = [stamp_of(tmp_path)]
    first.write_text("{}")
    stamps.append(stamp_of(tmp_path))
    second = first.parents[1] / "ablations" / "manifest.json"
    second.parent.mkdir()
    second.write_text("{}")
    stamps.append(stamp_of(tmp_path))
    second.unlink()
    stamps.append(stamp_of(tmp_path))
    assert len(set(stamps[:3])) == 3
    assert stamps[3] == stamps[1]


def test_another_artefact_in_the_place_of_one_changes_the_stamp_though_it_is_older(tmp_path):
    def put(stage, when, text="{}"):
        path = tmp_path / "model" / "MRPC" / "seed_1" / stage / "manifest.json"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        os.utime(path, (when, when))
        return path

    put("finetune", 3000)
    gone = put("bank", 2000)
    before = stamp_of(tmp_path)
    gone.unlink()
    older = put("league", 1000)
    assert stamp_of(tmp_path) != before
    older.unlink()
    older.parent.rmdir()
    gone.parent.rmdir()
    put("bank", 2000)
    assert stamp_of(tmp_path) == before, "nothing but what is there counts"


def test_an_own_task_that_is_defined_anew_changes_the_stamp(tmp_path):
    definition = tmp_path / "tasks" / "mine.json"
    definition.parent.mkdir()
    stamps = [stamp_of(tmp_path)]
    for text in ("{}", "{ }"):
        definition.write_text(text)
        stamps.append(stamp_of(tmp_path))
    definition.unlink()
    assert len(set(stamps)) == 3
    assert stamp_of(tmp_path) == stamps[0]


def test_a_bundle_that_is_not_there_has_a_stamp(tmp_path):
    assert stamp_of(tmp_path / "nothing") == stamp_of(tmp_path)
