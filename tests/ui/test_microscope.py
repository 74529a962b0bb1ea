"""One sentence under the lab's microscope: from a flipped card or a typed text to the switches that turn its answer."""

from __future__ import annotations

from explorer.mask import Mask
from tests.ui.cards import told
from tests.ui.test_pages import lab, texts
from tests.waiting import HANG_SECONDS

MASK = Mask.full(6, 12).with_layer(0, False)


def looked(test):
    """The page once the look is over, and the look."""
    assert not test.exception
    (job,) = test.session_state["background.one_sentence"].values()
    look = job.wait(HANG_SECONDS).result
    test.run()
    assert not test.exception
    return look


def test_an_example_is_looked_at_and_what_turns_it_goes_on_the_grid():
    test = lab(task="MRPC", seed="1337", mask=MASK.code, show="sentence", example="3")
    look = looked(test)
    (card,) = told(test, "flip_cards")
    assert [one["number"] for one in card["cards"]] == [3]
    (grid,) = [of for of in told(test, "head_grid") if of["disabled"]]
    assert grid["fill"]["middle"] == "0"
    assert (grid["marks"] is not None) == bool(look.turn.switches)
    said = texts(test)
    assert f"by a margin of **{look.closeup.margin:.2f}**" in said
    if look.turn.turned:
        test.button(key="lab.microscope.apply").click().run()
        assert test.query_params["mask"] == look.turn.mask.code


def test_what_is_typed_is_looked_at_and_stands_in_no_link():
    test = lab(task="MRPC", seed="1337", mask=MASK.code, show="sentence")
    looked(test)
    for name, text in (("first", "A zebra sleeps."), ("second", "The zebra is asleep.")):
        test.text_input(key=f"lab.own.{name}.MRPC").set_value(text)
    test.run()
    test.toggle(key="lab.microscope.typed").set_value(True).run()
    look = looked(test)
    assert f"by a margin of **{look.closeup.margin:.2f}**" in texts(test)
    assert "zebra" not in str(test.query_params)
    kept = test.session_state["exhibits.kept"]
    assert not any("zebra" in f"{one.title} {one.caption}" for one in kept.exhibits.values())
