"""How often a session looks at what it waits for, and how the browser is told; one worker for all sessions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from explorer.errors import Busy
from explorer.live.worker import Failed, Running, Waiting
from explorer.ui import cached_models
from explorer.ui.scoring import polling, request

THE_APPS_OWN = cached_models.worker


def test_the_more_come_first_the_less_often_it_looks():
    paces = [polling.pace(ahead) for ahead in range(60)]
    assert paces == sorted(paces)
    assert (paces[0], paces[9], paces[49]) == (0.3, 1.2, 2.4)
    assert set(paces) == set(polling.PACES), "few steps"


def test_a_first_score_is_not_looked_for_late():
    assert request.pace(request.Standing(Waiting(49), ahead=49)) == request.FIRST_WITHIN
    assert request.pace(request.Standing(Running(None), ahead=49)) == 2.4
    assert request.pace(request.Standing(Running(None))) == 0.3
    assert request.pace(request.Standing(Failed(Busy("Too many.")))) == 2.4
    assert request.pace(request.Standing(request.Loading(3.0))) == request.LOADING_EVERY


def test_the_browser_is_told_of_another_pace(monkeypatch):
    sent = []
    monkeypatch.setattr(polling, "get_script_run_ctx", lambda: SimpleNamespace(enqueue=sent.append))
    monkeypatch.setattr(polling.ThreadState, "get", lambda: SimpleNamespace(fragment_id="the one that runs"))
    polling._look_every(0.6)
    (message,) = sent
    assert message.WhichOneof("type") == "auto_rerun"
    assert message.auto_rerun.fragment_id == "the one that runs"
    assert message.auto_rerun.interval == pytest.approx(0.6)


def test_all_sessions_have_one_worker_and_it_ends_when_its_cache_is_cleared():
    made = THE_APPS_OWN()
    assert THE_APPS_OWN() is made
    THE_APPS_OWN.clear()
    assert made._closed.is_set()
    assert THE_APPS_OWN() is not made
    THE_APPS_OWN().close()
