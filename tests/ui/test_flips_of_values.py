"""Of a regression nothing flips: the cards show how far each value moved, and whether nearer to gold."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.cards import told
from tests.waiting import HANG_SECONDS


def _script():
    import numpy as np
    import streamlit as st

    from explorer.glue.tasks import TASKS, Example, Examples
    from explorer.ui.pages.lab import flips

    pairs = (("a small dog", "a big dog"), ("it rains", "it snows"), ("one", "two"), ("same", "same"))
    items = tuple(Example(texts, gold) for texts, gold in zip(pairs, (4.0, 1.0, 3.0, 5.0), strict=True))
    before, after = np.array([[3.5], [1.5], [3.0], [5.0]]), np.array([[2.0], [1.25], [3.0], [5.5]])
    examples = Examples(TASKS["STS-B"], "dev", items, "test", "sha")
    flips.show(examples, before if st.session_state.get("same") else after, before, code="x")
    flips.one(examples, 1, after, before, "x")


def opened(**session):
    test = AppTest.from_function(_script, default_timeout=HANG_SECONDS)
    for name, value in session.items():
        test.session_state[name] = value
    test.run()
    assert not test.exception
    return test


def test_the_farthest_moved_comes_first_and_says_whether_it_is_nearer():
    cards, one = told(opened(), "flip_cards")
    assert [card["number"] for card in cards["cards"]] == [1, 4, 2]
    assert [card["right"] for card in cards["cards"]] == [False, False, True]
    first = cards["cards"][0]
    assert (first["gold"], first["before"], first["after"]) == ("4.00", "3.50", "2.00")
    assert first["margins"] == [-0.5, -2.0]
    assert first["was_right"] is None
    assert [words for words, mark in first["texts"][0] if mark] == ["small "]
    assert cards["measure"] == one["measure"] == ["off gold", "0 is the gold value"]
    assert [card["number"] for card in one["cards"]] == [2]


def test_the_table_has_the_errors():
    test = opened(**{"lab.flips.table": True})
    table = test.dataframe[0].value
    assert list(table["example"]) == [1, 4, 2]
    assert list(table["error, full"]) == [0.5, 0.0, 0.5]
    assert list(table["error, now"]) == [2.0, 0.5, 0.25]


def test_that_no_value_changed_is_said():
    assert "No value changed" in opened(same=True).caption[0].value
