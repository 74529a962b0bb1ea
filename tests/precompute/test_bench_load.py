"""The viewers of `bench load` understand the lab as it is: what they time is what the card shows."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Run
from precompute.bench import load, viewer
from precompute.bench.load import bench_load, figures_of
from tests.waiting import HANG_SECONDS

CACHE = Path(__file__).resolve().parents[2] / "cache"


def apart(do, of):
    """Does something in a thread of its own: in this one a browser's event loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(do, of).result()


def test_two_viewers_see_scores_of_their_masks(monkeypatch):
    monkeypatch.setenv("GLUE_DIR", "")
    for module, name in ((load, "_START_SECONDS"), (load, "SERVED_WITHIN"), (viewer, "_OPEN_SECONDS")):
        monkeypatch.setattr(module, name, HANG_SECONDS)
    run = Run("minilm-l6", "SST-2", 1337)
    (seen,) = apart(list, bench_load(Bundle(CACHE), run, None, (2,), seconds=0.5, think=0.1, port=0))
    assert len(seen.asked) >= 2
    assert all(
        asked.first is not None and asked.exact is not None and asked.first <= asked.exact for asked in seen.asked
    )
    assert not seen.exceptions
    assert all(figure.measured for figure in figures_of(seen))


def card(code, *, progress, dot=None, kind="above"):
    return {"code": code, "progress": progress, "dot": dot, "chip": [kind, ""]}


def test_a_viewer_times_only_the_card_of_its_own_mask(monkeypatch):
    one = viewer.Viewer("127.0.0.1:1", "", (2, 2))
    one.mask, one._asked, one._seen = Mask.full(2, 2), viewer.Asked(known=False), True
    one._read(card("other", progress=None))
    one._read(card(one.mask.code, progress=0.0, kind="wait"))
    assert one._asked == viewer.Asked(known=False)
    one._read(card(one.mask.code, progress=0.3, dot={"at": 0.5}, kind="wait"))
    assert one._asked.first is not None
    assert one._asked.exact is None
    one._read(card(one.mask.code, progress=None))
    assert one._asked.exact is not None


def test_a_lab_that_a_viewer_does_not_understand_is_said_and_not_waited_for(monkeypatch):
    class Mute:
        async def send(self, message): ...

        def __aiter__(self):
            return self

        async def __anext__(self):
            await asyncio.Event().wait()

    async def connect(*_, **__):
        return Mute()

    monkeypatch.setattr(viewer, "connect", connect)
    monkeypatch.setattr(viewer, "_OPEN_SECONDS", 0.0)
    with pytest.raises(BadRequest, match="its grid did not come"):
        apart(asyncio.run, viewer.Viewer("127.0.0.1:1", "", (2, 2)).open())
