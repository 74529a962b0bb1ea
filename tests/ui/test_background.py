"""Work that ends at the worst moment: between two looks at it within one run of a page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer.live.worker import Done, Job, Running, Waiting
from explorer.ui import cached_models
from explorer.ui.scoring import polling
from tests.waiting import HANG_SECONDS


class EndsUnseen(Job):
    """A job that ends right after somebody looked at it for the nth time."""

    def __init__(self, after, last):
        super().__init__("somebody", False, lambda: 0.0, lambda job: 0)
        self.left, self.last = after, last

    @property
    def news(self):
        seen = super().news if self.over else self.last
        self.left -= 1
        if self.left == 0:
            self.become(Done("the result"))
        return seen


class Worker:
    """Gives the job that the test made, whatever is asked."""

    def __init__(self, job):
        self.job, self.asked = job, 0

    def submit(self, session, request, *, spare=False):
        self.asked += 1
        return self.job


def page_that_follows():
    import streamlit as st

    from explorer.live.worker import Done
    from explorer.ui.scoring.background import Background

    work = Background("test", "this very work")
    if work.to_start:
        work.start("a request")
    work.follow(lambda news: st.text(news.result if isinstance(news, Done) else "under way"), every=0.1)


def page_that_sweeps():
    import streamlit as st

    from explorer.live.worker import Done
    from explorer.ui.scoring.background import Background
    from explorer.ui.scoring.sweep import Sweep

    class OfThree(Sweep):
        @property
        def _background(self):
            return Background("sweep.test", "these three")

        def known(self):
            news = self._background.news
            return [news.result] * 3 if isinstance(news, Done) else [None] * 3

    sweep = OfThree("test", None, ("a", "b", "c"))
    known = sweep.known()
    if None in known:
        if sweep._background.to_start:
            sweep._background.start("a request")
        sweep.follow()
    else:
        st.text(f"{len(known)} are known")


@pytest.fixture
def open_page(monkeypatch):
    """Opens a page on a job; gives what it says, whether it looks at the job again, and how often it asked for it."""

    def opened(script, job):
        watched, worker = [], Worker(job)
        monkeypatch.setattr(cached_models, "worker", lambda: worker)
        monkeypatch.setattr(polling, "follow", lambda first, look, over, draw, *, every: watched.append(draw(first)))
        test = AppTest.from_function(script, default_timeout=HANG_SECONDS).run()
        assert not test.exception
        return [text.value for text in test.text], bool(watched), worker.asked

    return opened


@pytest.mark.parametrize("last", [Waiting(0), Running(1)])
@pytest.mark.parametrize("after", range(1, 5))
def test_what_is_drawn_as_under_way_is_looked_at_again(open_page, after, last):
    """A page that shows work under way and looks no more would show it for ever."""
    said, watched, _ = open_page(page_that_follows, EndsUnseen(after, last))
    assert said == (["under way"] if watched else ["the result"])


@pytest.mark.parametrize("after", range(1, 6))
def test_a_sweep_that_ends_unseen_is_shown_or_looked_at_again(open_page, after):
    said, watched, asked = open_page(page_that_sweeps, EndsUnseen(after, Waiting(0)))
    assert watched or said == ["3 are known"]
    assert asked == 1
