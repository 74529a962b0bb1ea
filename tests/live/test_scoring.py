"""From mask to answer on a tiny model: the worker's number is the evaluator's, and the ledger gives it back.

Long because every way to an answer is tried beside the others.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from explorer.bert.engine import Instead
from explorer.errors import BadLedger, BadMask
from explorer.glue.tasks import TASKS
from explorer.live import scoring
from explorer.live.evaluator import Evaluator
from explorer.live.low_margin import logit_margin
from explorer.live.scoring import ledger_key, score
from explorer.live.scoring_process import _Processors
from explorer.live.thread_worker import ThreadWorker
from explorer.live.worker import Done, Failed, Milestone, Running
from explorer.mask import Mask
from explorer.store.ledger import IN_MEMORY, Ledger
from tests import tiny
from tests.live.test_evaluator import Misled
from tests.waiting import HANG_SECONDS

MASK = Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_head(1, 2, False)


@pytest.fixture(scope="module")
def evaluator(classifier):
    return Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 40), tokens=100)


@pytest.fixture
def worker(ledger):
    made = ThreadWorker(ledger=ledger)
    yield made
    made.close()


@pytest.fixture
def ledger():
    made = Ledger(IN_MEMORY)
    yield made
    made.close()


def answer(worker, evaluator, mask, ledger):
    news = score(worker, "anna", evaluator, mask, ledger).wait(HANG_SECONDS)
    assert isinstance(news, Done)
    return news.result


def test_first_computed_then_remembered(worker, evaluator, ledger):
    first = answer(worker, evaluator, MASK, ledger)
    assert first.entry is None
    assert first.trouble == ""
    np.testing.assert_array_equal(first.evaluation.logits, evaluator.evaluate(MASK).logits)
    job = score(worker, "bela", evaluator, MASK, ledger)
    assert job.over  # at once, with no turn taken
    second = job.news.result
    assert second.entry is not None
    assert "torch" in second.entry.provenance
    assert second.evaluation.mask == MASK
    assert second.evaluation.score == first.evaluation.score == second.comparison.score.value
    assert repr(second.comparison) == repr(first.comparison)
    np.testing.assert_array_equal(second.evaluation.logits, first.evaluation.logits)


def test_scores_that_are_computed_at_once_are_those_that_are_computed_alone(evaluator, ledger):
    full = evaluator.full_mask
    masks = [full.with_head(layer, head, False) for layer in range(tiny.N_LAYERS) for head in range(tiny.N_HEADS)]
    worker = ThreadWorker(ledger=ledger, threads=3, shares=_Processors().share)
    try:
        jobs = [score(worker, f"session {at}", evaluator, mask, ledger) for at, mask in enumerate(masks)]
        answers = [job.wait(HANG_SECONDS).result for job in jobs]
    finally:
        worker.close()
    assert len(worker._threads) == 3
    for mask, found in zip(masks, answers, strict=True):
        alone = evaluator.verified(evaluator.evaluate(mask))
        together = evaluator.verified(found.evaluation)
        assert found.evaluation.mask == mask
        np.testing.assert_allclose(together.logits, alone.logits, atol=tiny.FP32)
        np.testing.assert_array_equal(together.logits.argmax(1), alone.logits.argmax(1))


def test_a_score_with_means_is_never_found_as_one_with_nothing_nor_the_reverse(worker, evaluator, ledger):
    sample, other = (tiny.make_examples(TASKS["MRPC"], 20, seed, "train") for seed in (1, 2))
    means = evaluator.with_means_of(sample)
    with_nothing = answer(worker, evaluator, MASK, ledger)
    assert scoring.recalled(means, MASK, ledger) is None
    with_means = answer(worker, means, MASK, ledger)
    assert with_means.entry is None
    np.testing.assert_array_equal(with_means.evaluation.logits, means.evaluate(MASK).logits)
    assert np.abs(with_means.evaluation.logits - with_nothing.evaluation.logits).max() > 1e-3
    for model, expected in ((evaluator, with_nothing), (means, with_means)):
        found = scoring.recalled(model, MASK, ledger)
        np.testing.assert_array_equal(found.evaluation.logits, expected.evaluation.logits)
    assert scoring.recalled(evaluator.with_means_of(other), MASK, ledger) is None, "means over other examples"


def test_zeros_in_the_place_of_what_is_off_score_as_nothing_does(evaluator):
    shape, width = (tiny.N_LAYERS, tiny.N_HEADS), tiny.HIDDEN // tiny.N_HEADS
    zeros = Instead(torch.zeros(*shape, width), torch.zeros(tiny.N_LAYERS, tiny.HIDDEN))
    scored, paper = evaluator.with_instead(zeros, "zeros").evaluate(MASK), evaluator.evaluate(MASK)
    np.testing.assert_allclose(scored.logits, paper.logits, atol=tiny.FP32, rtol=0)
    assert scored.score == paper.score


def test_the_full_model_is_always_known(worker, evaluator, ledger):
    job = score(worker, "anna", evaluator, evaluator.full_mask, ledger)
    assert job.over
    answered = job.news.result
    assert answered.evaluation is evaluator.full
    assert answered.comparison.same
    assert ledger_key(evaluator, evaluator.full_mask).precision == "fp32"
    assert scoring.recalled(evaluator, evaluator.full_mask, ledger) is not None


def test_intervals_of_other_statistics_are_made_again(worker, evaluator, ledger, monkeypatch):
    first = answer(worker, evaluator, MASK, ledger)
    monkeypatch.setattr("explorer.stats.against_full.statistics_version", lambda: "newer")
    made = []
    real = scoring.compared
    monkeypatch.setattr(scoring, "compared", lambda *of: made.append(of) or real(*of))
    second = scoring.recalled(evaluator, MASK, ledger)
    assert second is not None
    assert len(made) == 1
    assert repr(second.comparison) == repr(first.comparison)


@pytest.mark.parametrize("field", ["checkpoint_sha256", "data_sha256", "precision", "engine_version", "mask"])
def test_what_was_computed_otherwise_is_not_served(worker, evaluator, ledger, field):
    answer(worker, evaluator, MASK, ledger)
    entry = ledger.get(ledger_key(evaluator, MASK))
    assert entry is not None
    other = Ledger(IN_MEMORY)
    other.put(replace(ledger_key(evaluator, MASK), **{field: "another"}), entry)
    assert scoring.recalled(evaluator, MASK, other) is None
    other.close()


def test_an_entry_for_another_number_of_examples_is_not_served(evaluator, ledger):
    other = scoring.LedgerEntry(np.zeros((3, 2), np.float32), 0.5, 1.0, scoring.datetime.now(scoring.UTC), "")
    ledger.put(ledger_key(evaluator, MASK), other)
    assert scoring.recalled(evaluator, MASK, ledger) is None


def test_a_session_that_is_slower_takes_the_others_answer(worker, evaluator, ledger):
    slow = scoring.MaskWork(evaluator, MASK, ledger)
    (news,) = slow.turn(())
    assert isinstance(news, Running)
    assert answer(worker, evaluator, MASK, ledger).entry is None
    (news,) = slow.turn(())
    assert isinstance(news, Done)
    assert news.result.entry is not None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_masks_scored_together_are_scored_as_if_alone(classifier, ledger, dtype):
    made = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 40), tokens=100, dtype=dtype)
    masks = [MASK.with_layer(0, False).with_head(tiny.N_LAYERS - 1, head, False) for head in range(3)]
    works = [scoring.MaskWork(made, mask, ledger) for mask in masks]
    assert works[0].joins(works[1])
    first, *others = works
    answers = []
    while not answers:
        news = first.turn(others)
        answers = [of.result for of in news if isinstance(of, Done)]
    alone = [made.evaluate(mask) for mask in masks]
    assert [of.evaluation.mask for of in answers] == masks
    for found, one in zip(answers, alone, strict=True):
        np.testing.assert_allclose(found.evaluation.logits, one.logits, atol=tiny.FP32, rtol=0)
        np.testing.assert_array_equal(made.predictions(found.evaluation), made.predictions(one))
        assert found.evaluation.score == one.score


def test_masks_go_together_only_where_most_of_the_work_is_the_same():
    full = Mask.full(6, 4)
    one = full.with_head(0, 0, False)
    assert scoring.shares_most(one, one.with_head(4, 0, False)), "4 of 6 layers"
    assert not scoring.shares_most(one, one.with_head(3, 0, False)), "3 of 6: not more than half"
    assert not scoring.shares_most(one, full.with_head(5, 0, False)), "what the other needs is layer 6 alone"
    late = full.with_mlp(4, False)
    assert not scoring.shares_most(late, late.with_head(5, 1, False)), "1 of 2"
    assert scoring.shares_most(one, one)


def test_what_is_wrong_with_one_mask_is_told_to_nobody_else(evaluator, ledger, monkeypatch):
    bad = MASK.with_layer(0, False)
    good = bad.with_head(tiny.N_LAYERS - 1, 0, False)
    advance = Evaluator.advance

    def crash(self, passes):
        if any(of.mask == bad for of in passes):
            raise MemoryError
        advance(self, passes)

    monkeypatch.setattr(Evaluator, "advance", crash)
    first, second = (scoring.MaskWork(evaluator, mask, ledger) for mask in (bad, good))
    assert [type(news) for news in first.turn([second])] == [Failed, Running]


def test_a_ledger_that_cannot_be_used_costs_no_answer(evaluator):
    def refuse(*_args):
        raise BadLedger("The ledger is damaged.")

    broken = SimpleNamespace(get=refuse, put=refuse)
    worker = ThreadWorker(ledger=broken)
    got = answer(worker, evaluator, MASK, broken)
    worker.close()
    assert got.trouble == "The ledger is damaged."
    assert got.evaluation.score == evaluator.evaluate(MASK).score


def test_a_mask_for_another_model_is_refused(worker, evaluator, ledger):
    with pytest.raises(BadMask):
        score(worker, "anna", evaluator, Mask.full(12, 12), ledger)


@pytest.fixture
def misled(classifier):
    """bf16 that takes the clearest example for the other class."""
    made = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 60), tokens=100, dtype=torch.bfloat16)
    exact = Evaluator(classifier, made.examples, tokens=100, dtype=torch.float32).evaluate(MASK)
    made.scorer.fast = Misled(made.engine, int(logit_margin(exact.logits).argmax()))
    return made


def test_a_score_is_corrected_in_the_ledger_once_it_is_verified(worker, misled, ledger):
    first = answer(worker, misled, MASK, ledger)
    before = ledger.get(ledger_key(misled, MASK))
    assert before is not None
    assert (first.verified, before.verified, before.corrected) == (False, False, 0)
    earlier = replace(before, created=before.created - timedelta(days=1))
    ledger.put(ledger_key(misled, MASK), earlier)
    news = scoring.verify(worker, "anna", misled, first).wait(HANG_SECONDS)
    assert isinstance(news, Done)
    after = ledger.get(ledger_key(misled, MASK))
    assert after is not None
    assert (after.verified, after.corrected) == (True, 1)
    assert (after.created, after.seconds, after.provenance) == (earlier.created, earlier.seconds, earlier.provenance)
    assert after.score != before.score
    again = answer(worker, misled, MASK, ledger)
    for verified in (news.result, again):
        assert verified.verified
        assert verified.evaluation.corrected == 1
        assert verified.evaluation.score == verified.comparison.score.value == after.score
        np.testing.assert_allclose(
            verified.evaluation.logits, misled.verified(misled.evaluate(MASK)).logits, atol=tiny.FP32
        )
    assert scoring.verify(worker, "anna", misled, again).wait(HANG_SECONDS) == Done(again)


def test_what_the_ledger_had_unverified_is_verified_later_with_its_date(worker, misled, ledger):
    answer(worker, misled, MASK, ledger)
    known = answer(worker, misled, MASK, ledger)
    assert known.entry is not None
    assert not known.verified
    news = scoring.verify(worker, "anna", misled, known).wait(HANG_SECONDS)
    assert isinstance(news, Done)
    assert (news.result.verified, news.result.entry) == (True, known.entry)
    assert news.result.evaluation.corrected == 1


def test_a_verification_that_is_slower_takes_the_others_answer(worker, misled, ledger):
    first = answer(worker, misled, MASK, ledger)
    slow = scoring.verifying(misled, first, ledger)
    next(slow)
    assert isinstance(scoring.verify(worker, "anna", misled, first).wait(HANG_SECONDS), Done)
    with pytest.raises(StopIteration) as end:
        next(slow)
    assert end.value.value.verified
    assert end.value.value.entry.verified


def test_fp32_needs_no_verification_and_an_old_ledger_s_fp32_none_either(worker, classifier, ledger):
    plain = Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 40), tokens=100, dtype=torch.float32)
    assert answer(worker, plain, MASK, ledger).verified
    entry = ledger.get(ledger_key(plain, MASK))
    assert entry is not None
    assert entry.verified
    old = Ledger(IN_MEMORY)
    old.put(ledger_key(plain, MASK), replace(entry, verified=False))
    assert answer(worker, plain, MASK, old).verified
    old.close()


def test_a_sweep_answers_each_mask_as_if_it_were_asked_alone(worker, evaluator, ledger):
    masks = (MASK, evaluator.full_mask, MASK.with_mlp(0, False))
    job = worker.submit("anna.sweep", scoring.ScoreMany(evaluator, masks))
    news = job.wait(HANG_SECONDS)
    assert isinstance(news, Done)
    for mask, found in zip(masks, news.result, strict=True):
        assert found.evaluation.mask == mask
        alone = evaluator.full if mask == evaluator.full_mask else evaluator.evaluate(mask)
        np.testing.assert_array_equal(found.evaluation.logits, alone.logits)
        assert scoring.known_answer(evaluator, mask, ledger) is not None  # written down


def test_a_sweep_tells_how_many_are_known_and_keeps_them_when_dropped(evaluator, ledger):
    second = MASK.with_mlp(0, False)
    work = scoring.score_many(evaluator, (MASK, second), ledger)
    told = next(work)
    while told != Milestone(1):
        told = next(work)
    work.close()
    assert scoring.recalled(evaluator, MASK, ledger) is not None
    assert scoring.recalled(evaluator, second, ledger) is None


def test_a_sweep_over_a_mask_of_another_model_begins_with_none(evaluator, ledger):
    with pytest.raises(BadMask):
        next(scoring.score_many(evaluator, (MASK, Mask.full(1, 1)), ledger))
    assert scoring.recalled(evaluator, MASK, ledger) is None
