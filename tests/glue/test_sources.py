"""GLUE from a folder and from the Hub: what is read, and what is said where it cannot be.

Long because every odd file has its line here.
"""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from explorer import foreign
from explorer.errors import BadData, BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.sources import folder_examples, glue_dir_from_environment, hub_examples, load_examples, require_file
from explorer.glue.tasks import TASKS, Example, task_named

MRPC = replace(TASKS["MRPC"], dev_rows=2, train_rows=2)
COLA = replace(TASKS["CoLA"], dev_rows=2)
MNLI = replace(TASKS["MNLI"], dev_rows=3)
STSB = replace(TASKS["STS-B"], dev_rows=2)
PAIRS = (
    "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
    "1\t7\t8\tA cat runs .\tA cat is running .\n"
    "0\t9\t10\tNo dog .\tYes .\n"
)
READ = (Example(("A cat runs .", "A cat is running ."), 1.0), Example(("No dog .", "Yes ."), 0.0))


def put(glue_dir, name, content):
    path = glue_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return glue_dir


@pytest.mark.parametrize(
    "content",
    [PAIRS, "\ufeff" + PAIRS, PAIRS.rstrip("\n"), PAIRS.replace("\n", "\r\n"), PAIRS.replace("\n", "\r\n").rstrip()],
    ids=["plain", "byte-order mark", "no last newline", "CRLF", "CRLF, no last newline"],
)
def test_a_pair_task_whatever_the_line_ends(tmp_path, content):
    examples = folder_examples(put(tmp_path, "MRPC/dev.tsv", content), MRPC, "dev")
    assert examples.items == READ
    assert (examples.source, examples.split, len(examples)) == ("GLUE folder", "dev", 2)
    assert examples.labels.tolist() == [1.0, 0.0]
    assert examples.sha256 == examples_sha256(READ)


def test_quotes_and_carriage_returns_inside_a_sentence_are_text(tmp_path):
    lines = PAIRS.replace("A cat runs", '"A cat "" runs').replace("Yes", "Yes\r and 'no")
    examples = folder_examples(put(tmp_path, "MRPC/dev.tsv", lines), MRPC, "dev")
    assert examples.items[0].texts[0] == '"A cat "" runs .'
    assert examples.items[1].texts[1] == "Yes\r and 'no ."


def test_cola_has_no_header(tmp_path):
    put(tmp_path, "CoLA/dev.tsv", "x1\t1\t\tThe cat sees .\nx2\t0\t*\tCat the sees .")
    examples = folder_examples(tmp_path, COLA, "dev")
    assert [(item.texts, item.label) for item in examples.items] == [(("The cat sees .",), 1), (("Cat the sees .",), 0)]


def test_mnli_labels_are_words_and_columns_may_lie_anywhere(tmp_path):
    rows = "gold_label\tsentence2\tsentence1\nneutral\tb\ta\ncontradiction\td\tc\nentailment\tf\te\n"
    examples = folder_examples(put(tmp_path, "MNLI/dev_matched.tsv", rows), MNLI, "dev")
    assert [item.texts for item in examples.items] == [("a", "b"), ("c", "d"), ("e", "f")]
    assert examples.labels.tolist() == [1, 2, 0]


def test_stsb_labels_are_numbers(tmp_path):
    put(tmp_path, "STS-B/dev.tsv", "sentence1\tsentence2\tscore\na\tb\t4.750\nc\td\t0\n")
    assert folder_examples(tmp_path, STSB, "dev").labels.tolist() == [4.75, 0.0]


@pytest.mark.parametrize(
    "label", ["5.01", "-0.1", "nan", "NaN", "inf", "high", "", " 4", "0_4", "4e0", "٤", "４", "+4", "4,5", "4."]
)
def test_stsb_labels_outside_0_to_5_are_refused(tmp_path, label):
    put(tmp_path, "STS-B/dev.tsv", f"sentence1\tsentence2\tscore\na\tb\t4\nc\td\t{label}\n")
    with pytest.raises(BadData, match=r"Line 3 of .*not a number from 0 to 5. Correct it, or"):
        folder_examples(tmp_path, STSB, "dev")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PAIRS.replace("Quality", "quality"), "has no column 'Quality'. Is it the official file"),
        (PAIRS.replace("#2 String", "#3"), "has no column '#2 String'"),
        (PAIRS[:-12], "Line 3 of .* has 4 fields, fewer than the 5 columns of the file. Is the line cut in two"),
        (PAIRS.replace("\n0", "\n2"), "Line 3 of .* has the label '2', not one of 0, 1. Correct it, or"),
        (PAIRS.replace("\n0", "\n\n0"), "Line 3 of .* is empty. Take the line out"),
        (
            re.sub(r"\tA cat runs[^\t]*", "\t ", PAIRS, count=1),
            "Line 2 of .* no readable text in its column '#1",
        ),
        (PAIRS.replace("No dog", "No\0dog"), "Line 3 of .* no readable text in its column .*control characters"),
        (PAIRS.replace("No dog", "No\tdog"), "Line 3 of .* has 6 fields, more than the 5 columns .* a tab inside"),
        (PAIRS.replace(" .\n0", " .\t\n0"), "Line 2 of .* has 6 fields"),
        (PAIRS.replace("#2 ID", "#1 ID"), "has two columns named '#1 ID'"),
        (PAIRS.split("\n")[0], "has no examples"),
        (PAIRS.replace("\t", ","), "separates its columns by commas, not by tabs"),
        ("", "has no column|is empty"),
        (PAIRS.encode().replace(b"cat", b"c\xe9t"), "is not UTF-8 text .* or download it again"),
        (PAIRS.encode("utf-16"), "is not UTF-8 text"),
        (PAIRS.replace("\n", "\r").encode(), "ends its lines with carriage returns alone"),
    ],
)
def test_a_mangled_file_is_refused_with_what_to_do(tmp_path, content, message):
    with pytest.raises(BadData, match=message) as caught:
        folder_examples(put(tmp_path, "MRPC/dev.tsv", content), MRPC, "dev")
    assert caught.value.mend


def quoted(text, quoting):
    """The same rows as the csv module writes them."""
    out = io.StringIO()
    rows = [line.split("\t") for line in text.strip().split("\n")]
    csv.writer(out, delimiter="\t", quoting=quoting, lineterminator="\n").writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (quoted(PAIRS, csv.QUOTE_ALL), "its columns' names in quotes: it is written as CSV. .*quoting=csv.QUOTE_NONE"),
        (PAIRS.split("\n")[0] + "\n" + quoted(PAIRS, csv.QUOTE_ALL).split("\n", 1)[1], "all its sentences in quotes"),
        (quoted(PAIRS.replace("No dog", 'No "dog"'), csv.QUOTE_MINIMAL), "doubles the quotes inside its sentences"),
    ],
)
def test_a_file_written_as_csv_is_noticed(tmp_path, content, message):
    label_unquoted = content.replace('"1"\t', "1\t").replace('"0"\t', "0\t")
    with pytest.raises(BadData, match=message):
        folder_examples(put(tmp_path, "MRPC/dev.tsv", label_unquoted), MRPC, "dev")


def test_sentences_that_are_quotations_are_text(tmp_path):
    lines = PAIRS.replace("A cat runs .", '"A cat runs ."').replace("Yes .", 'He said "yes" .')
    examples = folder_examples(put(tmp_path, "MRPC/dev.tsv", lines), MRPC, "dev")
    assert [examples.items[0].texts[0], examples.items[1].texts[1]] == ['"A cat runs ."', 'He said "yes" .']


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n", "  \n\n"])
def test_blank_lines_at_the_end_are_nothing(tmp_path, end):
    examples = folder_examples(put(tmp_path, "MRPC/dev.tsv", PAIRS + end), MRPC, "dev")
    assert examples.items == READ
    assert examples.is_official


@pytest.mark.parametrize(
    ("content", "n"), [("\n".join(PAIRS.split("\n")[:2]), 1), (PAIRS + PAIRS.split("\n")[1] + "\n", 3)]
)
def test_a_dev_file_of_another_length_is_the_persons_own(tmp_path, content, n):
    put(tmp_path, "MRPC/dev.tsv", content)
    examples = folder_examples(tmp_path, MRPC, "dev")
    assert (len(examples), examples.is_official) == (n, False)
    assert examples.source == f"your own dev.tsv, not GLUE's ({n} examples, GLUE's has 2)"


def test_a_training_file_of_another_length_is_refused_with_what_to_do(tmp_path):
    put(tmp_path, "MRPC/train.tsv", "\n".join(PAIRS.split("\n")[:2]))
    with pytest.raises(BadData, match=r"has 1 examples; the official train split has 2. .*`--train-file NAME`"):
        folder_examples(tmp_path, MRPC, "train")


def test_cola_with_the_header_that_it_has_not(tmp_path):
    put(tmp_path, "CoLA/dev.tsv", "source\tlabel\toriginal_label\tsentence\nx1\t1\t\tThe cat sees .\n")
    with pytest.raises(BadData, match=r"Line 1 of .* has the label 'label'.* no line with the columns' names: take it"):
        folder_examples(tmp_path, COLA, "dev")
    put(tmp_path, "CoLA/dev.tsv", "x1\t1\t\tThe cat\tsees .\n")
    with pytest.raises(BadData, match=r"Line 1 of .* has 5 fields, more than the 4 columns"):
        folder_examples(tmp_path, COLA, "dev")


def test_short_rows_of_qqp_are_left_out_as_the_hub_leaves_them_out(tmp_path):
    rows = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t1\n4\t5\t6\tc\n7\t8\t9\td\te\t0\n"
    examples = folder_examples(put(tmp_path, "QQP/dev.tsv", rows), replace(TASKS["QQP"], dev_rows=2), "dev")
    assert [item.texts for item in examples.items] == [("a", "b"), ("d", "e")]
    assert examples.is_official


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path, monkeypatch):
    put(tmp_path, "MRPC/dev.tsv", PAIRS)

    def refuse(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(foreign, "_opened", refuse)
    with pytest.raises(BadData, match=r"dev.tsv cannot be read \(Permission denied\)"):
        folder_examples(tmp_path, MRPC, "dev")


def test_a_home_folder_is_found_and_an_unknown_one_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path / "glue", "MRPC/dev.tsv", PAIRS)
    assert folder_examples(Path("~/glue"), MRPC, "dev").items == READ
    monkeypatch.setenv("GLUE_DIR", "~/glue")
    assert load_examples(MRPC, "dev", None).items == READ
    with pytest.raises(BadRequest, match="names a home folder that does not exist"):
        folder_examples(Path("~nobody-of-that-name/glue"), MRPC, "dev")


@pytest.mark.parametrize(("task", "label"), [(MRPC, -1), (MRPC, None), (MRPC, 0.5), (STSB, float("nan")), (STSB, -1.0)])
def test_a_label_of_the_hub_that_is_none(hub, task, label):
    hub.table = [{"sentence1": "a", "sentence2": "b", "label": label}]
    with pytest.raises(BadData, match=r"Example 1 of .* on the Hub has the label"):
        hub_examples(task, "dev")


def test_a_missing_folder_task_or_file_is_named(tmp_path):
    with pytest.raises(BadData, match=r"There is no GLUE folder at .*nowhere. Set --glue-dir or GLUE_DIR"):
        folder_examples(tmp_path / "nowhere", MRPC, "dev")
    with pytest.raises(BadData, match=r"MRPC has no dev.tsv in .* Put the file there, or leave out --glue-dir"):
        folder_examples(tmp_path, MRPC, "dev")
    put(tmp_path, "MRPC/dev.tsv", PAIRS)
    with pytest.raises(BadData, match=r"MRPC has no train.tsv"):
        folder_examples(tmp_path, MRPC, "train")


def test_another_file_may_have_any_number_of_rows(tmp_path):
    put(tmp_path, "MRPC/few.tsv", "\n".join(PAIRS.split("\n")[:2]))
    assert len(folder_examples(tmp_path, MRPC, "train", file="few.tsv")) == 1
    with pytest.raises(BadData, match=r"MRPC has no many.tsv"):
        folder_examples(tmp_path, MRPC, "train", file="many.tsv")


def test_the_folder_given_goes_before_the_environment(tmp_path, monkeypatch):
    put(tmp_path / "given", "MRPC/dev.tsv", PAIRS)
    put(tmp_path / "set", "MRPC/dev.tsv", PAIRS.replace("cat", "bird"))
    monkeypatch.setenv("GLUE_DIR", str(tmp_path / "set"))
    assert load_examples(MRPC, "dev", tmp_path / "given").items == READ
    assert "bird" in load_examples(MRPC, "dev", None).items[0].texts[0]
    monkeypatch.setenv("GLUE_DIR", "  ")
    assert glue_dir_from_environment() is None


def test_the_fingerprint_depends_on_every_text_and_label_and_their_order():
    a, b = Example(("one", "two"), 1.0), Example(("onet", "wo"), 1.0)
    digests = {examples_sha256(items) for items in ([a], [b], [a, b], [b, a], [Example(("one", "two"), 0.0)], [])}
    assert len(digests) == 6


@pytest.fixture
def hub(monkeypatch):
    """`hub.reached` and `hub.table` say how the Hub behaves; nothing leaves this machine."""
    import datasets
    from datasets import config
    from huggingface_hub import HfApi

    class Hub:
        reached = True
        table: object = ()
        offline: object = None
        asked: object = None

    def dataset_info(_self, _name, timeout):
        assert timeout < 10
        if not Hub.reached:
            raise ConnectionError("no route")

    def load_dataset(*names, split):
        Hub.asked, Hub.offline = (*names, split), config.HF_HUB_OFFLINE
        if isinstance(Hub.table, Exception):
            raise Hub.table
        return Hub.table

    monkeypatch.setattr(HfApi, "dataset_info", dataset_info)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.delenv("GLUE_DIR", raising=False)
    return Hub


def test_the_hub_gives_the_same_examples_as_the_folder(hub):
    hub.table = [{"sentence1": i.texts[0], "sentence2": i.texts[1], "label": int(i.label), "idx": 0} for i in READ]
    examples = load_examples(MRPC, "dev", None)
    assert (examples.items, examples.source) == (READ, "Hugging Face Hub")
    assert examples.sha256 == examples_sha256(READ)
    assert hub.asked == ("nyu-mll/glue", "mrpc", "validation")
    assert not hub.offline


def test_an_unreachable_hub_is_one_clear_message(hub):
    from datasets import config

    hub.reached, hub.table = False, OSError("no cache")
    with pytest.raises(BadData, match=r"Hub cannot be reached for MNLI \(ConnectionError\)") as caught:
        hub_examples(MNLI, "dev")
    assert "--glue-dir DIR or GLUE_DIR" in caught.value.mend
    assert "\n" not in str(caught.value)
    assert hub.asked == ("nyu-mll/glue", "mnli", "validation_matched")
    assert hub.offline, "an unreachable Hub is asked for its cache alone"
    assert not config.HF_HUB_OFFLINE, "the setting is put back"


def test_what_the_hub_left_in_the_cache_is_used_offline(hub):
    hub.reached, hub.table = False, [{"sentence": "a cat", "label": 1}]
    assert hub_examples(COLA, "train").items == (Example(("a cat",), 1.0),)
    assert hub.asked == ("nyu-mll/glue", "cola", "train")


def test_tasks_are_named_whatever_the_case():
    assert task_named(" sst-2 ") is TASKS["SST-2"]
    assert TASKS["STS-B"].is_regression
    assert [task.n_outputs for task in TASKS.values()] == [2, 2, 2, 1, 2, 3, 2, 2, 2]


@pytest.mark.glue
@pytest.mark.parametrize("name", ["CoLA", "SST-2", "MRPC", "STS-B", "MNLI", "QNLI", "RTE", "WNLI"])
def test_the_official_dev_sets_have_their_documented_sizes(name):
    folder = os.environ.get("GLUE_DIR", "")
    if not folder:
        pytest.skip("needs the official GLUE files: set GLUE_DIR")
    task = TASKS[name]
    examples = folder_examples(Path(folder), task, "dev")
    assert len(examples) == task.dev_rows
    assert all(text.strip() for item in examples.items for text in item.texts)
    assert len(set(examples.labels)) == (len(task.labels) or len(set(examples.labels)))


def test_another_training_file_is_never_the_hubs(monkeypatch, tmp_path):
    monkeypatch.delenv("GLUE_DIR", raising=False)
    with pytest.raises(BadData, match=r"'small\.tsv' would be a file in a GLUE folder"):
        load_examples(TASKS["MRPC"], "train", None, file="small.tsv")
    with pytest.raises(BadData, match=r"MRPC has no small\.tsv"):
        require_file(TASKS["MRPC"], tmp_path, "small.tsv")
