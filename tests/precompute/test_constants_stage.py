"""Stage constants on a tiny model: what it scores is what it learnt, under its masks; score and lab read it back."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from explorer.bert.engine import Instead
from explorer.errors import BadBundle
from explorer.glue.metrics import predictions_of
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.live.opening import with_learned
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from precompute.options import Options
from precompute.stages import constants, prune
from precompute.stages.opened import open_run
from tests.precompute.conftest import SEED

RUN = Run("minilm-l6", "MRPC", SEED)
KEY = Key(RUN, "constants")


@pytest.fixture(scope="module")
def made(finetuned_bundle, glue, tmp_path_factory):
    root = shutil.copytree(finetuned_bundle, tmp_path_factory.mktemp("learnt") / "bundle")
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", Bundle(root), glue)
    prune.make(options, "together")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "STEPS", 8)
        manifest = constants.make(options)
        assert constants.make(options) == manifest
    return options


@pytest.fixture
def evaluator(made, glue):
    return Evaluator(open_run(made).classifier, folder_examples(glue, made.task, "dev"))


def test_each_row_is_its_mask_under_what_it_names(made, evaluator):
    assert not [problem for step in validate(made.bundle) for problem in step.problems if "constants" in problem]
    artefact = made.bundle.read(KEY)
    table, said = artefact.table, artefact.arrays["predictions"]
    assert list(table["instead"].value_counts()) == [constants.MASKS + 3] * 3
    assert list(table["name"][:4]) == ["good", "random", "bad", "drawn"]
    assert table.groupby("rate").size().to_dict() == dict.fromkeys((0.5, 0.65, 0.8, 0.9, 0.97), 15)
    learnt = Instead(*(torch.from_numpy(artefact.arrays[name]) for name in ("heads", "mlps")))
    engines = {
        "zero": evaluator.engine,
        "mean": evaluator.with_means_of(made.examples("train")).engine,
        "learned": evaluator.engine.with_instead(learnt),
    }
    for row, predictions in zip(table.to_dict("records"), said, strict=True):
        logits = engines[row["instead"]].logits_of_all(evaluator.encoded, Mask.from_code(row["mask"], 3, 4))
        np.testing.assert_array_equal(predictions_of(made.task, logits), predictions)


def test_they_are_read_back_for_their_own_model_alone(made, evaluator, tmp_path):
    learnt = with_learned(evaluator, made.bundle, RUN)
    assert "learned constants" in learnt.engine_version
    row = made.bundle.read(KEY).table.query("instead == 'learned'").iloc[0]
    assert learnt.evaluate(Mask.from_code(row["mask"], 3, 4)).score == row["score"]

    other = Bundle(shutil.copytree(made.bundle.root, tmp_path / "other"))
    path = other.root / KEY.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"checkpoint_sha256": "0" * 64}))
    with pytest.raises(BadBundle, match="another model"):
        with_learned(evaluator, other, RUN)


def test_the_verb_scores_with_them_and_says_what_to_do_without(made, run, glue, tmp_path):
    code = made.bundle.read(KEY).table["mask"][0]
    given = ("score", "--task", "MRPC", "--seed", SEED, "--mask", code, "--instead", "learned", "--glue-dir", glue)
    given = (*given, "--model", "minilm-l6")
    found = run(*given, "--bundle", made.bundle.root, "--json")
    assert found.status == 0, found.err
    said = json.loads(found.out)
    row = made.bundle.read(KEY).table.query("instead == 'learned'").iloc[0]
    assert (said["instead"], said["value"]) == ("learned", row["score"])
    bare = shutil.copytree(made.bundle.root, tmp_path / "bare")
    shutil.rmtree(bare / KEY.path)
    lacking = run(*given, "--bundle", bare)
    assert lacking.status != 0
    assert "precompute constants --task MRPC" in lacking.err
