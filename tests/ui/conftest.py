"""Pages alone: no GLUE, the bundle that ships, no ledger of anybody's, and a lab that waits for its answers."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.ui.scoring import request

    monkeypatch.delenv("GLUE_DIR", raising=False)
    monkeypatch.delenv("EXPLORER_BUNDLE", raising=False)
    monkeypatch.setenv("EXPLORER_LEDGER", ":memory:")
    monkeypatch.setattr(request, "WAIT", 120.0)  # AppTest runs a page once: nobody polls
