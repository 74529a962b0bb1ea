"""The lab's choice of what stands in for what is off: in the score, the card's words and the link, kept apart."""

from __future__ import annotations

from dataclasses import replace

from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from tests import tiny
from tests.ui.cards import card
from tests.ui.opened import address
from tests.ui.test_pages import lab, texts

MASK = Mask.full(6, 12).with_layer(1, False).with_head(4, 4, False)
CHOICE = "lab.instead"


def test_means_are_another_score_with_another_link(monkeypatch, tmp_path):
    task = replace(TASKS["MRPC"], train_rows=12)
    monkeypatch.setitem(TASKS, "MRPC", task)
    for split, n in (("dev", 30), ("train", 12)):
        tiny.write_tsv(tmp_path, tiny.make_examples(task, n, seed=n, split=split))
    monkeypatch.setenv("GLUE_DIR", str(tmp_path))
    query = {"task": "MRPC", "seed": "1337", "mask": MASK.code}
    nothing = lab(**query)
    assert not nothing.exception
    assert nothing.segmented_control(key=CHOICE).value == "zero"
    assert address(nothing, "instead") is None
    before = card(nothing)
    assert "means" not in before["title"]

    means = nothing.segmented_control(key=CHOICE).set_value("mean").run()
    assert not means.exception
    assert card(means)["title"].endswith("MRPC dev, means for what is off")
    assert "Scored in" in texts(means), "not what the ledger has of the same mask"
    assert "means over 12 examples" in texts(means)
    assert address(means, "instead") == "mean"

    again = lab(**query, instead="mean")
    assert again.segmented_control(key=CHOICE).value == "mean"
    assert "from the ledger" in texts(again)
    assert card(again)["value"] == card(means)["value"]
    old = lab(**query)
    assert (card(old)["title"], card(old)["value"]) == (before["title"], before["value"])
    assert "from the ledger" in texts(old)


def test_without_training_examples_the_choice_is_off_and_a_link_to_it_says_why():
    test = lab(task="SST-2", seed="1337", instead="mean")
    assert not test.exception
    assert not [one for one in test.segmented_control if one.key == CHOICE]
    assert "means" not in card(test)["title"]
    assert "so the choice is off" in test.warning[0].value
