"""Stage mean-ablated on a tiny model: scores are those of mean ablation, zeros in place of means are the paper's."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from explorer.bert.engine import Engine, Instead
from explorer.bert.shards import shards_of
from explorer.bert.stand_ins import sample_for_means
from explorer.glue.encoding import encode
from explorer.glue.metrics import predictions_of
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.tickets.subnetworks import bad, random
from precompute.options import Options
from precompute.stages import mean, prune
from tests.precompute.conftest import SEED

RUN = Run("minilm-l6", "MRPC", SEED)


@pytest.fixture(scope="module")
def pruned(finetuned_bundle, glue, tmp_path_factory):
    root = shutil.copytree(finetuned_bundle, tmp_path_factory.mktemp("pruned") / "bundle")
    prune.make(Options(TASKS["MRPC"], SEED, "minilm-l6", Bundle(root), glue), "together")
    return root


@pytest.fixture
def options(pruned, glue, tmp_path):
    return Options(TASKS["MRPC"], SEED, "minilm-l6", Bundle(shutil.copytree(pruned, tmp_path / "bundle")), glue)


def test_what_it_holds_is_mean_ablation_s(options, glue):
    made, bundle, task = mean.make(options), options.bundle, options.task
    assert mean.make(options) == made
    assert not [problem for problem in validate(bundle) if "mean-ablated" in str(problem)]
    artefact = bundle.read(Key(RUN, "mean-ablated"))
    table, said = artefact.table, artefact.arrays["predictions"]
    assert list(table.loc[table["part"] == "alone", "name"])[:2] == ["head 0 0", "head 0 1"]
    assert (table["part"] == "alone").sum() == 3 * 4 + 3
    zero = Mask.from_code(bundle.manifest(Key(RUN, "structured", "together")).summary["ticket"], 3, 4)
    of_mean = Mask.from_code(made.summary["ticket"], 3, 4)
    tickets = table[table["part"] == "ticket"]
    for found, own in (("zero", zero), ("mean", of_mean)):
        masks = [own, random(own, SEED).mask, bad(own, SEED).mask]
        for instead in ("zero", "mean"):
            rows = tickets[(tickets["found"] == found) & (tickets["instead"] == instead)]
            assert list(rows["name"]) == ["good", "random", "bad"]
            assert list(rows["mask"]) == [mask.code for mask in masks]
    last = table[(table["part"] == "path") & table["held"]].iloc[-1]
    assert last["mask"] == of_mean.code

    evaluator = Evaluator(mean.open_run(options).classifier, folder_examples(glue, task, "dev"))
    train = sample_for_means(folder_examples(glue, task, "train"))
    assert made.summary["examples_of_means"] == made.data["train-sample"]["n"] == len(train)
    engine = evaluator.engine
    means = engine.mean_outputs(shards_of(encode(train, evaluator.classifier.tokenizer)))
    for row, predictions in zip(table.to_dict("records"), said, strict=True):
        by = engine.with_instead(means) if row["instead"] == "mean" else engine
        logits = by.logits_of_all(evaluator.encoded, Mask.from_code(row["mask"], 3, 4))
        np.testing.assert_array_equal(predictions_of(task, logits), predictions)


def test_zeros_in_the_place_of_means_are_the_paper_s_path(options, monkeypatch):
    """Through gates, pruning and scores: the path under constants of 0 is the stored one, and so is each ticket."""
    monkeypatch.setattr(Engine, "mean_outputs", lambda self, _: Instead(torch.zeros(3, 4, 4), torch.zeros(3, 16)))
    mean.make(options)
    table = options.bundle.read(Key(RUN, "mean-ablated")).table
    path = options.bundle.read(Key(RUN, "structured", "together")).table
    for column in ("mask", "score", "held"):
        assert list(table.loc[table["part"] == "path", column]) == list(path[column])
    scores = table[table["part"] == "ticket"].set_index(["found", "name", "instead"])["score"]
    assert list(scores.xs("mean", level="instead")) == list(scores.xs("zero", level="instead"))
