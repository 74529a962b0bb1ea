"""Other people's classifiers: which output is which class, whatever order and spelling their config.json has."""

from __future__ import annotations

import shutil
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

from explorer.bert.batches import by_length
from explorer.bert.checkpoints import load_finetuned, load_pretrained
from explorer.bert.class_order import below_baseline, class_order, own_order
from explorer.bert.engine import Engine
from explorer.bert.reference import reference_logits
from explorer.errors import BadCheckpoint
from explorer.glue.tasks import TASKS, OwnData, Task
from explorer.mask import Mask
from explorer.tickets.loadable import write_folder
from tests import tiny

MNLI, RTE, MRPC, SST2, COLA, STSB, QQP, WNLI, QNLI = (
    TASKS[name] for name in ("MNLI", "RTE", "MRPC", "SST-2", "CoLA", "STS-B", "QQP", "WNLI", "QNLI")
)
ENCODED = tiny.random_encoded(10)
FULL = Mask.full(tiny.N_LAYERS, tiny.N_HEADS)


def named(names):
    return {"id2label": {str(i): name for i, name in enumerate(names)}, "label2id": {n: i for i, n in enumerate(names)}}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return tiny.save_folder(tmp_path_factory.mktemp("models") / "nli", 3)


def plain_logits(folder):
    """By plain transformers, in the folder's own order."""
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    logits = np.zeros((len(ENCODED), model.config.num_labels), np.float32)
    with torch.inference_mode():
        for batch in by_length(ENCODED, 4):
            out = model(
                input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
            )
            logits[batch.indices] = out.logits.numpy()
    return logits


@pytest.mark.parametrize("names", list(permutations(MNLI.labels)), ids=lambda names: ",".join(n[0] for n in names))
def test_outputs_are_put_into_the_order_of_the_task(three, tmp_path, names):
    folder = Path(shutil.copytree(three, tmp_path / "nli"))
    tiny.edit_config(folder, **named(names))
    classifier = load_finetuned(str(folder), MNLI)
    expected = plain_logits(folder)[:, [names.index(label) for label in MNLI.labels]]
    np.testing.assert_allclose(reference_logits(classifier, ENCODED, FULL), expected, atol=tiny.FP32)
    assert classifier.classes.how == ("names" if names == MNLI.labels else "permuted")
    assert all(name in classifier.classes.sentence for name in names)
    assert classifier.classes.names == names


def test_what_is_exported_is_named_right_and_comes_back_the_same(three, tmp_path):
    folder = Path(shutil.copytree(three, tmp_path / "nli"))
    tiny.edit_config(folder, **named(("contradiction", "entailment", "neutral")))
    classifier = load_finetuned(str(folder), MNLI)
    write_folder(classifier, FULL, MNLI, tmp_path / "out")
    again = load_finetuned(str(tmp_path / "out"), MNLI)
    assert again.classes.how == "names"
    assert torch.equal(again.model.classifier.weight, classifier.model.classifier.weight)
    model = BertForSequenceClassification.from_pretrained(tmp_path / "out")
    assert model.config.id2label == {0: "entailment", 1: "neutral", 2: "contradiction"}
    assert torch.equal(model.classifier.weight, classifier.model.classifier.weight)


@pytest.mark.parametrize("task", list(TASKS.values()))
def test_every_export_comes_back(task, tmp_path):
    classifier = tiny.finetuned(tmp_path / "model", task)
    write_folder(classifier, FULL, task, tmp_path / "out")
    again = load_finetuned(str(tmp_path / "out"), task)
    assert again.classes.how == ("one output" if task.is_regression else "names")
    assert torch.equal(again.model.classifier.weight, classifier.model.classifier.weight)


@pytest.mark.parametrize(
    ("task", "names", "how"),
    [
        (RTE, ("entailment", "not_entailment"), "names"),
        (RTE, ("Not-Entailment", "ENTAILMENT"), "permuted"),
        (QNLI, ("not entailment", "entailment"), "permuted"),
        (WNLI, ("not_entailment", "entailment"), "names"),
        (WNLI, ("entailment", "not_entailment"), "permuted"),
        (SST2, ("NEGATIVE", "POSITIVE"), "names"),
        (SST2, ("positive", "negative"), "permuted"),
        (SST2, ("POS", "NEG"), "permuted"),
        (COLA, ("acceptable", "unacceptable"), "permuted"),
        (COLA, ("unacceptable", "acceptable"), "names"),
        (MRPC, ("not_equivalent", "equivalent"), "names"),
        (MRPC, ("equivalent", "not_equivalent"), "permuted"),
        (QQP, ("not_duplicate", "duplicate"), "names"),
        (QQP, ("Duplicate", "Not Duplicate"), "permuted"),
        (MRPC, ("0", "1"), "names"),
        (MRPC, ("1", "0"), "permuted"),
        (RTE, ("0", "1"), "assumed"),
        (RTE, ("1", "0"), "permuted"),
        (SST2, ("LABEL_0", "LABEL_1"), "assumed"),
        (SST2, ("LABEL_1", "LABEL_0"), "permuted"),
        (MNLI, ("LABEL_0", "LABEL_1", "LABEL_2"), "assumed"),
        (STSB, ("LABEL_0",), "one output"),
        (STSB, ("similarity",), "one output"),
    ],
)
def test_spellings(task, names, how):
    order = class_order(named(names), len(names), task, "model")
    assert order.how == how
    assert order.is_permuted == (how == "permuted")
    if how == "permuted":
        assert order.rows == (1, 0)
    assert order.sentence


@pytest.mark.parametrize(
    ("config", "how"),
    [
        ({}, "assumed"),
        ({"label2id": {"entailment": 1, "not_entailment": 0}}, "permuted"),
        ({"label2id": {"not_entailment": "0", "entailment": "1"}}, "permuted"),
        (named(("LABEL_0", "LABEL_1")) | {"label2id": {"entailment": 1, "not_entailment": 0}}, "permuted"),
        (named(("not_entailment", "entailment")) | {"label2id": {"LABEL_0": 0, "LABEL_1": 1}}, "permuted"),
        ({"id2label": ["not_entailment", "entailment"]}, "permuted"),
        (named(("not_entailment", "entailment")) | {"label2id": {"NOT entailment": 0, "entails": 1}}, "permuted"),
        (named(("not_entailment", "entailment")) | {"label2id": {"-1": 0, "1": 1}}, "permuted"),  # raw labels
        (named(("not_entailment", "entailment")) | {"label2id": {"1": 0, "2": 1}}, "permuted"),
        (
            named(("not_entailment", "entailment")) | {"label2id": {"not_entailment": 0, "entailment": 1, "other": 2}},
            "permuted",
        ),
        ({"id2label": {"0": "entailment", "1": "not_entailment"}}, "names"),
    ],
)
def test_label2id_counts_where_id2label_says_nothing(config, how):
    assert class_order(config, 2, RTE, "model").how == how


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            named(("toxic", "clean")),
            "names its outputs toxic, clean; the classes of RTE are entailment, not entailment",
        ),
        (named(("entailment", "LABEL_1")), "names its outputs entailment, LABEL_1"),
        (named(("entailment", "entails")), "names its outputs entailment, entails"),
        (named(("positive", "negative")), 'If not, name them so in `id2label` .*"id2label": {"0": "entailment"'),
        (named(("LABEL_1", "LABEL_2")), "names its outputs LABEL_1, LABEL_2"),
        (named(("a", "b", "c")), "names 3 outputs in `id2label`; its classifier has 2"),
        ({"id2label": {"0": "entailment"}}, "names 1 outputs"),
        ({"id2label": {"x": "entailment"}}, "`id2label` is not readable"),
        ({"label2id": {"entailment": "first"}}, "`label2id` is not readable"),
        ({"label2id": {"entailment": 0}}, "`label2id` does not give each of the 2 outputs one name"),
        (
            named(("entailment", "not_entailment")) | {"label2id": {"entailment": 1, "not_entailment": 0}},
            "contradicts itself",
        ),
        (named(("entailment", "not_entailment")) | {"label2id": {"Not Entailment": 0, "ENTAILED": 1}}, "contradicts"),
        (named(("entailment", "not_entailment")) | {"label2id": {"entailment": 0, "neutral": 1}}, "contradicts itself"),
        (named(("LABEL_0", "LABEL_1")) | {"label2id": {"LABEL_1": 0, "LABEL_0": 1}}, "contradicts itself"),
        ({"num_labels": 3}, "says num_labels 3; its classifier has 2 outputs"),
        ({"problem_type": "regression"}, "its problem is 'regression'; RTE is 'single_label_classification'"),
        ({"problem_type": "multi_label_classification"}, "its problem is 'multi_label_classification'"),
    ],
)
def test_names_that_are_none_of_the_tasks_are_refused(config, message):
    with pytest.raises(BadCheckpoint, match=message) as caught:
        class_order(config, 2, RTE, "model")
    assert caught.value.mend


def test_another_number_of_outputs():
    with pytest.raises(BadCheckpoint, match="model has 2 outputs; MNLI needs 3"):
        class_order({}, 2, MNLI, "model")


def test_a_pretrained_model_has_this_programs_order(three):
    assert load_pretrained(str(three), RTE, 0).classes == own_order(RTE)


def test_a_model_without_names_that_says_for_which_task_it_was_tuned():
    assert "fine-tuned for 'qqp'" in class_order({"finetuning_task": "qqp"}, 2, MRPC, "model").sentence


def test_a_warning_below_the_most_frequent_class():
    assumed, by_names = class_order({}, 2, RTE, "m"), class_order(named(RTE.labels), 2, RTE, "m")
    assert "accuracy is 0.400, below 0.527" in below_baseline(assumed, RTE, 0.4, 0.527)
    assert '"id2label": {"0": "entailment", "1": "not entailment"}' in below_baseline(assumed, RTE, 0.4, 0.527)
    assert below_baseline(by_names, RTE, 0.4, 0.527).endswith("Was it fine-tuned for RTE?")
    assert "Matthews correlation is -0.200, below 0." in below_baseline(assumed, COLA, -0.2, 0.0)
    for score in (0.527, 0.6, float("nan")):
        assert below_baseline(assumed, RTE, score, 0.527) == ""


def test_the_engine_scores_the_permuted_model(three, tmp_path):
    from explorer.bert.shards import shards_of

    folder = Path(shutil.copytree(three, tmp_path / "nli"))
    tiny.edit_config(folder, **named(("contradiction", "neutral", "entailment")))
    classifier = load_finetuned(str(folder), MNLI)
    (shard,) = shards_of(ENCODED, 10_000)
    logits = np.zeros((len(ENCODED), 3), np.float32)
    logits[shard.indices] = Engine(classifier).logits(shard, FULL)
    np.testing.assert_allclose(logits, plain_logits(folder)[:, ::-1], atol=tiny.FP32)


@pytest.mark.parametrize(
    ("words", "names", "rows"),
    [
        (("paraphrase", "equivalent"), ("paraphrase", "equivalent"), (0, 1)),
        (("paraphrase", "equivalent"), ("Equivalent", "Paraphrase"), (1, 0)),
        (("positive", "neg", "pos"), ("pos", "positive", "neg"), (1, 2, 0)),
        (("negative", "positive"), ("pos", "neg"), (1, 0)),
        (("paraphrase", "equivalent"), ("same", "equivalent"), None),
        (("paraphrase", "equivalent"), ("duplicate", "paraphrase"), None),
    ],
)
def test_an_own_task_may_tell_apart_what_glue_has_for_one_class(words, names, rows):
    own = OwnData("", "0" * 64, None, 0)
    task = Task("mine", ("text",), "label", words, words, "accuracy", 3, 0, own=own)
    if rows is None:
        with pytest.raises(BadCheckpoint, match="names its outputs"):
            class_order(named(names), len(names), task, "it")
    else:
        assert class_order(named(names), len(names), task, "it").rows == rows
