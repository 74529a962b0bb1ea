"""A look at one sentence is what the engine gives on that sentence, whoever asks, and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.live.microscope import Look, LookClosely
from explorer.live.thread_worker import ThreadWorker
from explorer.live.worker import Done, Failed
from explorer.mask import Mask
from explorer.store.ledger import IN_MEMORY, Ledger
from tests import tiny
from tests.waiting import HANG_SECONDS

MASK = Mask.full(tiny.N_LAYERS, tiny.N_HEADS).with_head(1, 2, False)


@pytest.fixture(scope="module")
def evaluator(classifier):
    return Evaluator(classifier, tiny.make_examples(TASKS["MRPC"], 12), tokens=100)


def asked(evaluator, **options):
    worker = ThreadWorker(ledger=Ledger(IN_MEMORY))
    try:
        return worker.submit("anna", LookClosely(evaluator, MASK, **options)).wait(HANG_SECONDS)
    finally:
        worker.close()


def test_an_example_and_the_same_text_typed_give_what_scoring_gives(evaluator):
    news = asked(evaluator, example=7)
    assert isinstance(news, Done)
    of, turn = news.result.closeup, news.result.turn
    masks = (MASK.with_head(2, 1, False), MASK.with_head(1, 2, True))
    off, on = (evaluator.verified(scored).logits[7] for scored in evaluator.evaluate_many(masks))
    for logits, margin in ((off, of.heads[2, 1]), (on, of.heads[1, 2])):
        assert logits[of.answer] - logits[1 - of.answer] == pytest.approx(margin, abs=tiny.FP32)
    if turn.turned:
        assert evaluator.evaluate(turn.mask).logits[7].argmax() == 1 - of.answer
    typed = asked(evaluator, texts=evaluator.examples.items[7].texts)
    np.testing.assert_allclose(typed.result.closeup.heads, of.heads, atol=tiny.FP32)
    assert isinstance(typed.result, Look)


def test_what_cannot_be_looked_at_is_a_sentence(evaluator):
    assert isinstance(asked(evaluator, texts=("", "")), Failed)
    assert "There is no example 13" in str(asked(evaluator, example=12).error)


def test_a_typed_text_is_in_no_name_of_the_request(evaluator):
    assert "secret" not in repr(LookClosely(evaluator, MASK, texts=("secret", "words")))
