"""A model whose heads were cut out before it was opened: its full model is what it has, on every card."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.glue.tasks import TASKS
from explorer.mask import Mask, without_heads
from explorer.notebook.opened_run import OpenRun
from explorer.stats.against_full import compared
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.study.stored_scores import KnownRun, KnownScore
from explorer.ui import cached
from explorer.ui.scoring import card_words
from explorer.ui.widgets.head_card import facts
from explorer.ui.widgets.part import Part
from tests.bundles import MODEL, H, L, small_bundle

RUN = Run(MODEL, "MRPC", 1337)
FULL = without_heads(2, 3, [(0, 1)])
LABELS = np.arange(40) % 2.0


def known():
    whole = KnownScore(FULL, 1.0, LABELS, "the full model")
    without = FULL.with_head(1, 2, False)
    less = KnownScore(without, 0.5, np.ones(40), "ablation of head 1 2")
    return KnownRun(RUN, TASKS["MRPC"], LABELS, whole, {FULL.code: whole, without.code: less}, (2, 3))


def test_the_head_card_finds_the_stored_ablation(monkeypatch):
    of = known()
    monkeypatch.setattr(cached, "known", lambda view, run: of)
    told = lambda view, run, code: compared(of.task, of.by_code[code].predictions, of.full.predictions, LABELS)  # noqa: E731
    monkeypatch.setattr(cached, "stored_comparison", told)
    view = SimpleNamespace(run=RUN, task=lambda _: of.task)
    assert facts._cost(view, Part(1, 2)).startswith("accuracy 0.500 (−0.500")
    assert facts._cost(view, Part(0, 0)) == facts.NOT_HERE


def test_the_full_model_is_not_held_against_its_own_line():
    of = known()
    assert "90% line" not in card_words.stored_of(of, FULL, 0.9).about
    assert "below its 90% line" in card_words.stored_of(of, FULL.with_head(1, 2, False), 0.9).about


@pytest.fixture
def cut(tmp_path):
    import json

    bundle = small_bundle(tmp_path, stages=("structured", "subnetworks"))
    path = bundle.root / Key(RUN, "finetune").path / "manifest.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"config": told["config"] | {"gone": [[0, 1]]}}))
    return Bundle(tmp_path)


def test_a_notebook_begins_with_what_the_model_has(cut):
    run = OpenRun(cut, RUN)
    assert run.full == without_heads(L, H, [(0, 1)])
    assert run.masks["full"] == run.full
    assert run.stored_score(run.full).comparison.same
    assert run.full != Mask.full(L, H)
