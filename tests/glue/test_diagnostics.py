"""The sentences written for this project: enough, balanced, without duplicates, the same everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from explorer.errors import BadRequest
from explorer.glue.data_hash import examples_sha256
from explorer.glue.diagnostics import (
    DIAGNOSTICS,
    PARTS,
    diagnostic_examples,
    diagnostic_for,
    sentences_of_stored_maps,
)
from explorer.glue.diagnostics.tables import quad, rows, sentence, shuffled
from explorer.glue.tasks import TASKS, Example

# Stored attention maps were drawn from these, and are tied to them.
OF_STORED_MAPS = {
    "acceptability": "d395695869166e7cfb30df78c26bcfb900196514de3af907bb94a56828ae48b7",
    "sentiment": "e0e473c690bb647e72c9c81c3f5828e292e9787ea6146b9396512c0d5940c984",
    "paraphrase": "96d125e83a5a51d2553e0e8df4eac351116eadcd1239a90159553e3e8c35f368",
    "similarity": "bbe97da5615b77cc4d331c4aeb8ac2a4eb592b66afb90c0316e73a9d7b5eae88",
    "entailment": "bd9da44b4ea7930be6017dbbea8dde2fa3e38c30c527f583ea198215d7aeba73",
}
# Cached numbers are tied to these: whoever changes a sentence has to evaluate again.
GOLDEN = {
    "acceptability": "2ce99c8da23db8d5afdfe0e174af149c05a014af911b8d16ea93018fcceadf8f",
    "sentiment": OF_STORED_MAPS["sentiment"],
    "paraphrase": "5519a379d9f8ad16628d9af43d19563cab755190bda793989d08c3f0cd2c393d",
    "similarity": OF_STORED_MAPS["similarity"],
    "entailment": "0d798765e460a3cb8b35397d4827fbbb48c1090238a4996c7a54db96d5c2a183",
}
NAMES = tuple(DIAGNOSTICS)
each_diagnostic = pytest.mark.parametrize("name", NAMES)


def items_of(name):
    return diagnostic_examples(TASKS[DIAGNOSTICS[name].probes]).items


def by_phenomenon(name):
    groups: dict[str, list[Example]] = defaultdict(list)
    for item in items_of(name):
        groups[item.phenomenon].append(item)
    return groups


def test_five_diagnostics_probe_five_tasks():
    assert {d.name: d.probes for d in DIAGNOSTICS.values()} == {
        "acceptability": "CoLA",
        "sentiment": "SST-2",
        "paraphrase": "MRPC",
        "similarity": "STS-B",
        "entailment": "RTE",
    }


@each_diagnostic
def test_there_are_enough_examples(name):
    groups = by_phenomenon(name)
    assert sum(map(len, groups.values())) >= 400
    assert 6 <= len(groups) <= 13
    assert set(groups) == set(DIAGNOSTICS[name].phenomena)
    assert min(map(len, groups.values())) >= 40


@each_diagnostic
def test_labels_are_balanced_in_every_phenomenon(name):
    labels = {0.0, 1.0, 2.0, 3.0, 4.0, 5.0} if name == "similarity" else {0.0, 1.0}
    for phenomenon, group in by_phenomenon(name).items():
        counts = Counter(item.label for item in group)
        assert set(counts) == labels, phenomenon
        assert len(set(counts.values())) == 1, phenomenon


@each_diagnostic
def test_no_example_occurs_twice(name):
    texts = [tuple(text.lower() for text in item.texts) for item in items_of(name)]
    assert len(set(texts)) == len(texts)


@each_diagnostic
def test_texts_are_clean_and_fit_the_schema(name):
    task = TASKS[DIAGNOSTICS[name].probes]
    for item in items_of(name):
        assert len(item.texts) == len(task.columns)
        assert len(set(item.texts)) == len(item.texts)
        for text in item.texts:
            assert text == " ".join(text.split())
            assert text.isascii()
            assert text[-1] in ".?"
            assert text == text.lower() if name == "sentiment" else text[0] == text[0].upper()
            assert not re.search(r"[@{}|\\]| [,.?]|[.,]{2}", text), text
            assert not re.search(r"\b(a [aeio]|an (?!hour)[^aeio])", text.lower()), text
            assert not re.search(r"\b(\w+) \1\b", text.lower()), text


@pytest.mark.parametrize("name", [name for name in NAMES if name != "similarity"])
def test_length_does_not_give_the_label_away(name):
    # Not in similarity, where level 4 is a detail more.
    for phenomenon, group in by_phenomenon(name).items():
        words = {0.0: 0, 1.0: 0}
        for item in group:
            words[item.label] += sum(len(text.split()) for text in item.texts)
        assert words[0.0] == pytest.approx(words[1.0], rel=0.05), phenomenon


@pytest.mark.parametrize("name", ["paraphrase", "entailment"])
def test_no_second_text_gives_the_label_away(name):
    labels: dict[tuple[str, str], list[float]] = defaultdict(list)
    for item in items_of(name):
        labels[item.phenomenon, item.texts[1]].append(item.label)
    one_sided = {phenomenon for (phenomenon, _), seen in labels.items() if seen.count(0.0) != seen.count(1.0)}
    # One-way entailments: the reversed pair is the counterpart, so a hypothesis occurs in one class only.
    assert one_sided <= {"quantifiers", "hypernym", "numbers", "conditional"}


@each_diagnostic
def test_the_same_sentences_for_good(name):
    examples = diagnostic_examples(TASKS[DIAGNOSTICS[name].probes])
    assert examples.sha256 == examples_sha256(examples.items) == GOLDEN[name]
    assert examples.split == "dev"
    assert examples.source == f"built-in diagnostics: {name}"
    assert examples.task.name == DIAGNOSTICS[name].probes


@each_diagnostic
def test_the_sentences_of_stored_maps_are_those_of_before(name):
    assert sentences_of_stored_maps(TASKS[DIAGNOSTICS[name].probes]).sha256 == OF_STORED_MAPS[name]


@each_diagnostic
def test_the_parts_are_the_phenomena_that_they_name_and_all_of_it(name):
    diagnostic, task = DIAGNOSTICS[name], TASKS[DIAGNOSTICS[name].probes]
    plain, hard, everything = (diagnostic_examples(task, part) for part in PARTS)
    assert {item.phenomenon for item in plain.items} == set(diagnostic.plain)
    assert {item.phenomenon for item in hard.items} == set(diagnostic.phenomena) - set(diagnostic.plain)
    assert set(plain.items) | set(hard.items) == set(everything.items)
    assert len(plain) + len(hard) == len(everything)
    assert plain.source == f"built-in diagnostics: {name}, plain part"
    assert len({plain.sha256, hard.sha256, everything.sha256}) == 3
    assert len(plain) >= (120 if name == "sentiment" else 220)


def test_another_process_writes_the_same_without_torch():
    code = (
        "import sys\n"
        "from explorer.glue.diagnostics import DIAGNOSTICS, diagnostic_examples\n"
        "from explorer.glue.tasks import TASKS\n"
        "for d in DIAGNOSTICS.values(): print(d.name, diagnostic_examples(TASKS[d.probes]).sha256)\n"
        "print(*({'torch', 'transformers', 'streamlit'} & set(sys.modules)))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    *hashes, heavy = run.stdout.split("\n")[:-1]
    assert dict(line.split() for line in hashes) == GOLDEN
    assert heavy == ""


def test_shuffled_so_that_a_prefix_holds_all_phenomena():
    for name in NAMES:
        assert {item.phenomenon for item in items_of(name)[:120]} == set(DIAGNOSTICS[name].phenomena)


def test_labels_follow_the_class_order_of_the_task():
    rte = diagnostic_examples(TASKS["RTE"]).items
    wnli = diagnostic_examples(TASKS["WNLI"]).items
    assert TASKS["RTE"].label_names != TASKS["WNLI"].label_names
    for one, two in zip(rte, wnli, strict=True):
        word = TASKS["RTE"].label_names[int(one.label)]
        assert TASKS["WNLI"].label_names[int(two.label)] == word
        assert one.texts == two.texts


def test_a_known_pair_has_the_label_it_should():
    def label_word(task_name, *texts):
        (item,) = (i for i in diagnostic_examples(TASKS[task_name]).items if i.texts == texts)
        return TASKS[task_name].label_names[int(item.label)]

    every = "All the nurses signed the letter."
    some_of_them = "All the nurses on the night shift signed the letter."
    assert label_word("RTE", every, some_of_them) == "entailment"
    assert label_word("RTE", some_of_them, every) == "not entailment"
    assert label_word("WNLI", every, some_of_them) == "entailment"
    assert label_word("CoLA", "The key to the drawers is rusty.") == "acceptable"
    assert label_word("CoLA", "The key to the drawers are rusty.") == "unacceptable"
    assert label_word("CoLA", "The opened nurse the door the garden to.") == "unacceptable"
    boat = "Tom Barker lives on a boat, and he cooks his meals on a small stove."
    assert label_word("RTE", boat, "Tom Barker lives on a boat.") == "entailment"
    assert label_word("RTE", boat, "The company makes shoes for dancers.") == "not entailment"
    assert label_word("SST-2", "this comedy is never dull.") == "positive"
    sued = "The bank sued the insurer over unpaid loans."
    for task_name in ("MRPC", "QQP"):
        assert label_word(task_name, sued, "The insurer was sued by the bank over unpaid loans.") == "paraphrase"
        assert label_word(task_name, sued, "The bank was sued by the insurer over unpaid loans.") == "different"


def test_which_tasks_have_no_diagnostic():
    assert {name for name, task in TASKS.items() if diagnostic_for(task) is None} == {"MNLI", "QNLI"}
    with pytest.raises(BadRequest, match=r"^No sentences were written for MNLI\. .*CoLA.*dev split"):
        diagnostic_examples(TASKS["MNLI"])


def test_tables():
    assert rows("\na | b\nc |\n") == [["a", "b"], ["c", ""]]
    with pytest.raises(ValueError, match="Rows of different lengths"):
        rows("a | b\nc")
    assert sentence("on Monday , the  dog ran") == "On Monday, the dog ran."
    assert sorted(shuffled(range(50), 3)) == list(range(50))
    assert shuffled(range(50), 3) == shuffled(range(50), 3) != shuffled(range(50), 4)
    assert [item.label for item in quad(("a", "b"), ("c", "d"))] == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.glue
def test_no_sentence_comes_from_glue():
    folder = os.environ.get("GLUE_DIR", "")
    if not folder:
        pytest.skip("GLUE_DIR is not set: there are no GLUE files to compare with")

    def plain(text):
        return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()

    ours = {plain(text) for name in NAMES for item in items_of(name) for text in item.texts}
    files = sorted(Path(folder).glob("*/*.tsv"))
    assert files
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            shared = ours.intersection(map(plain, line.split("\t")))
            assert not shared, (path.parent.name, path.name)
