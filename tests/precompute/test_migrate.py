"""A bundle of schema version 1 is refused with the command that migrates it, and that changes manifests only."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.bert.identity import identity_of
from explorer.store.bundle import Bundle
from explorer.store.link_fingerprint import fingerprint_of
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from tests import tiny
from tests.precompute.conftest import SEED

RUN = Run("minilm-l6", "MRPC", SEED)
PROJECT = Path(__file__).resolve().parents[2]
LINKS = {"CoLA": "04a523.48d3c0", "RTE": "360812.883d95", "MRPC": "d3149f.7004c3"}
"""Checkpoint and data in links to the shipped cache's runs of seed 1337, whatever the schema says of their model."""


def aged(root):
    """Makes a bundle one of version 1."""
    for path in root.rglob("manifest.json"):
        raw = json.loads(path.read_text())
        del raw["base"]
        path.write_text(json.dumps({**raw, "schema_version": 1}, indent=1, sort_keys=True) + "\n")


def contents(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def studied(run, bundle, glue):
    """A bundle with artefacts of a model, of the pre-trained one and of none."""
    options = ("--task", "MRPC", "--model", RUN.model, "--bundle", bundle, "--glue-dir", glue)
    for verb, more in (("importance", ("--seed", SEED)), ("baseline", ())):
        assert run(verb, *options, *more).status == 0
    return bundle


def test_what_was_written_comes_out_again_byte_for_byte(run, studied):
    root = Path(shutil.move(studied, studied.with_name("my bundle")))
    new = contents(root)
    aged(root)
    assert contents(root) != new
    refused = run("report", "--bundle", root, "--model", RUN.model)
    assert refused.status == 2
    assert "has schema version 1; this program reads version 2." in refused.err
    named = re.search(r"`python -m precompute (migrate .*)`", refused.err)
    assert named, refused.err
    assert run(*shlex.split(named[1]), "--json").record == {"migrated": 3}
    assert contents(root) == new
    assert run("migrate", root, "--json").record == {"migrated": 0}
    assert contents(root) == new
    assert [check.problems for check in validate(Bundle(root)) if check.problems] == []


def test_half_a_migration_is_finished(run, studied):
    new = contents(studied)
    path = studied / Key(RUN, "finetune").path / "manifest.json"
    done = path.read_bytes()
    aged(studied)
    path.write_bytes(done)
    assert run("migrate", studied, "--json").record == {"migrated": 2}
    assert contents(studied) == new


def test_other_weights_or_none_are_not_taken_for_those_of_then(run, studied, model, tmp_path):
    aged(studied)
    before = contents(studied)
    away = shutil.move(model, tmp_path / "away")
    try:
        refused = run("migrate", studied)
        assert refused.status == 2
        assert f"began with {str(model)!r}, which is not here" in refused.err
        shutil.copytree(away, model)
        tiny.rewrite(model, lambda state: {name: tensor + 1 for name, tensor in state.items()})
        refused = run("migrate", studied)
        assert refused.status == 2
        assert f"was made with other weights of {model} than are there now" in refused.err
    finally:
        shutil.rmtree(model, ignore_errors=True)
        shutil.move(away, model)
    assert contents(studied) == before, "all or nothing"


def test_the_shipped_cache_is_of_this_version_and_its_links_hold():
    bundle = Bundle(PROJECT / "cache")
    manifests = list(bundle.manifests())
    assert {one.base for one in manifests if one.checkpoint_sha256} == {identity_of("minilm")}
    assert {one.config["model"] for one in manifests if one.stage == "finetune"} == {"minilm"}
    older = [replace(one, base=None) for one in manifests]
    for task, code in LINKS.items():
        of = Run("minilm-l6", task, 1337)
        assert fingerprint_of(manifests, of).code.startswith(code)
        assert fingerprint_of(manifests, of) == fingerprint_of(older, of)
