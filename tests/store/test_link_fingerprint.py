"""A link's fingerprint: what changes it, what does not, and the sentences where it is another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from explorer.store.bundle import CHECKPOINT
from explorer.store.link_fingerprint import (
    Fingerprint,
    differences,
    fingerprint_of,
    live_difference,
    read_fingerprint,
    short,
)
from explorer.store.provenance import origin_lines
from explorer.store.schema import FileEntry, Key, Run
from tests.bundles import MODEL, small_bundle

RUN = Run(MODEL, "MRPC", 1337)


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    return list(small_bundle(tmp_path_factory.mktemp("bundle"), stages=("structured",)).manifests())


def changed(manifests, key, **changes):
    return [replace(one, **changes) if one.key == key else one for one in manifests]


def test_it_is_short_and_reads_back(manifests):
    found = fingerprint_of(manifests, RUN)
    assert len(found.code) == 20
    assert read_fingerprint(found.code) == found
    live = replace(found, live="abc123")
    assert read_fingerprint(live.code) == live


@pytest.mark.parametrize("code", ["", "x", "abc123", "abc123.abc123", "ABC123.abc123.abc123", "abc123." * 4, "<b>"])
def test_what_is_no_fingerprint_is_none(code):
    assert read_fingerprint(code) is None


def test_another_checkpoint_data_or_study_is_told(manifests):
    here = fingerprint_of(manifests, RUN)
    finetune = Key(RUN, "finetune")
    assert differences(here, here, RUN) == []
    other = fingerprint_of(changed(manifests, finetune, checkpoint_sha256="another"), RUN)
    (sentence,) = differences(other, here, RUN)
    assert sentence == (
        f"This link was made with another checkpoint of MRPC, seed 1337 ({other.checkpoint}) than the one here "
        f"({here.checkpoint}): numbers may differ."
    )
    data = {"dev": {"source": "test", "n": 60, "sha256": "f" * 64}}
    (sentence,) = differences(fingerprint_of(changed(manifests, finetune, data=data), RUN), here, RUN)
    assert "other dev data of MRPC (ffffff)" in sentence
    fewer = [one for one in manifests if one.seed != 42]
    (sentence,) = differences(fingerprint_of(fewer, RUN), here, RUN)
    assert "other results" in sentence


def test_a_checkpoint_that_does_not_ship_changes_nothing(manifests):
    finetune, entry = Key(RUN, "finetune"), FileEntry("0" * 64, 1)
    (own,) = (one for one in manifests if one.key == finetune)
    here = changed(manifests, finetune, files={**own.files, CHECKPOINT: entry})
    withheld = changed(manifests, finetune, withheld={CHECKPOINT: entry})
    assert fingerprint_of(here, RUN) == fingerprint_of(withheld, RUN)
    dated = changed(manifests, finetune, created="2030-01-01", seconds=5.0)
    assert fingerprint_of(dated, RUN) == fingerprint_of(manifests, RUN)


def test_other_live_sentences_are_told():
    link = Fingerprint("abc123", "abc123", "abc123", short("f" * 64))
    assert live_difference(link, "f" * 64, "RTE dev") == ""
    assert live_difference(replace(link, live=""), "e" * 64, "RTE dev") == ""
    assert "other sentences (ffffff) than the lab scores here: RTE dev (eeeeee)" in live_difference(
        link, "e" * 64, "RTE dev"
    )


def test_an_import_has_neither_checkpoint_nor_data(tmp_path):
    found = fingerprint_of([], RUN)
    assert (found.checkpoint, found.data) == ("000000", "000000")


def test_origins_name_link_data_checkpoints_and_command(manifests):
    lines = "\n".join(origin_lines(manifests, RUN, "http://here/lab?x=1", now=datetime(2026, 5, 1, tzinfo=UTC)))
    assert "1 May 2026" in lines
    assert "arXiv:2005.00561" in lines
    assert "This view: http://here/lab?x=1" in lines
    assert "60 examples of MRPC (test), sha256 dev" in lines
    assert "1337 checkpoint o, 42 checkpoint o" in lines
    assert "`python -m precompute finetune --task MRPC --seed 1337 --model tiny-bert`" in lines
    assert "Stored for seed 1337: structured together." in lines
