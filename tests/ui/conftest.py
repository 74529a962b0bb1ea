"""Pages alone: no GLUE, the bundle that ships, no ledger of anybody's, and a lab that waits for its answers."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import numpy as np
import pytest

from explorer.live.thread_worker import ThreadWorker
from tests.waiting import HANG_SECONDS


@pytest.fixture(scope="session")
def patient():
    """A worker that drops no job because nobody asks after it."""
    from explorer.ui import cached_models

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_LEDGER", ":memory:")
        made = ThreadWorker(ledger=cached_models.ledger()[0], patience=math.inf)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _alone(monkeypatch, patient):
    from explorer.ui import cached_models
    from explorer.ui.scoring import request

    monkeypatch.delenv("GLUE_DIR", raising=False)
    monkeypatch.delenv("EXPLORER_BUNDLE", raising=False)
    monkeypatch.setenv("EXPLORER_LEDGER", ":memory:")
    monkeypatch.setattr(cached_models, "worker", lambda: patient)
    monkeypatch.setattr(request, "WAIT", HANG_SECONDS)  # AppTest runs a page once: nobody polls


@pytest.fixture
def unsure(monkeypatch):
    """Scores are filed as bf16's with their clearest prediction wrong; verifying waits for the semaphore."""
    from explorer.live import scoring
    from explorer.live.evaluation import Evaluation
    from explorer.live.evaluator import Evaluator
    from explorer.live.low_margin import logit_margin

    may, news_of, verify, key_of = threading.Semaphore(0), Evaluator.news_of, Evaluator.verify, scoring.ledger_key

    def misled(self, so_far):
        news = news_of(self, so_far)
        if not isinstance(news, Evaluation):
            return news
        wrong = np.arange(len(news.logits)) == logit_margin(news.logits).argmax()
        return replace(news, logits=np.where(wrong[:, None], news.logits[:, ::-1], news.logits), exact=~wrong)

    def gated(self, evaluation):
        assert may.acquire(timeout=HANG_SECONDS)
        yield from verify(self, evaluation)

    monkeypatch.setattr(Evaluator, "news_of", misled)
    monkeypatch.setattr(Evaluator, "verify", gated)
    monkeypatch.setattr(scoring, "ledger_key", lambda *of: replace(key_of(*of), precision="bf16, made up"))
    yield may
    may.release(1000)
