"""The game's chance says no range of scores before there is one."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.waiting import HANG_SECONDS


def page(scores, total):
    from explorer.live.random_opponent import RandomOpponent
    from explorer.live.worker import Running
    from explorer.ui.pages.game.opponents import _chance_words

    _chance_words(Running(RandomOpponent(12, total, scores, 0.7)), 12)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ((), "Drawing …"),
        ((0.75,), "1 of 1** held so far, 4 to come"),
        ((0.75, 0.6), "1 of 2** held so far, 3 to come. Scores from 0.600 to 0.750, line 0.700."),
    ],
)
def test_it_says_what_there_is(scores, said):
    test = AppTest.from_function(page, args=(scores, 5), default_timeout=HANG_SECONDS).run()
    assert not test.exception
    assert said in test.markdown[0].value
