"""Stage pairs on a tiny model: what the reference scores, additive in what it should be, and killed half-way."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.reference import reference_logits
from explorer.glue.encoding import encode
from explorer.glue.metrics import score_of
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.stats.interaction import pairs_of
from explorer.stats.logit_margins import margins
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from precompute.options import Options
from precompute.stages import pairs
from tests.precompute.conftest import ROWS, SEED

RUN, SHAPE, PARTS = Run("minilm-l6", "MRPC", SEED), (3, 4), 15
KEY = Key(RUN, "pairs")


@pytest.fixture(scope="module")
def made(finetuned_bundle, glue, tmp_path_factory):
    """A copy of the fine-tuned bundle with its pairs; the first call is killed after some masks."""
    root = shutil.copytree(finetuned_bundle, tmp_path_factory.mktemp("pairs") / "bundle")
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", Bundle(root), glue)
    scored, known = pairs.score_masks, []

    def killed(evaluator, masks, words, state):
        known.append(len(state.arrays.get("seconds", ())))
        found = scored(evaluator, masks[: 28 if len(known) == 1 else None], words, state)
        if len(known) == 1:
            raise KeyboardInterrupt
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "score_masks", killed)
        with pytest.raises(KeyboardInterrupt):
            pairs.make(options)
        manifest = pairs.make(options)
    assert known == [0, 28], "it goes on"
    assert pairs.make(options) == manifest
    return Bundle(root)


def test_its_artefact_is_what_the_bundle_promises(made):
    assert not [problem for problem in validate(made) if "pairs" in str(problem)]
    stored = made.read(KEY)
    assert len(stored.table) == PARTS * (PARTS - 1) // 2
    wrong = stored.table.iloc[::-1].reset_index(drop=True)
    made.write(stored.manifest, arrays=stored.arrays, table=wrong)
    told = [str(problem) for problem in validate(made) if "pairs" in str(problem)]
    made.write(replace(stored.manifest, files={}), arrays=stored.arrays, table=stored.table)
    assert any("every two components once" in words for words in told)


def test_each_pair_is_what_the_reference_scores(made, glue):
    stored, task = made.read(KEY), TASKS["MRPC"]
    dev, model = folder_examples(glue, task, "dev"), load_finetuned(str(made.checkpoint(RUN)), task)
    encoded = encode(dev, model.tokenizer)

    def logits(*off):
        kept = np.ones(PARTS, np.bool_)
        kept[list(off)] = False
        return reference_logits(model, encoded, Mask(kept[:12].reshape(SHAPE), kept[12:]))

    right = np.unpackbits(stored.arrays["right"], axis=1, count=ROWS)
    for number in (0, 40, 104):
        first, second = pairs_of(PARTS)[number]
        row = stored.table.iloc[number]
        four = [logits(first, second), logits(first), logits(second), logits()]
        scores = [score_of(task, one, dev.labels) for one in four]
        assert row["score"] == scores[0]
        assert row["interaction"] == pytest.approx(scores[0] - scores[1] - scores[2] + scores[3])
        assert right[1 + PARTS + number].mean() == pytest.approx(scores[0])
        assert stored.arrays["alone"][first] == scores[1]
        by_margin = [margins(one, dev.labels).mean() for one in four]
        expected = by_margin[0] - by_margin[1] - by_margin[2] + by_margin[3]
        assert row["margin_interaction"] == pytest.approx(expected, abs=0.02)
        assert row["margin_low"] <= row["margin_interaction"] <= row["margin_high"]


def test_neighbours_share_the_layers_below_what_they_switch(made):
    _, masks = pairs.masks_of_pairs(SHAPE)
    in_order = sorted(masks, key=pairs._by_layer)
    first_off = [next(layer for layer in range(3) if not (of.heads[layer].all() and of.mlps[layer])) for of in in_order]
    assert first_off == sorted(first_off)
    assert len(set(masks)) == len(masks) == PARTS + PARTS * (PARTS - 1) // 2
