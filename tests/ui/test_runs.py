"""The Runs page: what is there, how it came about, what is missing; importing, and whom it lets name a folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
import streamlit as st

from explorer.glue.tasks import TASKS
from explorer.store.bundle import Bundle
from explorer.store.run_progress import write_progress
from explorer.store.schema import Key, Run
from explorer.ui import visitor
from explorer.ui.scoring.dev_data import DataSource
from tests import tiny
from tests.bundles import MODEL, small_bundle
from tests.ui.opened import address, opened, words


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("runs") / "bundle", stages=("structured", "magnitude", "baseline"))


@pytest.fixture(autouse=True)
def _at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(visitor, "served_on_localhost", lambda: True)


def codes(test):
    return "\n".join(block.value for block in test.code)


def test_the_matrix_says_what_is_there_and_what_is_not(monkeypatch, bundle):
    test = opened(monkeypatch, "runs", bundle.root, seed="42")
    table = test.dataframe[0].value.set_index("seed")
    assert list(table.index) == ["1337", "42", "86", "71", "166", "all"]
    assert table.loc["42", ["fine-tuned", "pruned", "magnitude", "ablations"]].tolist() == ["✓", "1 of 3", "✓ 3", "–"]
    assert (table.loc["86"].drop(["task", "baseline"]) == "–").all()
    assert table.loc["all", "baseline"] == "✓"
    assert "Nothing here of CoLA" in words(test)


def test_a_run_shows_where_it_comes_from_and_what_is_missing(monkeypatch, bundle):
    test = opened(monkeypatch, "runs", bundle.root, seed="42")
    assert "tiny-bert on MRPC, seed 42" in words(test)
    assert "importance expected, importance published" in words(test)
    assert f"python -m precompute study --task MRPC --seed 42 --model {MODEL}" in codes(test)
    test.selectbox(key="runs.artefact").set_value("structured together").run()
    assert "python -m precompute prune --task MRPC --seed 42 --method together" in codes(test)
    stored = bundle.manifest(Key(Run(MODEL, "MRPC", 42), "structured", "together"))
    assert stored.files["arrays.npz"].sha256[:16] in words(test)
    assert stored.checkpoint_sha256 in words(test)


def test_a_run_that_was_never_begun_has_commands_and_a_link(monkeypatch, bundle):
    test = opened(monkeypatch, "runs", bundle.root, row="MRPC.86")
    assert "tiny-bert on MRPC, seed 86" in words(test)
    assert "--task MRPC --seed 86" in codes(test)
    assert address(test, "row") == "MRPC.86"
    test.selectbox(key="view.seed").set_value("42").run()
    assert "tiny-bert on MRPC, seed 42" in words(test)
    assert address(test, "row") is None


def test_a_model_opened_as_it_is_is_offered_nothing_that_cannot_be_made(monkeypatch, tmp_path):
    bundle = small_bundle(tmp_path / "bundle", seeds=(7,), stages=("structured",))
    path = bundle.root / Key(Run(MODEL, "MRPC", 7), "finetune").path / "manifest.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(raw | {"config": raw["config"] | {"recipe": None}}))
    test = opened(monkeypatch, "runs", bundle.root)
    assert list(test.dataframe[0].value["seed"]) == ["7"]
    assert "Cannot be made: retrained good, retrained random, retrained bad, as" in words(test)
    assert "precompute retrain" not in codes(test)
    assert "precompute ablations" in codes(test)


def test_a_check_names_each_of_six_and_what_is_wrong(monkeypatch, tmp_path):
    root = small_bundle(tmp_path / "bundle", seeds=(42,), stages=("structured",)).root
    test = opened(monkeypatch, "runs", root, view="check")
    test.button(key="runs.check").click().run()
    assert "All is as it was" in test.success[0].value
    (root / MODEL / "MRPC" / "seed_42" / "finetune" / "arrays.npz").write_bytes(b"PK")
    test.button(key="runs.check").click().run()
    assert not test.exception
    assert "is damaged (2 bytes instead of" in test.text[0].value
    assert "problems" in test.warning[0].value


def save_clone(folder):
    for family in ("heads_mlps", "heads"):
        seed = folder / "masks" / family / "RTE" / "seed_42"
        seed.mkdir(parents=True)
        np.save(seed / "head_mask.npy", np.ones((12, 12), np.float32))
    np.save(folder / "masks" / "heads_mlps" / "RTE" / "seed_42" / "mlp_mask.npy", np.ones(12, np.float32))
    return folder


def submit(test, clone, name="paper"):
    test.text_input[0].set_value(clone)
    test.text_input[1].set_value(name)
    next(button for button in test.button if button.label == "Import").click()
    return test.run()


def test_an_import_becomes_a_bundle_beside_what_was_there(monkeypatch, bundle, tmp_path):
    before = sorted(path for path in bundle.root.rglob("*") if path.is_file())
    test = submit(opened(monkeypatch, "runs", bundle.root, view="paper"), str(save_clone(tmp_path / "clone")))
    assert not test.exception
    assert "2 artefacts are in the bundle paper" in test.success[0].value
    test.button(key="runs.show").click().run()
    assert not test.exception
    assert test.selectbox(key="view.model").options == ["bert-base-uncased", MODEL]
    imported = tmp_path / "caches" / "bert-lottery-explorer" / "bundles" / "paper"
    assert {manifest.model for manifest in Bundle(imported).manifests()} == {"bert-base-uncased", MODEL}
    assert sorted(path for path in bundle.root.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize(
    ("clone", "name", "says"),
    [
        ("", "paper", "There is no folder at"),
        ("/nowhere/*at* all", "paper", r"There is no folder at /nowhere/\*at\* all\."),
        (".", "paper", "neither masks"),
        (".", "../up", "cannot name a bundle"),
    ],
)
def test_what_cannot_be_imported_is_a_sentence(monkeypatch, bundle, tmp_path, clone, name, says):
    monkeypatch.chdir(tmp_path)
    test = submit(opened(monkeypatch, "runs", bundle.root, view="paper"), clone, name)
    assert not test.exception
    assert says in test.error[0].value


def test_a_checkpoint_is_looked_at_and_its_commands_named(monkeypatch, bundle, tiny_folder):
    test = opened(monkeypatch, "runs", bundle.root, view="checkpoint")
    test.text_input(key="runs.model").set_value(str(tiny_folder)).run()
    assert "A BERT of 3 layers x 4 heads, width 16" in test.success[0].value
    assert f"python -m precompute score --task MRPC --seed 1337 --model {tiny_folder} --bundle {bundle.root}" in codes(
        test
    )
    test.selectbox(key="runs.model.task").set_value("MNLI").run()
    assert "has 2 outputs; MNLI needs 3" in test.warning[0].value
    assert "precompute score" not in codes(test)
    assert "precompute study --task MNLI" in codes(test)
    test.text_input(key="runs.model").set_value(str(bundle.root)).run()
    assert "no readable config" in test.error[0].value
    test.text_input(key="runs.model").set_value("google/bert_uncased_L-4_H-256_A-4").run()
    assert "--model google/bert_uncased_L-4_H-256_A-4" in codes(test)
    test.text_input(key="runs.model").set_value("a b; rm").run()
    assert "no name of a model" in test.error[0].value


def test_the_order_of_its_classes_and_what_is_odd_about_it_are_said(monkeypatch, bundle, tmp_path):
    folder = tiny.save_folder(tmp_path / "home" / "turned*round")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    tiny.edit_config(folder, id2label={"0": "paraphrase", "1": "different"}, max_position_embeddings=128)
    (folder / "other.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    test = opened(monkeypatch, "runs", bundle.root, view="checkpoint")
    test.text_input(key="runs.model").set_value("~/turned*round").run()
    assert not test.exception
    assert "paraphrase, different: they were put into the task's order" in test.info[0].value.replace("\\", "")
    assert any("Not read: other.safetensors" in of.value.replace("\\", "") for of in test.caption)
    assert f"--model '{folder}'" in codes(test)
    tiny.edit_config(folder, id2label={"0": "cat", "1": "dog"})
    test.text_input(key="runs.model").set_value(str(folder)).run()
    assert "names its outputs cat, dog" in test.warning[0].value
    assert "turned\\*round" in test.warning[0].value, "a folder's name is no markup"
    test.text_input(key="runs.model").set_value("~nobody-of-that-name/x").run()
    assert "names a home folder that does not exist" in test.error[0].value.replace("\\", "")
    assert not test.exception


def test_a_dev_file_of_one_s_own_is_called_so(monkeypatch, bundle, tmp_path):
    tiny.write_tsv(tmp_path, tiny.make_examples(TASKS["MRPC"], 24))
    test = opened(monkeypatch, "runs", bundle.root, view="glue")
    test.text_input(key="runs.glue").set_value(str(tmp_path)).run()
    assert test.success[0].value == "The lab now scores MRPC on these dev sets."
    assert "your own dev.tsv, not GLUE's (24 examples" in test.dataframe[0].value.set_index("task").loc["MRPC", ""]
    source = DataSource("folder", str(tmp_path))
    assert source.title(TASKS["MRPC"]) == "your own MRPC dev"


def test_a_glue_folder_is_read_task_by_task_and_the_lab_scores_on_it(monkeypatch, bundle, tmp_path):
    rows = ["sentence1\tsentence2\tlabel", *["A cat sleeps.\tA dog sleeps.\t1"] * TASKS["WNLI"].dev_rows]
    (tmp_path / "WNLI").mkdir()
    (tmp_path / "WNLI" / "dev.tsv").write_text("\n".join(rows) + "\n")
    test = opened(monkeypatch, "runs", bundle.root, view="glue")
    test.text_input(key="runs.glue").set_value(str(tmp_path)).run()
    assert test.success[0].value == "The lab now scores WNLI on GLUE's dev set."
    assert list(test.session_state["lab.glue"]) == ["WNLI"]
    assert test.dataframe[0].value.set_index("task")["dev examples"]["WNLI"] == 71


def test_a_folder_without_glue_is_a_sentence(monkeypatch, bundle, tmp_path):
    test = opened(monkeypatch, "runs", bundle.root, view="glue")
    test.text_input(key="runs.glue").set_value(str(tmp_path / "nowhere")).run()
    assert "There is no folder at" in test.error[0].value
    test.text_input(key="runs.glue").set_value(str(tmp_path)).run()
    assert "No task's dev set could be read" in test.error[0].value
    assert len(test.dataframe[0].value) == 9


@pytest.mark.parametrize("view", ["paper", "checkpoint", "glue"])
def test_only_on_localhost_may_a_folder_be_named(monkeypatch, bundle, view):
    monkeypatch.undo()
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0" if name == "server.address" else None)
    assert not visitor.served_on_localhost()
    test = opened(monkeypatch, "runs", bundle.root, view=view)
    if view == "checkpoint":
        test.text_input(key="runs.model").set_value("/etc").run()
    else:
        assert not test.text_input
    assert "open only to an app that is served on localhost" in test.info[0].value


def planned(**more):
    """A plan of four artefacts that this very process carries out."""
    from explorer.store.run_progress import JobStatus, RunProgress

    now = 1e9
    jobs = (
        JobStatus(f"{MODEL}/MRPC/seed_42/finetune", "done", seconds=3.0),
        JobStatus(f"{MODEL}/MRPC/seed_42/ablations", "running", since=now - 65, estimate=300.0),
        JobStatus(f"{MODEL}/CoLA/seed_42/finetune", "failed", seconds=1.0, cause="no **room** <b>here</b>"),
        JobStatus(f"{MODEL}/CoLA/seed_42/ablations", "blocked", cause="needs [that](javascript:1)"),
    )
    asked = {"command": "python -m precompute run --tasks MRPC,CoLA"} | more
    return RunProgress(started=now - 70, updated=now, slots=2, jobs=jobs, **asked)


def test_a_plan_is_shown_while_it_is_carried_out(monkeypatch, tmp_path):
    root = small_bundle(tmp_path / "bundle", seeds=(42,), stages=("structured",)).root
    assert "A plan" not in words(opened(monkeypatch, "runs", root))
    write_progress(root, planned())
    test = opened(monkeypatch, "runs", root)
    assert "A plan is being carried out, 1 artefact at once**: 1 of 4 artefacts are there, about" in words(test)
    tables = [table.value for table in test.dataframe]
    by_task = next(table for table in tables if "waiting" in table).set_index("task")
    assert by_task.loc["MRPC"].to_dict() == {"done": 1, "running": 1, "waiting": 0, "failed": 0, "blocked": 0}
    assert by_task.loc["CoLA"].to_dict() == {"done": 0, "running": 0, "waiting": 0, "failed": 1, "blocked": 1}
    (row,) = next(table for table in tables if "runs now" in table).to_dict("records")
    assert row["runs now"] == "MRPC/seed_42/ablations"
    assert row["expected"] == "5 min"
    assert "no \\*\\*room\\*\\* \\<b\\>here\\</b\\>" in words(test), "a cause is text"
    assert "needs \\[that\\]\\(javascript\\:1\\)" in words(test)
    assert "precompute run" not in codes(test), "it is being carried out"


def test_a_plan_whose_process_is_gone_has_its_command(monkeypatch, tmp_path):
    root = small_bundle(tmp_path / "bundle", seeds=(42,), stages=("structured",)).root
    write_progress(root, planned(process=2**22 + 1))
    test = opened(monkeypatch, "runs", root)
    assert "A plan was stopped" in words(test)
    assert "python -m precompute run --tasks MRPC,CoLA" in codes(test)
    assert not any("runs now" in table.value for table in test.dataframe)
    monkeypatch.setattr(visitor, "served_on_localhost", lambda: False)
    assert "--tasks MRPC,CoLA" not in codes(opened(monkeypatch, "runs", root)), "it may name folders of this machine"
