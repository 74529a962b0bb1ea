"""How often a session looks at what it waits for, and how the browser is told; one worker for all sessions."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from explorer.errors import Busy
from explorer.live.worker import Done, Failed, Running, Waiting
from explorer.ui import cached_models
from explorer.ui.scoring import polling, request

THE_APPS_OWN = cached_models.worker


def test_the_more_come_first_the_less_often_it_looks():
    paces = [polling.pace(ahead) for ahead in range(60)]
    assert paces == sorted(paces)
    assert (paces[0], paces[9], paces[49]) == (0.3, 1.2, 4.8)
    assert set(paces) == set(polling.PACES), "few steps"


def test_a_first_score_is_not_looked_for_late():
    assert request.pace(request.Standing(Waiting(49), ahead=49)) == request.FIRST_WITHIN
    assert request.pace(request.Standing(Running(None), ahead=49)) == 4.8
    assert request.pace(request.Standing(Running(None))) == 0.3
    assert request.pace(request.Standing(Failed(Busy("Too many.")))) == 4.8
    assert request.pace(request.Standing(request.Loading(3.0))) == request.LOADING_EVERY


def test_a_verification_is_looked_for_the_less_often_the_more_scores_are_waited_for(monkeypatch):
    """Looks of many who had their score took the app's processor from those who waited for theirs."""
    shown = SimpleNamespace(wait=lambda _: Done(SimpleNamespace(verified=False)), ahead=0)
    monkeypatch.setattr(request, "_job", lambda *_: shown)
    loaded = Future()
    loaded.set_result(SimpleNamespace())
    for ahead, seconds in ((0, 0.3), (49, 4.8)):
        monkeypatch.setattr(request, "_verification", lambda *_, many=ahead: (Waiting(many), many))
        standing = request.ask(SimpleNamespace(mask=None), loaded, 0.0)
        assert standing.verifying
        assert request.pace(standing) == seconds


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
