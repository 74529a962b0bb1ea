"""A task from a person's own file: which columns, classes and rows, what is refused and by which line."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from explorer.errors import BadBundle, BadData, BadRequest
from explorer.glue.own_data import define, read_own
from explorer.glue.own_rows import Place, Reading
from explorer.glue.own_task import task_from_json, task_to_json
from explorer.store.own_tasks import task_of, write_task

ROWS = [("the cat runs", "good"), ("a dog, big", "bad"), ('the "red" bird', "good"), ("one fish", "bad")] * 5
BY = Reading(("sentence",), dev_share=0.2, split_seed=3)


def csv_file(folder, rows=ROWS, columns=("sentence", "label"), name="own.csv", **more):
    path = folder / name
    pd.DataFrame(rows, columns=list(columns)).to_csv(
        path, index=False, sep="\t" if name.endswith("tsv") else ",", **more
    )
    return Place(str(path))


def test_one_csv_is_split_the_same_way_each_time(tmp_path):
    place = csv_file(tmp_path)
    one, again = define("mine", place, BY), define("mine", place, BY)
    assert one == again
    task, dev, train = one.task, one.splits["dev"], one.splits["train"]
    assert (task.labels, task.metric, task.dev_rows, task.train_rows) == (("bad", "good"), "accuracy", 4, 16)
    assert (task.own.dev_share, task.own.split_seed) == (0.2, 3)
    assert "seed 3" in dev.source
    assert "own.csv" not in dev.source
    assert dev.items[0].texts[0] in {text for text, _ in ROWS}
    assert (len(dev), len(train)) == (4, 16)
    assert define("mine", place, Reading(("sentence",), dev_share=0.2, split_seed=4)).task != task


@pytest.mark.parametrize("name", ["own.tsv", "own.jsonl", "own.parquet"])
def test_every_kind_of_file_holds_the_same_examples(tmp_path, name):
    as_csv = define("mine", csv_file(tmp_path), BY).task
    table = pd.DataFrame(ROWS, columns=["sentence", "label"])
    path = tmp_path / name
    if name.endswith("parquet"):
        table.to_parquet(path)
    elif name.endswith("jsonl"):
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, sep="\t", index=False)
    assert define("mine", Place(str(path)), BY).task == as_csv


def test_a_tsv_whose_quotes_are_text_is_read_so(tmp_path):
    path = tmp_path / "plain.tsv"
    path.write_text('sentence\tlabel\n"big" he said\tb\nso "it" is\ta\n' * 1 + "x\ta\ny\tb\n", encoding="utf-8")
    items = define("mine", Place(str(path)), Reading(("sentence",), dev_only=True)).splits["dev"].items
    assert items[0].texts == ('"big" he said',)


@pytest.mark.parametrize(
    ("lines", "between"),
    [
        (('" I loved it , \t1', 'he said . "\t0', "a dull film\t0", "fine film\t1"), "2 to 3"),
        (("a dull film\t0", '"one\t1', "two\t0", 'three"\t1', "fine film\t0"), "3 to 5"),
        (("a dull film\t0", '"fine\t1', 'film"\t0'), "3 to 4"),
    ],
)
def test_a_tsv_whose_quotes_could_join_rows_is_refused(tmp_path, lines, between):
    path = tmp_path / "q.tsv"
    path.write_text("\n".join(["sentence\tlabel", *lines]) + "\n", encoding="utf-8")
    with pytest.raises(BadData, match=f"two ways: .* lines {between} are one row"):
        define("mine", Place(str(path)), Reading(("sentence",), dev_only=True))


def test_a_text_of_two_lines_in_a_tsv_is_one_row(tmp_path):
    path = tmp_path / "q.tsv"
    path.write_text('sentence\tlabel\n"a dull\nfilm"\t0\nfine film\t1\n', encoding="utf-8")
    items = define("mine", Place(str(path)), Reading(("sentence",), dev_only=True)).splits["dev"].items
    assert [item.texts for item in items] == [("a dull\nfilm",), ("fine film",)]


def test_pairs_of_three_classes_take_macro_f1_and_numbers_stand_in_their_order(tmp_path):
    rows = [("a cat", "a dog", n) for n in (10, 9, 2)] * 4
    made = define("mine", csv_file(tmp_path, rows, ("a", "b", "y")), Reading(("a", "b"), "y", "f1", dev_only=True))
    assert made.task.labels == ("2", "9", "10")
    assert (made.task.metric, made.task.is_pair, made.task.train_rows) == ("macro_f1", True, 0)
    np.testing.assert_array_equal(made.splits["dev"].labels[:3], [2, 1, 0])


def test_values_are_a_regression_of_any_range(tmp_path):
    rows = [("a cat", -3.5), ("a dog", 100.0), ("a bird", 7.25)] * 2
    made = define("mine", csv_file(tmp_path, rows), Reading(("sentence",), dev_only=True))
    assert made.task.is_regression
    assert made.task.metric == "pearson"
    assert made.splits["dev"].labels[:2].tolist() == [-3.5, 100.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sentence,label\na,x\n ,y\n", "Line 3 .* no readable text"),
        ("sentence,label\na,x\nb,\n", "Line 3 .* no label"),
        ("sentence,label\na,x\nb,NaN\n", "Line 3 .* no label"),
        ("sentence,label\na,x\nb,y,z\n", "Line 3 .* 3 fields"),
        ('sentence,label\n"a\nb",x\nc\n', "Line 4 .* 1 fields"),
        ('sentence,label\na,x\n"b,y\n', "Line 3 .* not read"),
        ("sentence,label,label\na,x,y\n", "two columns named 'label'"),
        ("text,label\na,x\n", "no column 'sentence'"),
        ("sentence,label\na,x\nb,x\n", "one label alone"),
        ("sentence,label\n", "no rows"),
        ("sentence,label\na,x\n\nb,y\n", "Line 3 .* empty"),
    ],
)
def test_a_bad_row_is_refused_by_its_line(tmp_path, text, words):
    path = tmp_path / "own.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadData, match=words):
        define("mine", Place(str(path)), Reading(("sentence",), dev_only=True))


def test_another_encoding_and_json_lines_are_refused_by_line(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes("sentence,label\na,x\ncaf\xe9,y\n".encode("latin-1"))
    with pytest.raises(BadData, match=r"Line 3 .* not UTF-8"):
        define("mine", Place(str(path)), Reading(("sentence",), dev_only=True))
    path = tmp_path / "own.jsonl"
    for line, words in (
        ('{"sentence": "a", "sentence": "b"}', "two entries"),
        ("[1]", "no JSON object"),
        ("{", "no JSON"),
    ):
        path.write_text('{"sentence": "a", "label": 1}\n' + line, encoding="utf-8")
        with pytest.raises(BadData, match=f"Line 2 .* {words}"):
            define("mine", Place(str(path)), Reading(("sentence",), dev_only=True))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r'{"sentence": "\ud800x", "label": 1}', "half a character in its column 'sentence'"),
        (r'{"sentence": "b", "label": "\ud800"}', "a label that is no name"),
        (r'{"sentence": "b", "label": 1, "\udfff": 2}', "half a character in the name"),
    ],
)
def test_half_a_character_in_json_lines_is_refused_by_its_line(tmp_path, line, words):
    path = tmp_path / "own.jsonl"
    path.write_text('{"sentence": "\\ud83d\\ude00", "label": 1}\n' + line, encoding="utf-8")
    with pytest.raises(BadData, match=f"Line 2 .* {words}") as refused:
        define("mine", Place(str(path)), Reading(("sentence",), dev_only=True))
    str(refused.value).encode("utf-8")  # or no terminal could show it


def test_a_dev_class_without_training_examples_is_refused_by_its_line(tmp_path):
    train = csv_file(tmp_path)
    csv_file(tmp_path, [("a cat", "good"), ("a dog", "worse")], name="dev.csv")
    with pytest.raises(BadData, match=r"Line 3 of dev.csv .*'worse'"):
        define("mine", Place(train.data, str(tmp_path / "dev.csv")), Reading(("sentence",)))


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading(("sentence",)), "which rows are the dev set"),
        (Reading(("sentence",), metric="pearson", dev_only=True), "no finite number"),
        (Reading(("sentence",), metric="nonsense", dev_only=True), "no metric"),
        (Reading(("sentence", "sentence"), dev_only=True), "one or two text columns"),
        (Reading(("sentence",), dev_share=1.5), "between 0 and 1"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(tmp_path, reading, words):
    with pytest.raises((BadRequest, BadData), match=words):
        define("mine", csv_file(tmp_path), reading)
    with pytest.raises(BadRequest, match="task of GLUE"):
        define("mrpc", csv_file(tmp_path), BY)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ((("good", "x"), ("bad", "x")), "class name 'x' stands twice"),
        ((("good", "x"), ("good", "y"), ("bad", "z")), "label 'good' stands twice"),
        ((("good", "x" * 201), ("bad", "y")), "is no class name: 1 to 200 characters"),
        ((("good", "a\tb"), ("bad", "y")), "is no class name"),
        ((("good", "x"), ("bad", "y"), ("", "z")), "'' is no label"),
        ((("good", "x"),), "2 to 100 classes; here 1"),
        ((("good", "x"), ("bad", "y"), *((str(at), f"more {at}") for at in range(99))), "here 101"),
    ],
)
def test_classes_that_no_definition_can_hold_are_refused(tmp_path, classes, words):
    with pytest.raises((BadRequest, BadData), match=words):
        define("mine", csv_file(tmp_path), Reading(("sentence",), classes=classes, dev_only=True))


@pytest.mark.parametrize("columns", [("s" * 201, "label"), ("sentence", "l" * 201), ("sen\x1btence", "label")])
def test_columns_that_no_definition_can_hold_are_refused(tmp_path, columns):
    place = csv_file(tmp_path, columns=columns)
    with pytest.raises(BadRequest, match="has no name that is kept: 1 to 200 characters"):
        define("mine", place, Reading((columns[0],), columns[1], dev_only=True))


def test_the_longest_names_of_a_hundred_classes_are_read_again(tmp_path):
    names = [chr(0x20000 + at) * 200 for at in range(100)]
    place = csv_file(tmp_path, [("a cat", name) for name in names])
    classes = tuple((name, name[::-1][:-1] + "x") for name in names)
    task = define("mine", place, Reading(("sentence",), classes=classes, dev_only=True)).task
    write_task(tmp_path, task)
    assert task_of(tmp_path, "mine") == task


def test_what_would_not_be_read_as_it_is_is_not_written(tmp_path):
    task = define("mine", csv_file(tmp_path), BY).task
    for odd in (replace(task, label_names=("x", "x")), replace(task, dev_rows=0), replace(task, columns=("\ud800",))):
        with pytest.raises(BadRequest, match="No bundle can hold the task mine"):
            write_task(tmp_path, odd)
    assert not (tmp_path / "tasks").exists()


def test_a_file_that_is_no_definition_is_replaced_and_one_of_a_later_version_is_not(tmp_path):
    task = define("mine", csv_file(tmp_path), BY).task
    path = tmp_path / "tasks" / "mine.json"
    path.parent.mkdir()
    for broken in (task_to_json(replace(task, label_names=("x", "x"))), "", "{}", "no JSON"):
        path.write_text(broken)
        with pytest.raises(BadBundle):
            task_of(tmp_path, "mine")
        if broken != "{}":
            write_task(tmp_path, task)
            assert task_of(tmp_path, "mine") == task
    path.write_text(later := task_to_json(task).replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(BadBundle, match="schema version 2"):
        write_task(tmp_path, task)
    assert path.read_text() == later


def test_other_data_than_the_tasks_are_refused(tmp_path):
    task = define("mine", csv_file(tmp_path), BY).task
    assert len(read_own(task, Place(str(tmp_path / "own.csv")))["dev"]) == 4
    with pytest.raises(BadData, match="not those that mine was made from"):
        read_own(task, csv_file(tmp_path, [*ROWS[:-1], ("one fish!", "bad")], name="other.csv"))


def test_a_definition_holds_no_sentence_and_comes_back_the_same(tmp_path):
    task = define("mine", csv_file(tmp_path), BY).task
    text = task_to_json(task)
    assert task_from_json(text, "here") == task
    assert not any(sentence in text for sentence, _ in ROWS)
    raw = json.loads(text)
    for change in ({"metric": "pearson"}, {"labels": ["a"]}, {"dev_rows": -1}, {"name": "../up"}, {"more": 1}):
        with pytest.raises(BadBundle, match="here"):
            task_from_json(json.dumps(raw | change), "here")
    with pytest.raises(BadBundle, match="schema version 9"):
        task_from_json(json.dumps(raw | {"schema_version": 9}), "here")
