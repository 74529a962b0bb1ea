"""What a run lacks is offered as a button, to this machine's own visitor alone; and what an opened model never has."""

from __future__ import annotations

import json
import sys

import pytest

from explorer.store.bundle import CHECKPOINT
from explorer.store.schema import Key, Run
from explorer.ui import visitor
from explorer.ui.widgets import make_here
from tests.bundles import MODEL, small_bundle
from tests.ui.opened import opened, words

RUN = Run(MODEL, "MRPC", 7)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A bundle with one run, whose model was opened as it is, and its checkpoint's name."""
    bundle = small_bundle(tmp_path_factory.mktemp("offered"), seeds=(7,), stages=("structured", "subnetworks"))
    path = bundle.root / Key(RUN, "finetune").path / "manifest.json"
    raw = json.loads(path.read_text())
    raw["config"]["recipe"] = None
    raw["files"][CHECKPOINT] = {"sha256": "0" * 64, "bytes": 1}
    path.write_text(json.dumps(raw))
    path.with_name(CHECKPOINT).write_bytes(b"x")
    return bundle.root


@pytest.fixture
def at_home(monkeypatch):
    monkeypatch.setattr(visitor, "served_on_localhost", lambda: True)


def offers(test):
    return [button for button in test.button if button.key and button.key.startswith("make.")]


def test_a_press_begins_the_command_and_the_page_follows_it(monkeypatch, root, at_home):
    asked = []

    def begun(verb, given, where, names):
        asked.append((verb, given, where, names))
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        return make_here.Making(make_here.subprocess.Popen(command, stdin=-1), where / "log", tuple(names))

    monkeypatch.setattr(make_here, "begun", begun)
    test = opened(monkeypatch, "patterns", root)
    assert "were not measured yet" in words(test)
    (button,) = offers(test)
    assert button.label.startswith("Compute it here (")
    assert "An estimate, by" in button.help
    button.click().run()
    assert not test.exception
    ((verb, given, where, names),) = asked
    assert (verb, where, names) == ("run", root.resolve(), ["attention finetuned"])
    assert given[given.index("--only") + 1] == "attention.finetuned"
    assert given[given.index("--seeds") + 1] == "7"
    assert not offers(test), "what is being made is not offered"
    making = make_here._under_way().pop(root)
    making.process.communicate()
    assert offers(opened(monkeypatch, "patterns", root))


def test_a_visitor_from_elsewhere_is_offered_nothing(monkeypatch, root):
    monkeypatch.setattr(visitor, "served_on_localhost", lambda: False)
    assert not offers(opened(monkeypatch, "patterns", root))


def test_the_bundle_that_ships_is_not_written_to(monkeypatch, root, at_home, tmp_path):
    monkeypatch.setattr(make_here, "PROJECT", tmp_path)
    (tmp_path / "cache").symlink_to(root)
    assert not offers(opened(monkeypatch, "patterns", tmp_path / "cache"))


def test_pages_of_an_opened_model_offer_nothing_that_it_cannot_have(monkeypatch, root, at_home):
    patterns = opened(monkeypatch, "patterns", root)
    assert ["Fine-tuned"] in [list(group.options) for group in patterns.button_group]
    tickets = opened(monkeypatch, "tickets", root)
    assert "Does a ticket win on another task?" not in words(tickets)
    assert not any("Retrained" in group.options for group in tickets.button_group)
    runs = opened(monkeypatch, "runs", root)
    assert runs.dataframe[0].value.set_index("seed").loc["7", "retrained"] == "×"
    assert runs.multiselect[0].options
    assert "retrained" not in " ".join(runs.multiselect[0].options)
