"""Every command that is shown to people is run as pasted: it parses, and is about the right bundle, model and seed."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import streamlit as st

from explorer.bert.model_folder import classes_for, model_folder
from explorer.bert.model_names import name_in_bundle
from explorer.errors import BadBundle, BadCheckpoint
from explorer.glue.tasks import TASKS
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.study.claim_sheet import claim_sheet
from explorer.study.report import report_rows
from explorer.study.survivor_patterns import survivor_patterns
from precompute import options as options_of
from precompute import stage_verbs
from precompute.bundle.report import report_text
from precompute.cli import main
from precompute.options import Options
from precompute.study import left_undone
from tests import tiny
from tests.bundles import MODEL, small_bundle
from tests.ui.opened import opened, words

RUN = Run(MODEL, "MRPC", 1337)
COMMAND = re.compile(r"`(python -m precompute [^`]+)`")


class Parsed(Exception):
    """Raised in place of the work, with what the work was given."""

    def __init__(self, options):
        super().__init__()
        self.options = options


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pre-trained model whose path a shell would take apart."""
    return tiny.save_folder(tmp_path_factory.mktemp("my models (old)") / MODEL)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, folder):
    """Two seeds of it, pruned and no more, in a folder with a blank in its name."""
    return of_model(small_bundle(tmp_path_factory.mktemp("bundles") / "a bundle", stages=("structured",)), folder)


@pytest.fixture(scope="module")
def bare(tmp_path_factory, folder):
    """One seed of it, fine-tuned and no more."""
    return of_model(small_bundle(tmp_path_factory.mktemp("bundles") / "a bare one", seeds=(1337,), stages=()), folder)


def of_model(made, folder):
    """The bundle, whose runs began from the weights in that folder."""
    for path in made.root.rglob("finetune/manifest.json"):
        manifest = json.loads(path.read_text())
        manifest["config"]["model"] = str(folder)
        path.write_text(json.dumps(manifest))
    return made


@pytest.fixture
def parsed(monkeypatch):
    """No verb does its work or reads GLUE: it hands out its options."""

    def stop(options, *rest, **more):
        raise Parsed(options)

    monkeypatch.setattr(stage_verbs, "make", stop)
    monkeypatch.setattr("precompute.study.run_study", stop)
    monkeypatch.setattr("precompute.bundle.score.run_score", stop)
    monkeypatch.setattr("precompute.bundle.export.run_export", stop)
    monkeypatch.setattr(options_of, "_read_once", lambda *_: None)


@pytest.fixture
def localhost():
    """The app as it is served to this machine alone, where paths may be named."""
    before = st.get_option("server.address")
    st.config.set_option("server.address", "localhost")
    yield
    st.config.set_option("server.address", before)


def pasted(monkeypatch, command):
    """Runs a command as a shell would; what its verb was given. Fails on a usage error."""
    python, dash, module, *argv = shlex.split(command)
    assert (python, dash, module) == ("python", "-m", "precompute")
    monkeypatch.setattr(sys, "argv", ["precompute", *argv])
    with pytest.raises(Parsed) as caught:
        main()
    return caught.value.options


def commands_in(text):
    return COMMAND.findall(text)


def check(monkeypatch, bundle, folder, shown):
    """Each is about this bundle and this model, and what begins from pre-trained weights names where they are."""
    assert shown
    for command in dict.fromkeys(shown):
        given = pasted(monkeypatch, command)
        assert given.bundle.root == bundle.root, command
        assert name_in_bundle(given.model) == MODEL, command
        verb = shlex.split(command)[3]
        if verb in ("finetune", "study"):
            assert given.model == str(folder), command
        if verb != "baseline":
            assert "--seed" in command or "pretrained" in command, command


def test_the_report_names_commands_that_run(monkeypatch, parsed, bundle, folder):
    rows = report_rows(bundle, "MRPC", MODEL)
    shown = [command for command in rows["missing"] if command]
    assert max(rows["more_missing"]) == 1, "two seeds lack it"
    printed = re.findall(r"missing[^:]*: (python .*)", report_text(bundle, "MRPC", MODEL))
    assert printed == shown
    check(monkeypatch, bundle, folder, shown)


def test_what_the_study_leaves_undone_names_commands_that_run(monkeypatch, parsed, bundle, folder):
    undone = left_undone(Options(TASKS["MRPC"], 1337, MODEL, bundle))
    check(monkeypatch, bundle, folder, [command for words in undone for command in commands_in(words)])


def test_claims_name_commands_that_run(monkeypatch, parsed, bundle, folder, tmp_path):
    sheet = claim_sheet(bundle, list(bundle.manifests()), MODEL, "MRPC")
    claims = (sheet.good, sheet.rest, sheet.retrained, sheet.unstable)
    shown = [claim.missing for claim in claims if claim.missing]
    assert sheet.majority is not None
    check(monkeypatch, bundle, folder, shown + commands_in(sheet.majority.words))


@pytest.mark.parametrize(
    ("page", "more"),
    [
        ("overview", {}),
        ("survival", {}),
        ("survival", {"view": "tasks"}),
        ("survival", {"view": "weights"}),
        ("tickets", {}),
        ("replay", {}),
        ("patterns", {}),
        ("runs", {}),
    ],
)
@pytest.mark.usefixtures("localhost")
def test_pages_name_commands_that_run(monkeypatch, parsed, bare, folder, page, more):
    bundle = bare
    test = opened(monkeypatch, page, bundle.root, model=MODEL, task="MRPC", seed="1337", **more)
    shown = commands_in(words(test))
    shown += [line for block in test.code for line in str(block.value).splitlines() if "-m precompute" in line]
    if page == "runs":  # how an artefact came about is what its own manifest says; this one's was made up
        shown = [command for command in shown if str(bundle.root) in command]
        assert "study" in {shlex.split(command)[3] for command in shown}
    check(monkeypatch, bundle, folder, shown)


@pytest.mark.usefixtures("localhost")
def test_the_runs_page_names_commands_that_run_for_a_model_folder(monkeypatch, parsed, bundle, folder, tmp_path):
    test = opened(monkeypatch, "runs", bundle.root, view="checkpoint")
    test.text_input(key="runs.model").set_value(str(folder)).run()
    shown = [str(block.value) for block in test.code]
    assert {shlex.split(command)[3] for command in shown} == {"score", "study"}
    for command in shown:
        given = pasted(monkeypatch, command)
        assert (given.bundle.root, given.model) == (bundle.root, str(folder))


def test_errors_name_commands_that_run(monkeypatch, parsed, folder, tmp_path):
    copy = of_model(small_bundle(tmp_path / "another bundle", stages=("structured",)), folder)
    pruned = Key(RUN, "structured", "together")
    said = [str(caught) for caught in _errors(copy, pruned)]
    assert len(said) == 5
    check(monkeypatch, copy, folder, [command for words in said for command in commands_in(words)])


def _errors(bundle, pruned):
    """What is said of an artefact that was never made, truncated, unreadable, of another version; of no survivors."""
    place = bundle.root / pruned.path
    with pytest.raises(BadBundle) as caught:
        bundle.read(Key(RUN, "ablations"))
    yield caught.value
    table = place / "table.parquet"
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(BadBundle) as caught:
        bundle.read(pruned)
    yield caught.value
    manifest = place / "manifest.json"
    for text in ("{", json.dumps(json.loads(manifest.read_text()) | {"schema_version": 0})):
        manifest.write_text(text)
        with pytest.raises(BadBundle) as caught:
            bundle.read(pruned)
        yield caught.value
    for path in bundle.root.rglob("structured.together/manifest.json"):
        path.unlink()
    with pytest.raises(BadBundle) as caught:
        survivor_patterns(bundle, MODEL, "MRPC")
    yield caught.value


def test_advice_for_an_empty_bundle_runs(monkeypatch, parsed, tmp_path):
    empty = tmp_path / "no bundle"
    with pytest.raises(BadBundle) as caught:
        list(Bundle(empty).manifests())
    shown = commands_in(caught.value.mend)
    empty.mkdir()
    shown += commands_in(" ".join(next(iter(validate(Bundle(empty)))).problems))
    assert len(shown) == 2
    for command in shown:
        assert pasted(monkeypatch, command).bundle.root == empty


def test_advice_for_a_model_without_a_classifier_runs(monkeypatch, parsed, tmp_path):
    bare = tiny.save_folder(tmp_path / "my model")
    tiny.rewrite(bare, lambda weights: {name: of for name, of in weights.items() if "classifier" not in name})
    with pytest.raises(BadCheckpoint) as caught:
        classes_for(model_folder(bare), TASKS["MRPC"])
    (command,) = commands_in(caught.value.mend)
    assert pasted(monkeypatch, command).model == str(bare)


def test_a_manifest_s_command_survives_no_shell_metacharacter(bundle, folder):
    command = bundle.command_for(Key(RUN, "finetune"))
    assert shlex.quote(str(folder)) in command
    assert shlex.quote(str(bundle.root)) in command
    assert bundle.command_for(Key(RUN, "finetune")) == Bundle(bundle.root).command_for(Key(RUN, "finetune"))
    assert "--bundle DIR" in Bundle(bundle.root, "DIR").command_for(Key(RUN, "finetune"))


def test_a_run_of_another_training_file_names_it_in_its_command():
    """MNLI's runs in the cache were trained on a sample; the commands say so, as pasted."""
    cache = Bundle(Path("cache"))
    finetune, prune = (Key(Run("minilm-l6", "MNLI", 1337), *of) for of in (("finetune",), ("structured", "together")))
    assert cache.command_for(finetune).count("--train-file train_10k.tsv") == 1
    assert cache.manifest(finetune).command.count("--train-file train_10k.tsv") == 1
    assert "--train-file" not in cache.command_for(prune)
    assert "--train-file" not in cache.command_for(Key(Run("minilm-l6", "MRPC", 1337), "finetune"))
