"""Manners of the command line: help, one line of JSON, a CSV that recomputes, and a sentence for every error."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import pearsonr
from sklearn.metrics import accuracy_score
from typer.testing import CliRunner

from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from precompute.cli import app
from tests import tiny
from tests.precompute.conftest import ROWS, SEED

VERBS = sorted(command.name or command.callback.__name__ for command in app.registered_commands)
CODE = Mask.full(3, 4).with_head(0, 1, False).with_mlp(2, False).code


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb):
    result = CliRunner().invoke(app, [verb, "--help"])
    assert result.exit_code == 0
    assert ("--json" in result.output) is (verb != "app")  # which runs until it is stopped, and has no result
    assert "Usage:" in result.output


def test_no_verb_shows_all_of_them():
    result = CliRunner().invoke(app, [])
    assert set(VERBS) >= {"finetune", "importance", "prune", "ablations", "score", "publish", "validate"}
    assert all(verb in result.output for verb in VERBS)


@pytest.mark.parametrize("how", ["code", "file", "full"])
def test_predictions_recompute_to_the_printed_score(run, glue, tiny_folder, tmp_path, how):
    (tmp_path / "mask.txt").write_text(CODE + "\n")
    mask = {"code": ("--mask", CODE), "file": ("--mask", tmp_path / "mask.txt"), "full": ()}[how]
    csv = tmp_path / "out.csv"
    options = ("--task", "MRPC", "--model", tiny_folder, "--glue-dir", glue, *mask)
    record = run("score", *options, "--predictions", csv, "--json").record
    assert set(record) == {
        *("task", "model", "data", "mask", "value", "low", "high", "n", "metric", "method", "undefined", "seconds"),
        *("precision", "classes", "class_names", "remarks", "instead"),
    }
    assert (record["classes"], record["class_names"]) == ("assumed", ["LABEL_0", "LABEL_1"])
    assert (record["task"], record["data"], record["n"]) == ("MRPC", "GLUE folder", ROWS)
    assert record["mask"] == (Mask.full(3, 4).code if how == "full" else CODE)
    table = pd.read_csv(csv)
    assert list(table.columns) == ["index", "prediction", "logit_0", "logit_1"]
    assert table["index"].tolist() == list(range(ROWS))
    labels = folder_examples(glue, TASKS["MRPC"], "dev").labels
    assert accuracy_score(labels, table["prediction"]) == record["value"]
    assert (table[["logit_0", "logit_1"]].to_numpy().argmax(1) == table["prediction"]).all()
    words = run("score", *options)
    assert words.out.startswith(f"MRPC (GLUE folder), {'12 heads and 3' if how == 'full' else '11 heads and 2'} MLPs")


def test_a_model_with_its_classes_turned_round_scores_by_their_names_and_says_so(run, glue, tiny_folder, tmp_path):
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "turned"))
    options = ("score", "--task", "MRPC", "--glue-dir", glue, "--model", folder)
    tiny.edit_config(folder, id2label={"0": "not_equivalent", "1": "equivalent"}, label2id=...)
    as_named = run(*options, "--json").record
    tiny.edit_config(folder, id2label={"0": "equivalent", "1": "not_equivalent"})
    turned = run(*options, "--json").record
    assert (as_named["classes"], turned["classes"]) == ("names", "permuted")
    assert turned["value"] == pytest.approx(1 - as_named["value"])
    assert "Its outputs are named equivalent, not_equivalent: they were put into the task's order" in run(*options).err
    tiny.edit_config(folder, id2label={"0": "toxic", "1": "clean"})
    refused = run(*options)
    assert (refused.status, "names its outputs toxic, clean" in refused.err) == (2, True)


def test_a_score_below_the_most_frequent_class_is_doubted(run, tiny_folder, glue, tmp_path):
    """The same model with its classifier turned round: one of the two is below the most frequent class."""
    turned = Path(shutil.copytree(tiny_folder, tmp_path / "turned"))
    tiny.rewrite(turned, lambda state: state | {n: state[n].flip(0) for n in ("classifier.weight", "classifier.bias")})
    options = ("score", "--task", "MRPC", "--glue-dir", glue, "--json", "--model")
    records = [run(*options, model).record for model in (tiny_folder, turned)]
    labels = folder_examples(glue, TASKS["MRPC"], "dev").labels
    most_frequent = max(labels.mean(), 1 - labels.mean())
    doubted = [any("The order of its outputs was assumed" in text for text in record["remarks"]) for record in records]
    assert doubted == [record["value"] < most_frequent for record in records]
    assert any(doubted)


def test_a_dev_file_of_ones_own_is_called_so(run, tiny_folder, glue, tmp_path):
    own = Path(shutil.copytree(glue, tmp_path / "glue")) / "MRPC" / "dev.tsv"
    own.write_text("".join(own.read_text().splitlines(keepends=True)[:-3]))
    ran = run("score", "--task", "MRPC", "--glue-dir", own.parent.parent, "--model", tiny_folder)
    assert ran.out.startswith(f"MRPC (your own dev.tsv, not GLUE's ({ROWS - 3} examples, GLUE's has {ROWS}))")


def test_regression_predictions_are_values(run, glue, tmp_path):
    model = tiny.save_folder(tmp_path / "stsb", 1)
    csv = tmp_path / "out.csv"
    record = run(
        "score", "--task", "sts-b", "--model", model, "--glue-dir", glue, "--predictions", csv, "--json"
    ).record
    table = pd.read_csv(csv)
    assert list(table.columns) == ["index", "prediction", "logit_0"]
    labels = folder_examples(glue, TASKS["STS-B"], "dev").labels
    assert record["value"] == pytest.approx(pearsonr(table["prediction"], labels).statistic)


PAIRS = [("gates", "surgery"), ("gates", "engine"), ("surgery", "engine")]
WHOLE = [("plain transformers", "gates"), ("plain transformers", "engine"), ("gates", "engine")]


@pytest.mark.parametrize("task", ["MRPC", "STS-B"])
def test_every_way_to_run_a_mask_is_proven_equal(run, glue, tmp_path, task):
    model = tiny.save_folder(tmp_path / "m", TASKS[task].n_outputs)
    options = ("score", "--task", task, "--model", model, "--glue-dir", glue, "--prove")
    ran = run(*options, "--mask", CODE, "--json")
    proof = ran.record["proof"]
    assert (ran.status, ran.record["precision"], proof["holds"], proof["tolerance"]) == (0, "fp32", True, 1e-4)
    assert [(pair["one"], pair["other"]) for pair in proof["pairs"]] == PAIRS + WHOLE
    assert [pair["mask"] for pair in proof["pairs"]] == [CODE] * 3 + [Mask.full(3, 4).code] * 3
    assert all(pair["largest"] <= tiny.FP32 and pair["differ"] == 0 and pair["n"] == ROWS for pair in proof["pairs"])
    full = run(*options, "--json").record["proof"]["pairs"]
    assert len(full) == 6  # all four ways with each other
    lines = run(*options, "--mask", CODE).out.splitlines()
    assert len(lines) == 7
    assert lines[1].startswith("gates and surgery, this mask: largest difference of logits ")
    assert lines[4].startswith("plain transformers and gates, full mask: ")
    assert lines[4].endswith(f", 0 of {ROWS} predictions differ")


def test_a_way_that_is_off_is_named_with_exit_status_1(run, glue, tiny_folder, monkeypatch):
    from precompute.bundle import prove

    monkeypatch.setattr(prove, "cut", lambda classifier, _mask: classifier.model)  # surgery that cuts nothing
    options = ("score", "--task", "MRPC", "--model", tiny_folder, "--glue-dir", glue, "--mask", CODE, "--prove")
    ran = run(*options, "--json")
    assert ran.status == 1
    assert ran.record["proof"]["holds"] is False
    assert ran.err.splitlines()[-1].startswith("error: Logits differ by more than 0.0001: gates and surgery by ")
    assert "surgery and engine by" in ran.err
    assert "gates and engine by" not in ran.err


def test_means_over_training_examples_in_the_place_of_what_is_off(run, glue, tiny_folder, tmp_path):
    options = ("score", "--task", "MRPC", "--model", tiny_folder, "--glue-dir", glue, "--mask", CODE, "--json")
    said = {}
    for instead in ("zero", "mean"):
        ran = run(*options, "--instead", instead, "--predictions", tmp_path / f"{instead}.csv")
        assert (ran.status, ran.record["instead"]) == (0, instead)
        said[instead] = pd.read_csv(tmp_path / f"{instead}.csv")["logit_0"]
    assert (said["zero"] - said["mean"]).abs().max() > 1e-3
    refused = run(*options, "--instead", "mean", "--prove")
    assert (refused.status, "Leave out --prove" in refused.err) == (2, True)


def test_fp32_throughout_where_bf16_would_be_faster(run, glue, tiny_folder, monkeypatch):
    monkeypatch.setattr("explorer.live.low_margin.fast_dtype", lambda _device: torch.bfloat16)
    options = ("score", "--task", "MRPC", "--model", tiny_folder, "--glue-dir", glue, "--mask", CODE, "--json")
    assert run(*options).record["precision"] == "bf16, close calls in fp32"
    assert run(*options, "--precision", "fp32").record["precision"] == "fp32"
    assert run(*options, "--prove").record["precision"] == "fp32"


def test_an_undefined_score_is_strict_json(run, glue, tmp_path):
    """Every prediction the same: Pearson is undefined, which JSON cannot call NaN."""
    from safetensors.torch import load_file, save_file

    model = tiny.save_folder(tmp_path / "stsb", 1)
    state = load_file(model / "model.safetensors")
    save_file(state | {"classifier.weight": state["classifier.weight"] * 0}, model / "model.safetensors")
    record = run("score", "--task", "STS-B", "--model", model, "--glue-dir", glue, "--json").record
    assert record["value"] is None
    assert record["undefined"]


def test_diagnostics_need_no_glue(run, tiny_folder):
    record = run("score", "--task", "MRPC", "--model", tiny_folder, "--diagnostics", "--json").record
    assert record["data"].startswith("built-in diagnostics")
    assert record["n"] >= 480
    assert np.isfinite(record["value"])


def options_of(**changes):
    options = {"task": "MRPC", "seed": SEED} | changes
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("score", {"task": "SQuAD", "model": "MODEL"}, "There is no GLUE task named 'SQuAD'. The tasks are CoLA"),
        ("score", {"seed": -1, "model": "MODEL"}, "The seed -1 is not from 0"),
        ("score", {"seed": 2**40, "model": "MODEL"}, "is not from 0"),
        ("score", {"precision": "fp8", "model": "MODEL"}, "There is no precision 'fp8'. Use auto or fp32."),
        ("score", {"device": "tpu", "model": "MODEL"}, "There is no device 'tpu'. Use auto, cpu or cuda."),
        ("score", {"model": "./gone"}, "There is no model folder at ./gone"),
        ("score", {"model": "gone.safetensors"}, "There is no checkpoint at gone.safetensors"),
        ("score", {"model": "minilm"}, "has no minilm-l6/MRPC/seed_7/finetune. Make it: `python -m precompute"),
        ("score", {"model": "MODEL", "mask": "???"}, "'???' is not a mask code"),
        ("score", {"model": "MODEL", "mask": "x" * 400}, "is not one for 3 layers x 4 heads"),
        ("score", {"model": "MODEL", "mask": "_" * 13 + "A"}, "is it a mask for another model?"),
        ("score", {"model": "MODEL", "mask": "BINARY"}, "mask.bin is neither a .npy array nor JSON"),
        ("score", {"model": "MODEL", "predictions": "gone/out.csv"}, "gone/out.csv cannot be written"),
        ("score", {"model": "MODEL", "glue_dir": "gone"}, "There is no GLUE folder at gone"),
        ("score", {"model": "MODEL", "task": "RTE"}, "RTE has no dev.tsv in"),
        ("finetune", {"model": "MODEL", "recipe": "secret"}, "There is no recipe 'secret'. Recipes: paper, minilm"),
        ("finetune", {"model": "MODEL", "epochs": 0}, "A recipe needs at least one epoch"),
        ("finetune", {"model": "MODEL", "train_file": "gone.tsv"}, "MRPC has no gone.tsv in"),
        ("importance", {"estimator": "guess"}, "'guess' is not one of 'expected', 'published', 'batch'."),
        ("importance", {}, "has no minilm-l6/MRPC/seed_7/finetune. Make it"),
        ("prune", {"method": "all"}, "'all' is not one of 'together', 'heads', 'mlps'."),
        ("prune", {"procedure": "quick"}, "'quick' is not one of 'recompute', 'published'."),
        ("prune", {"model_name": "../up"}, "has no up/MRPC/seed_7/finetune"),
        ("ablations", {}, "has no minilm-l6/MRPC/seed_7/finetune"),
        ("bank", {"masks": 10**12}, "A bank of 1,000,000,000,000 masks is more than fits. At most 100,000"),
    ],
)
def test_errors_are_one_sentence_on_stderr(run, glue, tiny_folder, tmp_path, monkeypatch, verb, options, message):
    monkeypatch.chdir(tmp_path)
    binary = tmp_path / "mask.bin"
    binary.write_bytes(b"\xff\x00\xfe")
    given = {"glue_dir": glue, "bundle": tmp_path / "bundle"} | options
    given = {name: {"MODEL": tiny_folder, "BINARY": binary}.get(value, value) for name, value in given.items()}
    ran = run(verb, *options_of(**given), "--json")
    assert ran.status == 2
    assert ran.out == ""
    (line,) = [line for line in ran.err.splitlines() if line.strip()]
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("[enforce fail] can't allocate memory: 5 bytes")])
def test_too_little_memory_is_a_sentence(run, monkeypatch, error):
    def no_room(_bundle):
        raise error

    monkeypatch.setattr("precompute.bundle.verbs.validate", no_room)
    ran = run("validate", "cache")
    assert ran.status == 2
    assert "error: This takes more memory than there is." in ran.err


def test_publishing_from_nowhere_or_what_is_not_there(run, bundle, tmp_path):
    gone = run("publish", tmp_path / "gone", tmp_path / "out")
    assert gone.status == 2
    assert "There is no bundle at" in gone.err
    unknown = run("publish", bundle, tmp_path / "out", "--checkpoint", "RTE:1")
    assert unknown.status == 2
    assert f"There is no run 'RTE:1' in {bundle}. Runs: MRPC:7." in unknown.err


def test_validating_a_damaged_bundle(run, bundle, tmp_path):
    path: Path = next(bundle.rglob("arrays.npz"))
    path.write_bytes(path.read_bytes()[:-5])
    ran = run("validate", bundle, "--json")
    assert (ran.status, ran.record["ok"]) == (1, False)
    assert "bytes instead of" in ran.record["problems"][0]
    words = run("validate", bundle)
    assert (words.status, words.err) == (1, "")
    assert "[2/6] files whole (sha256): PROBLEM" in words.out
    assert run("validate", tmp_path / "gone").status == 1


def test_an_unknown_option_or_a_missing_one_is_a_usage_error(run):
    assert run("score", "--task", "MRPC", "--wrong").status == 2
    missing = run("finetune")
    assert missing.status == 2
    assert "--task" in missing.err
