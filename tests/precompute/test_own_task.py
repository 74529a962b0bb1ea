"""Data of one's own through the command line: fine-tuned here, or a model that is fine-tuned already, opened.

Long because each way in which data, classes, model and run may not fit has its case.
"""

import json

import numpy as np
import pandas as pd
import pytest

from explorer.errors import BadCheckpoint
from explorer.store.bundle import Bundle
from explorer.store.own_tasks import place_of
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.study.fitting import why_not
from precompute.bundle.model_classes import matched
from precompute.console import own_given
from tests import tiny
from tests.precompute.test_migrate import aged, contents

NAMES = ("Low", "mid-dle", "HIGH")
"""Of the model's outputs: matched to the data's without case and hyphens."""


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Where data lie is noted in a folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "notes"))


def sentences(path, labels, rows=30, columns=("text",)):
    """Made sentences with labels in turn, as CSV."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: [tiny.sentence(rng) for _ in range(rows)] for name in columns})
    table["label"] = [labels[at % len(labels)] for at in range(rows)]
    table.to_csv(path, index=False)
    return table


def model(folder, n_outputs, names=(), **shape):
    made = tiny.save_folder(folder, n_outputs, **shape)
    config = json.loads((made / "config.json").read_text())
    config["id2label"] = {str(at): name for at, name in enumerate(names or [f"LABEL_{at}" for at in range(n_outputs)])}
    config["label2id"] = {name: int(at) for at, name in config["id2label"].items()}
    (made / "config.json").write_text(json.dumps(config))
    return made


def test_a_model_of_three_classes_is_opened_whole_and_no_sentence_leaves_the_file(run, tmp_path):
    table = sentences(tmp_path / "own.csv", ("high", "low", "middle"))
    where, classifier = tmp_path / "bundle", model(tmp_path / "three", 3, NAMES)
    given = ("--model", classifier, "--bundle", where, "--device", "cpu", "--json")
    made = run("open", *given, "--data", tmp_path / "own.csv", "--text", "text", "--metric", "f1", "--task", "mine")
    assert made.status == 0, made.err
    assert "By their names (Low, mid-dle, HIGH)" in made.err
    assert made.record["run"] == "three/mine/seed_0"
    bundle, one = Bundle(where), Run("three", "mine", 0)
    task = bundle.task("mine")
    assert (task.labels, task.label_names, task.metric) == (("low", "middle", "high"), NAMES, "macro_f1")
    wanted = [Key(one, stage, variant) for stage, variant in (("finetune", ""), ("structured", "together"))]
    wanted += [Key(one, "importance", "expected"), Key(one, "ablations"), Key(one, "subnetworks")]
    assert all(bundle.manifest(key).complete for key in wanted)
    assert [problem for check in validate(bundle) for problem in check.problems] == []
    held = b"".join(path.read_bytes() for path in where.rglob("*") if path.is_file())
    assert not any(text.encode() in held for text in table["text"] if " " in text)
    assert str(tmp_path / "own.csv").encode() not in held
    scored = run("score", "--task", "mine", "--seed", "0", *given)
    assert scored.record["value"] == pytest.approx(made.record["score"])
    command = bundle.manifest(wanted[0]).command.split()
    assert command[3] == "open"
    assert bundle.command_for(wanted[0]).split() == command
    again = run(*command[3:], "--device", "cpu", "--json")  # what is there stays
    assert again.record["artefacts"] == made.record["artefacts"]
    assert "was opened as it is" in why_not(bundle, Key(one, "retrained", "good"))
    assert "do not tell the macro F1" in why_not(bundle, Key(one, "bank"))
    (tmp_path / "own.csv").unlink()
    for path in (tmp_path / "notes").rglob("*.json"):
        path.unlink()
    assert place_of(task) is None
    gone = run("score", "--task", "mine", "--seed", "0", *given)
    assert (gone.status, "Nothing says where the data of mine lie" in gone.err) == (2, True)


def test_pairs_with_values_are_fine_tuned_and_their_stages_measured(run, tmp_path):
    sentences(tmp_path / "own.csv", (-2.5, 10, 7.25, 100), columns=("a", "b"))
    given = ("--task", "alike", "--seed", "3", "--model", model(tmp_path / "one", 2), "--bundle", tmp_path / "bundle")
    data = ("--data", tmp_path / "own.csv", "--text", "a,b", "--metric", "spearman", "--dev-share", "0.4")
    made = run("finetune", *given, *data, "--epochs", "1", "--device", "cpu", "--json")
    assert made.status == 0, made.err
    assert (made.record["n"], made.record["metric"]) == (12, "spearman")
    for verb in ("prune", "importance", "ablations", "subnetworks"):  # the bundle knows the task, this machine the data
        assert run(verb, *given, "--device", "cpu", "--json").status == 0
    assert run("score", *given[:4], "--model", "one", *given[6:], "--device", "cpu", "--json").status == 0
    assert run("report", "--bundle", tmp_path / "bundle", "--task", "alike", "--model", "one").status == 0
    assert [problem for check in validate(Bundle(tmp_path / "bundle")) for problem in check.problems] == []
    other = run("finetune", *given, *data[:-1], "0.5", "--device", "cpu")
    assert (other.status, "another task named alike" in other.err) == (2, True)


def test_a_task_called_as_the_default_of_ticket_of_is_retrained(run, tmp_path):
    sentences(tmp_path / "a.csv", ("yes", "no"))
    given = ("--task", "own", "--seed", "3", "--model", model(tmp_path / "one", 2), "--bundle", tmp_path / "bundle")
    data = ("--data", tmp_path / "a.csv", "--text", "text", "--dev-share", "0.4", "--epochs", "1")
    for verb, *more in (("finetune", *data), ("prune",), ("subnetworks",), ("retrain",)):
        made = run(verb, *given, *more, "--device", "cpu", "--json")
        assert made.status == 0, made.err
    assert made.record["artefact"] == "one/own/seed_3/retrained.good"


def test_classes_that_do_not_fit_are_refused_with_what_to_say(run, tmp_path):
    sentences(tmp_path / "own.csv", ("yes", "no"))
    named, nameless = model(tmp_path / "named", 2, ("spam", "ham")), model(tmp_path / "nameless", 2)
    given = ("--data", tmp_path / "own.csv", "--text", "text", "--bundle", tmp_path / "bundle", "--device", "cpu")
    for classifier, words in ((named, "spam, ham; the label column holds no, yes"), (nameless, "have no names")):
        refused = run("open", "--model", classifier, *given)
        assert refused.status == 2
        assert words in refused.err
        assert "--classes" in refused.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("outputs", "labels", "more", "words"),
    [
        (2, ("low", "mid", "high"), {}, "has 2 classes (low, high); the label column holds 3 labels (high, low, mid)"),
        (2, (0.5, 1.25, 2.75), {}, "has 2 outputs, a class each; the label column holds values: 0.5, 1.25, 2.75"),
        (2, (1, 2, 3), {"own_metric": "pearson"}, "has 2 outputs, a class each; --metric pearson is of values"),
        (1, ("low", "high"), {}, "has one output, a value; the label column holds high, low: classes"),
        (2, ("low", "high"), {"own_classes": "low,mid,high"}, "has 2 outputs; --classes names 3"),
    ],
)
def test_a_model_of_another_kind_than_its_data_is_a_sentence(tmp_path, outputs, labels, more, words):
    sentences(tmp_path / "own.csv", labels)
    given = own_given({"own_data": str(tmp_path / "own.csv"), "own_text": "text", **more}, trains=False)
    folder = model(tmp_path / "model", outputs, ("low", "high")[:outputs])
    with pytest.raises(BadCheckpoint) as refused:
        matched("mine", str(folder), given)
    assert words in refused.value.wrong
    assert "LABEL" not in str(refused.value)


def test_options_that_would_do_nothing_are_refused(run, tmp_path):
    sentences(tmp_path / "own.csv", ("yes", "no"))
    where = ("--model", model(tmp_path / "one", 2), "--bundle", tmp_path / "bundle", "--device", "cpu")
    data = ("--task", "own", "--data", tmp_path / "own.csv", "--text", "text")
    for verb, *more in (
        ("score", *data, "--split-seed", "0"),
        ("open", *data, "--classes", "no,yes", "--split-seed", "3"),
        ("finetune", *data, "--dev", tmp_path / "own.csv", "--split-seed", "3"),
    ):
        refused = run(verb, *where, *more)
        assert (refused.status, "--split-seed draws the share" in refused.err) == (2, True), refused.err
    assert not (tmp_path / "bundle").exists()
    assert run("open", *where, *data, "--classes", "no,yes").status == 0
    for verb in ("score", "prune", "ablations"):
        refused = run(verb, *where, "--task", "own", "--seed", "0", "--glue-dir", tmp_path)
        assert (refused.status, "own is a task of your own data" in refused.err) == (2, True), refused.err
    for more, words in (
        (("--glue-dir", tmp_path), "your own data"),
        (("--train-file", "own:a"), "Leave out --train-file"),
    ):
        refused = run("run", "--tasks", "own", *where, *more, "--dry-run")
        assert (refused.status, words in refused.err) == (2, True), refused.err


def test_dev_texts_that_are_trained_on_are_told(run, tmp_path):
    table = sentences(tmp_path / "train.csv", ("yes", "no"))
    new = table.assign(text=[f"new {at} {text}" for at, text in enumerate(table["text"])])
    new.to_csv(tmp_path / "new.csv", index=False)
    pd.concat([new[:9], table[:1]]).to_csv(tmp_path / "one.csv", index=False)
    pd.concat([new, new]).to_csv(tmp_path / "twice.csv", index=False)
    where = ("--model", model(tmp_path / "one", 2), "--seed", "1", "--device", "cpu", "--epochs", "1", "--text", "text")

    def told(data, *more):
        name = f"{data}{len(list(tmp_path.iterdir()))}"
        ran = run(
            "finetune", *where, "--data", tmp_path / f"{data}.csv", *more, "--task", name, "--bundle", tmp_path / name
        )
        assert ran.status == 0, ran.err
        return [
            line.partition(" of t")[0] for line in ran.err.splitlines() if "among its training examples too" in line
        ]

    assert told("train", "--dev", tmp_path / "train.csv") == ["30"]
    assert told("train", "--dev", tmp_path / "one.csv") == ["1"]
    assert told("train", "--dev", tmp_path / "new.csv") == []
    assert len(told("twice", "--dev-share", "0.3")) == 1


def test_a_model_that_the_bundle_lacks_is_no_report_of_a_task(run, tmp_path):
    sentences(tmp_path / "own.csv", ("yes", "no"))
    given = ("--data", tmp_path / "own.csv", "--text", "text", "--classes", "no,yes", "--device", "cpu")
    bundle = ("--bundle", tmp_path / "bundle")
    assert run("open", "--model", model(tmp_path / "one", 2), *given, *bundle).status == 0
    for more in ((), ("--task", "own"), ("--task", "MRPC")):
        refused = run("report", *bundle, *more, "--model", "typo")
        assert (refused.status, "has no fine-tuned run of typo" in refused.err) == (2, True)
        assert run("report", *bundle, *more, "--model", "one").status == 0


def test_manifests_of_an_own_task_are_migrated(run, tmp_path):
    sentences(tmp_path / "own.csv", ("yes", "no"))
    given = ("--data", tmp_path / "own.csv", "--text", "text", "--classes", "no,yes", "--device", "cpu")
    root = tmp_path / "bundle"
    assert run("open", "--model", model(tmp_path / "one", 2), *given, "--bundle", root).status == 0
    new = contents(root)
    aged(root)
    assert run("migrate", root, "--json").record == {"migrated": 5}
    assert contents(root) == new


def test_a_model_below_the_most_frequent_class_is_doubted_when_it_is_opened(run, tmp_path):
    sentences(tmp_path / "own.csv", ("yes", "no"))
    where = ("--model", model(tmp_path / "nameless", 2), "--bundle", tmp_path / "bundle", "--device", "cpu")
    scored = ("--task", "own", *where, "--data", tmp_path / "own.csv", "--text", "text")
    scored += ("--classes", "no,yes", "--predictions")
    assert run("score", *scored, tmp_path / "own.pred").status == 0
    table = pd.read_csv(tmp_path / "own.csv")
    answers = pd.read_csv(tmp_path / "own.pred")["prediction"].tolist()
    for name, swapped in (("right", 0), ("wrong", 1)):
        table["label"] = [("no", "yes")[int(answer) ^ swapped] for answer in answers]
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        given = ("--data", tmp_path / f"{name}.csv", "--text", "text", "--classes", "no,yes", "--json")
        made = run("open", *where, *given)
        assert made.status == 0, made.err
        assert ("which always naming the most frequent class reaches" in made.err) == bool(swapped)
        again = run("open", "--task", name, *where, "--json")
        assert again.err.count("below") == swapped


def test_a_class_that_no_row_has_is_told(tmp_path):
    sentences(tmp_path / "own.csv", ("high", "low"))
    given = own_given({"own_data": str(tmp_path / "own.csv"), "own_text": "text"}, trains=False)
    defined, remarks = matched("mine", str(model(tmp_path / "three", 3, NAMES)), given)
    assert defined.task.label_names == NAMES
    assert remarks[-1].startswith("No row has the class mid-dle")


STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")


@pytest.mark.parametrize(
    ("names", "labels", "example"),
    [
        (STARS, (1, 2, 3, 4), "1=1 star,2=2 stars,3=3 stars,4=4 stars,5=5 stars"),
        (STARS, (0, 1, 2, 3, 4), "0=1 star,1=2 stars,2=3 stars,3=4 stars,4=5 stars"),
        (("positive", "negative"), (0, 1), "0=positive,1=negative"),
    ],
)
def test_numbers_are_no_outputs_where_these_have_names(tmp_path, names, labels, example):
    sentences(tmp_path / "own.csv", labels)
    given = own_given({"own_data": str(tmp_path / "own.csv"), "own_text": "text"}, trains=False)
    with pytest.raises(BadCheckpoint) as refused:
        matched("mine", str(model(tmp_path / "model", len(names), names)), given)
    assert f"--classes '{example}'" in refused.value.mend


def test_score_takes_the_models_classes_as_open_does(run, tmp_path):
    folder = model(tmp_path / "pn", 2, ("positive", "negative"))
    sentences(tmp_path / "mine.csv", ("negative", "positive"))
    given = ("--task", "mine", "--model", folder, "--data", tmp_path / "mine.csv", "--text", "text", "--metric", "f1")
    opened = run("open", *given, "--device", "cpu", "--bundle", tmp_path / "a", "--json")
    scored = run("score", *given, "--device", "cpu", "--bundle", tmp_path / "b", "--json")
    told = json.loads(scored.out)
    assert told["value"] == pytest.approx(json.loads(opened.out)["score"])
    assert told["of_class"] == "negative"
    nameless = model(tmp_path / "nameless", 2)
    sentences(tmp_path / "yes.csv", ("yes", "no"))
    refused = run("score", "--task", "yes", "--model", nameless, "--data", tmp_path / "yes.csv", "--text", "text")
    assert (refused.status, "have no names" in refused.err) == (2, True)


def test_the_run_is_scored_where_the_folder_it_began_with_is_named(run, tmp_path, monkeypatch):
    start = model(tmp_path / "start", 2)
    sentences(tmp_path / "own.csv", (0, 1))
    bundle = ("--bundle", tmp_path / "bundle", "--seed", "1", "--task", "mine")
    data = ("--data", tmp_path / "own.csv", "--text", "text", "--dev", tmp_path / "own.csv", "--device", "cpu")
    tuned = run("finetune", "--model", start, *bundle, *data, "--epochs", "3", "--learning-rate", "0.01", "--json")
    assert tuned.status == 0
    monkeypatch.chdir(tmp_path)
    here = run("score", "--model", "start", *bundle, "--device", "cpu", "--json")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = run("score", "--model", "start", *bundle, "--device", "cpu", "--json")
    assert json.loads(here.out)["value"] == json.loads(there.out)["value"] == json.loads(tuned.out)["score"]
    (tmp_path / "other").mkdir()
    other = model(tmp_path / "other" / "start", 2, seed=5)
    for verb, more in (("score", ()), ("score", ("--mask", "good")), ("export", ("--out", tmp_path / "out"))):
        refused = run(verb, "--model", other, *bundle, *more)
        assert (refused.status, "is another model" in refused.err) == (2, True), refused.err


def test_a_ticket_is_no_file_of_its_name(run, tmp_path, monkeypatch):
    sentences(tmp_path / "own.csv", (0, 1))
    folder = model(tmp_path / "A", 2)
    bundle = ("--task", "mine", "--seed", "0", "--model", folder, "--bundle", tmp_path / "bundle", "--device", "cpu")
    assert run("open", *bundle, "--data", tmp_path / "own.csv", "--text", "text").status == 0
    monkeypatch.chdir(tmp_path)
    before = json.loads(run("score", *bundle, "--mask", "good", "--json").out)["mask"]
    (tmp_path / "good").write_text("AAA")
    assert json.loads(run("score", *bundle, "--mask", "good", "--json").out)["mask"] == before


def test_texts_that_are_read_in_part_are_counted(run, tmp_path):
    table = sentences(tmp_path / "own.csv", (0, 1), rows=6)
    table.loc[[1, 4], "text"] = "the " * 300
    table.to_csv(tmp_path / "own.csv", index=False)
    folder = model(tmp_path / "long", 2)
    given = ("--model", folder, "--data", tmp_path / "own.csv", "--text", "text", "--device", "cpu", "--task", "mine")
    for verb in ("score", "open"):
        told = run(verb, *given, "--bundle", tmp_path / "bundle")
        assert "2 of 6 examples are longer than 128 word pieces" in told.err


@pytest.mark.parametrize("classes", ["no=x,yes=x", "no=a\tb,yes=b", f"no={'n' * 201},yes=b", "no=x,no=y"])
def test_classes_that_no_bundle_can_hold_leave_none_behind(run, tmp_path, classes):
    sentences(tmp_path / "own.csv", ("yes", "no"))
    given = ("--data", tmp_path / "own.csv", "--text", "text", "--bundle", tmp_path / "bundle", "--device", "cpu")
    refused = run("open", "--model", model(tmp_path / "nameless", 2), *given, "--classes", classes)
    assert (refused.status, "Give" in refused.err) == (2, True), refused.err
    assert not (tmp_path / "bundle").exists()


def test_a_broken_definition_is_mended_by_defining_the_task_again(run, tmp_path):
    sentences(tmp_path / "own.csv", ("yes", "no"))
    where = ("--model", model(tmp_path / "nameless", 2), "--bundle", tmp_path / "bundle", "--device", "cpu")
    data = ("--task", "own", "--data", tmp_path / "own.csv", "--text", "text")
    opened = ("open", *where, *data, "--classes", "no,yes", "--json")
    made = run(*opened)
    assert made.status == 0, made.err
    path = tmp_path / "bundle" / "tasks" / "own.json"
    whole = path.read_text()
    broken = whole.replace('"yes"', '"no"')
    path.write_text(broken)
    site = ("site", "--bundle", tmp_path / "bundle", "--out", tmp_path / "site")
    refused = run(*site)
    assert (refused.status, "define the task again: --data FILE --text COLUMN" in refused.err) == (2, True)
    other = run(*opened[:-2], "yes,no")  # the run that is there was made of the other order
    assert (other.status, "other classes, than this task" in other.err) == (2, True)
    assert path.read_text() == broken
    assert run(*opened).record == made.record
    assert path.read_text() == whole
    assert run(*site).status == 0


@pytest.mark.parametrize("n_layers", [1, 48])
def test_one_layer_and_forty_eight_are_opened_exported_and_made_a_page(run, tmp_path, n_layers):
    sentences(tmp_path / "own.csv", ("low", "middle", "high"), rows=9)
    classifier = model(tmp_path / "deep", 3, NAMES, n_layers=n_layers, n_heads=2, hidden=8)
    given = ("--model", classifier, "--bundle", tmp_path / "bundle", "--device", "cpu", "--task", "mine")
    made = run("open", *given, "--data", tmp_path / "own.csv", "--text", "text", "--json")
    assert made.status == 0, made.err
    assert len(made.record["artefacts"]) == 5
    out = tmp_path / "out"
    exported = run("export", "--seed", "0", *given[:4], *given[6:], "--mask", "good", "--out", out)
    assert exported.status == 0, exported.err
    assert run("site", "--bundle", tmp_path / "bundle", "--out", tmp_path / "site").status == 0
    index = (tmp_path / "site" / "index.html").read_text()
    assert "on 1 task<" in index
    assert "GLUE" not in index
    planned = run("run", "--tasks", "mine", *given[:4], "--dry-run", "--json")
    assert planned.status == 0
    assert (planned.record["does_not_apply"], planned.record["blocked"]) == (6, 0), (
        "its own seed alone, nothing trained, no means"
    )
