"""Twice as many runs cost about twice as many reads of a file, not four times: a bundle may hold a thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory
from explorer.store.schema import Key
from explorer.store.task_tickets import shape_of, tickets_by_task
from explorer.study.conditions import study_scores
from explorer.study.report import report_rows
from precompute.bench.runs import copied

CACHE = Bundle(Path(__file__).resolve().parents[2] / "cache")
MODEL = "minilm-l6"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    return [copied(CACHE, MODEL, runs, tmp_path_factory.mktemp("runs") / str(runs)) for runs in (70, 140)]


def counted(monkeypatch, of, name):
    calls, original = [], getattr(of, name)

    def counting(*arguments, **named):
        calls.append(arguments)
        return original(*arguments, **named)

    monkeypatch.setattr(of, name, counting)
    return calls


def test_a_report_reads_in_proportion_to_the_runs(bundles, monkeypatch):
    reads = counted(monkeypatch, Bundle, "manifest_at")
    many = []
    for bundle in bundles:
        reads.clear()
        report_rows(bundle, "RTE", MODEL, study_scores(bundle, MODEL, "RTE"))
        many.append(len(reads))
    assert many[1] < 2.5 * many[0]


def test_tickets_look_at_each_manifest_a_few_times_at_most(bundles):
    for bundle in bundles:
        manifests = Inventory(bundle.manifests())
        keys = 0

        class Counting(Inventory):
            def __iter__(self):
                nonlocal keys
                for manifest in super().__iter__():
                    keys += 1
                    yield manifest

        shared = Counting(manifests)
        tickets = tickets_by_task(shared, MODEL)
        assert sum(map(len, tickets.values())) == len({one.key.run for one in manifests if one.stage == "structured"})
        for run in {one.key.run for one in manifests}:
            if Key(run, "finetune") in shared.by_key:
                assert shape_of(shared, run) == (6, 12)
        assert keys <= 3 * len(manifests)
