"""The lab remembers the masks of a session and holds two of them against each other."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from explorer.live import scoring
from explorer.live.worker import Done, Running
from explorer.stats.paired import compare
from explorer.store.schema import Key, Run
from explorer.study.stored_scores import known_run
from explorer.ui.as_text import plain
from explorer.ui.widgets.words import minus
from tests.ui.opened import address
from tests.ui.test_lab import FULL
from tests.ui.test_pages import CACHE, MRPC, lab, texts
from tests.waiting import HANG_SECONDS, until

WITHHELD = Run(MRPC.model, "MRPC", 42)
A, B = FULL.with_layer(0, False), FULL.with_head(4, 4, False)


def traces(test, key):
    exhibit = test.session_state["exhibits.kept"].exhibits[key]
    return {trace.name: trace for trace in exhibit.figure.data}


def press(test, words):
    button = next(button for button in test.button if button.label == words)
    return button.click().run()


def test_every_mask_with_an_exact_score_is_remembered_once_in_its_order():
    test = lab(task="MRPC", seed="1337", mask=A.code, show="history")
    press(test, "Full")
    press(test, "All off")
    press(test, "Full")
    shown = traces(test, "lab.history")
    assert [row[0] for row in shown["visited"].customdata][:2] == [A.code, FULL.code]
    assert len(shown["visited"].customdata) == 3
    assert list(shown["on the grid"].x) == [1.0]
    assert "3 masks so far" in texts(test)


def test_path_and_tickets_are_drawn_where_their_scores_are_of_these_examples():
    test = lab(task="MRPC", seed="42", show="history")  # its checkpoint is not here: stored dev scores only
    shown = traces(test, "lab.history")
    known = known_run(CACHE, WITHHELD)
    assert {"good ticket", "bad ticket", "random ticket", "visited"} <= set(shown)
    good = shown["good ticket"]
    assert good.y[0] == pytest.approx(known.by_code[good.customdata[0][0]].score)
    assert "MRPC dev" in test.session_state["exhibits.kept"].exhibits["lab.history"].title


class Gate:
    """Stands in for the sweep: each mask waits until the test lets it through, and then has the full model's score."""

    def __init__(self):
        self._passes = threading.Semaphore(0)

    def sweep(self, evaluator, masks, ledger):
        answers = []
        for mask in masks:
            assert self._passes.acquire(timeout=HANG_SECONDS)
            answers.append(scoring._kept(evaluator, replace(evaluator.full, mask=mask), ledger))
            yield len(answers)
        return tuple(answers)

    def let_through(self, masks):
        self._passes.release(masks)


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.let_through(1000)  # whatever failed: the worker is everyone's


def progress(test):
    (bar,) = test.get("progress")
    return str(bar.proto.text)


def test_a_sweep_shows_how_far_it_is_until_all_is_drawn_whatever_is_known_meanwhile(monkeypatch, tmp_path, gate):
    monkeypatch.setattr(scoring, "score_many", gate.sweep)
    monkeypatch.setenv("EXPLORER_LEDGER", str(tmp_path / "ledger.sqlite"))  # made-up scores go nowhere else
    test = lab(task="MRPC", seed="1337", show="history")
    (offer,) = (button for button in test.button if button.key == "lab.history.sweep")
    offer.click().run()
    (((_, _, _, *codes), job),) = test.session_state["background.sweep.history"].items()
    assert progress(test) == f"Scored 0 of {len(codes)} masks …"
    for known in (1, 2):  # the ledger fills, and the question stays the same
        gate.let_through(1)
        until(lambda known=known: job.news == Running(known))
        test.run()
        assert progress(test) == f"Scored {known} of {len(codes)} masks …"
    gate.let_through(len(codes))
    assert isinstance(job.wait(HANG_SECONDS), Done)
    test.run()
    assert not any(button.key == "lab.history.sweep" for button in test.button)
    assert not test.get("progress")
    shown = traces(test, "lab.history")
    assert {"good ticket", "bad ticket", "random ticket"} <= set(shown)
    assert len(shown["pruning path"].x) == CACHE.manifest(Key(MRPC, "structured", "together")).summary["steps"]


def test_without_a_pinned_mask_the_page_says_what_to_do():
    test = lab(task="MRPC", seed="42", show="compare")
    assert "Pin a mask as A" in texts(test)
    press(test, "Pin the grid as A")
    assert "A and B are the same mask" in texts(test)
    assert address(test, "a") == FULL.code


def test_two_masks_are_paired_on_the_same_examples():
    known = known_run(CACHE, WITHHELD)
    a, b = (known.by_code[code] for code in list(known.by_code)[1:3])
    test = lab(task="MRPC", seed="42", show="compare", a=a.mask.code, b=b.mask.code)
    expected = compare("accuracy", b.predictions, a.predictions, known.labels)
    assert f"B minus A: **{minus(f'{expected.difference:+.3f}')}**" in texts(test)
    assert f"**{int((np.asarray(a.predictions) != b.predictions).sum())}** of 408 predictions differ" in texts(test)
    press(test, "Swap")
    assert f"B minus A: **{minus(f'{-expected.difference:+.3f}')}**" in texts(test)
    assert (address(test, "a"), address(test, "b")) == (b.mask.code, a.mask.code)
    press(test, "Let B follow the grid")
    assert address(test, "b") is None


def test_a_mask_that_nothing_is_stored_of_is_named():
    odd = FULL.with_head(0, 0, False).with_head(1, 1, False).with_head(2, 2, False)
    assert "stores no score of A" in texts(lab(task="MRPC", seed="42", show="compare", a=odd.code))


def test_a_pinned_mask_that_nobody_has_scored_yet_is_scored():
    test = lab(task="MRPC", seed="1337", show="compare", mask=B.code, a=A.with_head(3, 3, False).code)
    (job,) = test.session_state["background.sweep.compare"].values()
    assert isinstance(job.wait(HANG_SECONDS), Done)
    test.run()
    assert "B minus A" in texts(test)
    assert "right in A only" in texts(test)


def test_a_links_pinned_mask_that_is_none_is_named():
    test = lab(task="MRPC", seed="42", show="compare", a="<b>")
    assert plain("The link's mask A was left out.") in texts(test)
    assert not test.exception


def test_a_link_to_no_such_detail_shows_the_first():
    test = lab(task="MRPC", seed="42", show="<script>")
    assert not test.exception
    assert "lab.history" in test.session_state["exhibits.kept"].exhibits
