"""The lab's promises to a person: known scores at once, errors in words, flips with their text, sizes counted."""

from __future__ import annotations

import pytest

from explorer.live.thread_worker import ThreadWorker
from explorer.live.worker import Done
from explorer.mask import Mask
from explorer.ui import cached_models
from tests.ui.cards import card, told
from tests.ui.test_pages import CACHE, MRPC, lab, texts
from tests.waiting import HANG_SECONDS, until

FULL = Mask.full(6, 12)


@pytest.fixture
def worker(monkeypatch, patient):
    """Puts another worker in the place of the shared one."""
    made: list[ThreadWorker] = []

    def use(**options):
        made.append(ThreadWorker(patient._models, cached_models.ledger()[0], **options))
        monkeypatch.setattr(cached_models, "worker", lambda: made[-1])

    yield use
    for each in made:
        each.close()


def opened(mask):
    test = lab(task="MRPC", seed="1337", mask=mask.code)
    assert not test.exception
    return test


def test_a_mask_scored_before_comes_from_the_ledger_and_says_so():
    mask = FULL.with_head(1, 7, False).with_mlp(3, False)  # nobody else's: the ledger is shared
    first, second = opened(mask), opened(mask)
    assert "Scored in" in texts(first)
    assert "from the ledger" in texts(second)
    assert "UTC" in texts(second)
    assert card(first)["value"] == card(second)["value"]


def test_a_score_is_verified_in_fp32_and_corrected_on_screen(unsure):
    test = opened(FULL.with_head(5, 11, False).with_mlp(1, False))
    places = len(list(test.main))
    assert "; being verified in fp32." in texts(test)
    test.run()
    assert "; being verified in fp32." in texts(test)
    unsure.release()
    _, job = test.session_state["lab.verification"]
    (verified, before) = job.wait(HANG_SECONDS).result, test.session_state["lab.job"][1].news.result
    assert (before.verified, verified.verified) == (False, True)
    test.run()
    n = len(verified.evaluation.logits)
    assert f"; verified in fp32, which corrected 1 of {n:,} predictions." in texts(test)
    assert card(test)["value"] == f"{verified.evaluation.score:.3f}"
    assert len(list(test.main)) == places, "nothing jumps"
    again = opened(verified.evaluation.mask)
    assert "from the ledger; verified in fp32, which corrected 1 of" in texts(again)


def test_a_score_that_cannot_be_verified_says_so_and_stays(monkeypatch, unsure):
    from explorer.live.evaluator import Evaluator

    def crash(*_args):
        raise MemoryError("no traceback reaches a person")

    monkeypatch.setattr(Evaluator, "verify", crash)
    test = opened(FULL.with_head(5, 10, False).with_mlp(1, False))
    until(lambda: test.session_state["lab.verification"][1].over)
    test.run()
    assert "it could not be verified in fp32: This could not be computed (MemoryError)." in texts(test)
    assert card(test)["value"]
    assert not test.error


def test_flips_name_labels_margins_and_text():
    test = opened(FULL.with_layer(0, False))
    (cards,) = told(test, "flip_cards")
    test.toggle(key="lab.flips.table").set_value(True).run()
    table = test.dataframe[0].value
    first, row = cards["cards"][0], table.iloc[0]
    assert (first["number"], first["gold"], first["after"]) == (row["example"], row["gold"], row["this mask"])
    assert ["".join(words for words, _ in text) for text in first["texts"]] == [row["sentence 1"], row["sentence 2"]]
    assert list(table.columns[:6]) == ["example", "gold", "full model", "this mask", "margin, full", "margin, now"]
    assert {"sentence 1", "sentence 2"} <= set(table.columns)
    assert (table["full model"] != table["this mask"]).all()
    wrong_now = table["margin, now"] < 0
    assert (wrong_now == (table["gold"] != table["this mask"])).all()
    test.pills(key="lab.flips").set_value("broken").run()
    broken = test.dataframe[0].value
    assert 0 < len(broken) < len(table)
    assert (broken["gold"] == broken["full model"]).all()


def test_nothing_flips_under_the_full_mask():
    assert "No example flipped" in texts(opened(FULL))


def test_size_is_counted_and_speed_measured_on_a_press():
    test = opened(FULL.with_layer(0, False).with_layer(1, False))
    test.segmented_control[-1].set_value("speed").run()
    assert "takes **3.55 M** of 22.71 M parameters" in texts(test)
    test.button(key="lab.measure").click().run()
    assert not test.exception
    (job,) = test.session_state["background.speed"].values()
    assert isinstance(job.wait(HANG_SECONDS), Done)
    test.run()
    assert "The pruned model runs at" in texts(test)


def test_a_crash_is_a_sentence(monkeypatch):
    from explorer.live.evaluator import Evaluator

    def crash(*_args):
        raise MemoryError("no traceback reaches a person")

    with monkeypatch.context() as crashing:
        crashing.setattr(Evaluator, "advance", crash)
        test = opened(FULL.with_head(3, 3, False))
    assert "MemoryError" in test.error[0].value
    assert "no traceback" not in str(test.main)
    test.button(key="lab.again").click().run()
    assert not test.error
    assert "Scored in" in texts(test)


def test_when_too_many_wait_the_page_says_so_and_asks_again(worker):
    worker(sessions=0)
    test = opened(FULL.with_head(2, 2, False))
    assert "other people's scores are being computed" in card(test)["chip"][1]
    assert not test.error


def test_a_ledger_that_is_of_no_use_is_named_once(monkeypatch, tmp_path):
    damaged = tmp_path / "ledger.sqlite"
    damaged.write_bytes(b"not a database" * 100)
    monkeypatch.setenv("EXPLORER_LEDGER", str(damaged))
    test = opened(FULL)
    assert "is damaged" in test.warning[0].value
    assert card(test)["value"]
    test.run()
    assert not test.warning


def test_the_stored_score_is_shown_while_the_model_loads(monkeypatch, tmp_path):
    from concurrent.futures import Future

    from explorer.glue.tasks import TASKS, Example, Examples
    from explorer.study.stored_scores import known_run

    known = known_run(CACHE, MRPC)
    items = tuple(Example(("one", "two"), float(label)) for label in known.labels)
    monkeypatch.setattr(cached_models, "examples", lambda *_: Examples(TASKS["MRPC"], "dev", items, "test", "sha"))
    monkeypatch.setattr(cached_models, "evaluator", lambda *_: Future())
    from explorer.ui.scoring import request

    monkeypatch.setattr(request, "WAIT", 0.0)
    monkeypatch.setenv("GLUE_DIR", str(tmp_path))
    stored = next(found for found in known.by_code.values() if found.origin.startswith("step 3"))
    test = opened(stored.mask)
    assert card(test)["value"] == f"{stored.score:.3f}"
    assert "Stored in this bundle: step 3 of pruning." in texts(test)
    assert "Loading the model" in card(test)["interval"]
