"""The lab's choice of what stands in for what is off: in the score, the card's words and the link, kept apart."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from tests import tiny
from tests.ui.cards import card
from tests.ui.opened import address
from tests.ui.test_pages import lab, texts

MASK = Mask.full(6, 12).with_layer(1, False).with_head(4, 4, False)
CHOICE = "lab.instead"
CACHE = Path(__file__).resolve().parents[2] / "cache"


def choice(test):
    """The choice of what stands in."""
    choices = test.selectbox
    (found,) = (one for one in choices if one.key.startswith(CHOICE))
    return found


def test_means_are_another_score_with_another_link(monkeypatch, tmp_path):
    task = replace(TASKS["MRPC"], train_rows=12)
    monkeypatch.setitem(TASKS, "MRPC", task)
    for split, n in (("dev", 30), ("train", 12)):
        tiny.write_tsv(tmp_path, tiny.make_examples(task, n, seed=n, split=split))
    monkeypatch.setenv("GLUE_DIR", str(tmp_path))
    query = {"task": "MRPC", "seed": "1337", "mask": MASK.code}
    nothing = lab(**query)
    assert not nothing.exception
    assert choice(nothing).value == "zero"
    assert address(nothing, "instead") is None
    before = card(nothing)
    assert "means" not in before["title"]

    means = choice(nothing).set_value("mean").run()
    assert not means.exception
    assert card(means)["title"].endswith("MRPC dev, means for what is off")
    assert "Scored in" in texts(means), "not what the ledger has of the same mask"
    assert "means over 12 examples" in texts(means)
    assert address(means, "instead") == "mean"

    again = lab(**query, instead="mean")
    assert choice(again).value == "mean"
    assert "from the ledger" in texts(again)
    assert card(again)["value"] == card(means)["value"]
    old = lab(**query)
    assert (card(old)["title"], card(old)["value"]) == (before["title"], before["value"])
    assert "from the ledger" in texts(old)


def test_without_training_examples_there_are_no_means_and_a_link_to_them_says_why():
    for task, left in (("SST-2", [["nothing", "a constant"]]), ("STS-B", [])):
        test = lab(task=task, seed="1337", instead="mean")
        assert not test.exception
        assert [list(one.options) for one in test.selectbox if one.key.startswith(CHOICE)] == left
        assert "means" not in card(test)["title"]
        assert "so they cannot be chosen" in test.warning[0].value


def with_constants(root, checkpoint_sha256):
    """A bundle of one run whose constants are all 0: what is off gives as little as with nothing in its place."""
    run = Run("minilm-l6", "MRPC", 1337)
    shutil.copytree(CACHE / run.path / "finetune", root / run.path / "finetune")
    bundle, key = Bundle(root), Key(run, "constants")
    own = bundle.manifest(Key(run, "finetune"))
    own = replace(own, stage="constants", variant="", config={}, summary={}, withheld={}, files={})
    arrays = {"heads": np.zeros((6, 12, 32), np.float32), "mlps": np.zeros((6, 384), np.float32)}
    bundle.write(replace(own, checkpoint_sha256=checkpoint_sha256 or own.checkpoint_sha256), arrays=arrays)
    assert bundle.manifest(key).complete
    return root


def test_constants_of_zero_score_as_nothing_does_and_are_filed_apart(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_BUNDLE", str(with_constants(tmp_path / "bundle", "")))
    query = {"task": "MRPC", "seed": "1337", "mask": MASK.code}
    nothing = lab(**query)
    assert not nothing.exception
    assert list(choice(nothing).options) == ["nothing", "a constant"]
    learned = choice(nothing).set_value("learned").run()
    assert not learned.exception
    assert card(learned)["title"].endswith("learned constants for what is off")
    assert "Scored in" in texts(learned), "not what the ledger has of the same mask"
    assert card(learned)["value"] == card(nothing)["value"]
    assert address(learned, "instead") == "learned"
    assert card(lab(**query, instead="learned"))["title"] == card(learned)["title"]


def test_constants_of_another_model_are_not_offered(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_BUNDLE", str(with_constants(tmp_path / "bundle", "0" * 64)))
    test = lab(task="MRPC", seed="1337", instead="learned")
    assert not test.exception
    assert not [one for one in test.selectbox if one.key.startswith(CHOICE)]
    assert "The link's learned constants" in test.warning[0].value
    assert "No constants were learnt for this run yet" in test.warning[0].value
