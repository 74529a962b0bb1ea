"""The league on a tiny model: each half under the order of the other, as the reference scores; killed, it goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.reference import reference_logits
from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.glue.metrics import score_of
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.stats.areas import area_under
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.study.league import league_of, meaning, over_seeds
from explorer.study.mask_bank import MaskBank, margins_of, mask_bank_of
from explorer.tickets.criteria import BANZHAF, CHANCE, CRITERIA, expected, halves_of, order_of
from precompute.options import Options
from precompute.stages import bank, league, measured
from tests.precompute.conftest import ROWS, SEED

RUN, SHAPE, PARTS = Run("minilm-l6", "MRPC", SEED), (3, 4), 15
KEY = Key(RUN, "league")


@pytest.fixture(scope="module")
def made(finetuned_bundle, glue, tmp_path_factory):
    """A copy of the fine-tuned bundle with the league; the first call is killed half-way."""
    root = shutil.copytree(finetuned_bundle, tmp_path_factory.mktemp("league") / "bundle")
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", Bundle(root), glue)
    scored, calls = league.score_masks, []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return scored(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(league, "DRAWS", 3)
        patch.setattr(league, "NODES", 4)
        patch.setattr(measured, "NODES", 4)
        for stage in (league, measured):
            patch.setattr(stage, "score_masks", killed)
        with pytest.raises(KeyboardInterrupt):
            league.make(options)
        patch.setattr(measured, "gate_gradients", None)  # measured already: not measured again
        league.make(options)
        again = league.make(options)
    bundle = Bundle(root)
    assert again == bundle.manifest(KEY)
    assert not bundle.work_folder(KEY).exists()
    return bundle


def test_its_artefact_is_what_the_bundle_promises(made):
    problems = [problem for problem in validate(made) if "league" in str(problem)]
    assert not problems
    stored = made.read(KEY)
    assert stored.table["criterion"].nunique() == len(CRITERIA) - 1, "all but Banzhaf, which takes a bank"
    assert len(stored.table) == (len(CRITERIA) - 2) * (PARTS + 1) + 3 * 6
    drawn = stored.table[stored.table["criterion"] == CHANCE]
    assert drawn["removed"].tolist() == [0, 3, 6, 9, 12, 15] * 3
    assert stored.arrays["chance"].shape == (3, 6, ROWS)
    assert stored.arrays["gradients"].shape == (ROWS, PARTS)


def test_each_half_is_scored_under_the_order_of_the_other(made, glue):
    stored = made.read(KEY)
    first, second = halves_of(ROWS)
    gradients = stored.arrays["gradients"].astype(np.float64)
    at = list(stored.manifest.summary["criteria"]).index("expected")
    of_first, of_second = stored.arrays["orders"][at]
    np.testing.assert_allclose(stored.arrays["worth"][at][0], expected(gradients[first]), rtol=1e-2)
    np.testing.assert_array_equal(of_first, order_of(stored.arrays["worth"][at][1]))
    np.testing.assert_array_equal(of_second, order_of(stored.arrays["worth"][at][0]))
    dev = folder_examples(glue, TASKS["MRPC"], "dev")
    model = load_finetuned(str(made.checkpoint(RUN)), TASKS["MRPC"])
    encoded, labels = encode(dev, model.tokenizer), dev.labels
    table = stored.table
    for removed in (0, 4, 9, PARTS):
        row = table[(table["criterion"] == "expected") & (table["removed"] == removed)].iloc[0]
        right = []
        for half, code in ((first, row["mask_first"]), (second, row["mask_second"])):
            said = reference_logits(model, encoded, Mask.from_code(code, *SHAPE)).argmax(1)
            np.testing.assert_array_equal(stored.arrays["predictions"][at, removed, half], said[half])
            right.append((said[half] == labels[half]).mean())
        assert row["score"] == pytest.approx(np.mean(right))
        assert row["low"] <= row["score"] <= row["high"]


def test_the_league_reads_areas_and_differences_from_it(made):
    found = league_of(made.read(KEY))
    assert [one.area for one in found.standings] == sorted((one.area for one in found.standings), reverse=True)
    of = found.curves[found.curves["criterion"] == "fisher"].sort_values("removed")["score"].to_numpy()
    assert found.standing("fisher").area == pytest.approx(area_under(of), abs=1e-6)
    paper, chance = found.standing("expected"), found.standing(CHANCE)
    assert (paper.against_expected.value, paper.against_expected.low, paper.against_expected.high) == (0, 0, 0)
    assert paper.against_chance.value == pytest.approx(paper.area - chance.area, abs=1e-6)
    assert found.draws == 3
    assert found.components == PARTS
    assert "on average over all sizes" in meaning(found, "accuracy")
    first, second = found.masks_at("expected", 4, SHAPE)
    assert first.heads_kept + first.mlps_kept == second.heads_kept + second.mlps_kept == PARTS - 4
    with pytest.raises(KeyError):
        found.masks_at(CHANCE, 4, SHAPE)
    spread = over_seeds([found, found])["expected"]
    assert (spread.n, spread.mean) == (2, pytest.approx(paper.area))


def test_all_orders_start_from_the_full_model_and_end_with_nothing(made):
    table = made.read(KEY).table
    for removed in (0, PARTS):
        assert (
            table[table["removed"] == removed][["mask_first", "mask_second", "score"]].drop_duplicates().shape[0] == 1
        )


def test_a_bank_keeps_margins_and_the_league_is_made_anew_from_what_is_kept(made, glue, tmp_path):
    root = shutil.copytree(made.root, tmp_path / "bundle")
    bundle = Bundle(root)
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", bundle, glue)
    scored, orders = league.score_masks, []

    def counted(*arguments):
        orders.append(arguments)
        return scored(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        calls = []
        with pytest.raises(BadRequest, match="20 random masks do not tell 15 heads and MLPs apart"):
            bank.make(options, masks=20)

        def killed(evaluator, masks, words, state):
            calls.append(len(state.arrays))
            found = scored(evaluator, masks[: 28 if len(calls) == 1 else None], words, state)
            if len(calls) == 1:
                raise KeyboardInterrupt
            return found

        patch.setattr(bank, "score_masks", killed)
        with pytest.raises(KeyboardInterrupt):
            bank.make(options, masks=100)
        manifest = bank.make(options, masks=100)
        assert calls[1] > 0, "it goes on"
        patch.setattr(league, "DRAWS", 3)
        patch.setattr(league, "NODES", 4)
        patch.setattr(league, "score_masks", counted)
        patch.setattr(measured, "gate_gradients", None)  # nor is anything measured again
        league.make(options)
    assert bank.make(options, masks=100) == manifest
    assert not [problem for problem in validate(bundle) if "league" in str(problem) or "bank" in str(problem)]
    assert len(orders) == 2, "the two halves of the new criterion"
    before, after = made.read(KEY).table, bundle.read(KEY).table
    assert set(after["criterion"]) - set(before["criterion"]) == {BANZHAF}
    same = after[after["criterion"] != BANZHAF].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, before)
    dev = folder_examples(glue, TASKS["MRPC"], "dev")
    stored = mask_bank_of(bundle.read(Key(RUN, "bank")), dev.labels, SHAPE)
    np.testing.assert_allclose(stored.scores(), bundle.read(Key(RUN, "bank")).table["score"])
    half = halves_of(ROWS)[0]
    at = list(bundle.manifest(KEY).summary["criteria"]).index(BANZHAF)
    np.testing.assert_allclose(bundle.read(KEY).arrays["worth"][at][0], stored.worth(half).value)
    assert (stored.worth_by_reuse().low <= stored.worth_by_reuse().high).all()
    assert stored.surprises().shape == (100,)
    _grows(options, tmp_path / "anew")
    _league_of_a_grown_bank(options)


def _grows(options, elsewhere):
    """A bank of 100 masks becomes one of 110: ten more are scored, and it is what it would have been at once."""
    scored, many = bank.score_masks, []

    def counted(evaluator, masks, words, state):
        many.append(len(masks))
        return scored(evaluator, masks, words, state)

    bundle, key = options.bundle, Key(RUN, "bank")
    anew = Bundle(shutil.copytree(bundle.root, elsewhere))
    shutil.rmtree(anew.root / key.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank, "score_masks", counted)
        bank.make(options, masks=110)
        bank.make(replace(options, bundle=anew), masks=110)
        with pytest.raises(BadRequest, match="made with other options"):
            bank.make(options, masks=100)
    assert many == [10, 110]
    grown, whole = bundle.read(key), anew.read(key)
    assert list(grown.table["mask"]) == list(whole.table["mask"])
    np.testing.assert_allclose(grown.table["score"], whole.table["score"])
    np.testing.assert_allclose(grown.arrays["margins"], whole.arrays["margins"], rtol=2e-3, atol=1e-5)


def _league_of_a_grown_bank(options):
    """The bank has grown: its criterion is scored again, all else is kept, and what was kept is a new league's."""
    bundle, scored, orders = options.bundle, league.score_masks, []
    before = bundle.read(KEY)

    def counted(*arguments):
        orders.append(arguments)
        return scored(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(league, "DRAWS", 3)
        patch.setattr(league, "NODES", 4)
        patch.setattr(measured, "NODES", 4)
        patch.setattr(league, "score_masks", counted)
        first = league.make(options)
        assert len(orders) <= 2, "the two halves of the bank's criterion, where the order changed"
        assert league.make(options) == first
        kept = bundle.read(KEY)
        shutil.rmtree(bundle.root / KEY.path)
        league.make(options)
    assert (before.manifest.config["bank"], first.config["bank"]) == (100, 110)
    anew = bundle.read(KEY)
    pd.testing.assert_frame_equal(kept.table, anew.table)
    np.testing.assert_allclose(kept.arrays["worth"], anew.arrays["worth"], rtol=1e-6)


@given(st.integers(0, 1000), st.sampled_from(["MRPC", "CoLA", "MNLI", "STS-B"]))
@settings(deadline=None, max_examples=30)
def test_kept_margins_give_the_score_of_the_logits(seed, name):
    rng, task = np.random.default_rng(seed), TASKS[name]
    logits = (rng.normal(size=(20, task.n_outputs)) * 10.0 ** rng.integers(-9, 5)).astype(np.float32)
    labels = rng.uniform(0, 5, 20) if task.is_regression else rng.integers(0, task.n_outputs, 20).astype(float)
    if not task.is_regression:
        logits[:5] = 0  # of equals, the first counts
    else:
        scale = 10.0 ** rng.integers(0, 6)  # a task of one's own may have any values
        logits, labels = (scale * rng.uniform(0, 5, (20, 1))).astype(np.float32), scale * labels
    kept = margins_of(task, logits, labels)
    bank_of_one = MaskBank(task, np.ones((1, 3), np.bool_), np.ones(1), kept[None], labels)
    assert bank_of_one.scores()[0] == pytest.approx(score_of(task, logits, labels), abs=1e-6)
