"""The switch between names where what is offered changes: a task of GLUE has published numbers, an own one has none."""

from streamlit.testing.v1 import AppTest

from tests.waiting import HANG_SECONDS


def _page():
    import streamlit as st

    from explorer.ui.widgets.switch import switch

    names = {"seeds": "Over seeds"} | ({} if st.session_state.get("own") else {"paper": "BERT-base"})
    st.markdown(switch("View", names, "view", "view"))


def test_a_choice_that_is_no_longer_offered_gives_way_to_the_first():
    test = AppTest.from_function(_page, default_timeout=HANG_SECONDS)
    test.query_params["view"] = "paper"
    assert test.run().markdown[0].value == "paper"
    test.session_state["own"] = True
    test.run()
    assert (test.exception.len, test.markdown[0].value) == (0, "seeds")
