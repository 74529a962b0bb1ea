"""Pages alone: no GLUE, the bundle that ships, no ledger of anybody's, and a lab that waits for its answers."""

from __future__ import annotations

import math

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
