import math

import pytest

from explorer.store.paper.published import FULL
from explorer.study.claim_sheet import AGAIN, BAD, GOOD, claim_sheet
from explorer.study.comparisons import answers_by_seed, paired_by_seed
from explorer.study.conditions import study_scores
from tests.bundles import MODEL, N, small_bundle, ticket


def sheet_of(bundle, task="MRPC"):
    return claim_sheet(bundle, list(bundle.manifests()), MODEL, task)


def test_every_claim_of_a_whole_study(tmp_path):
    sheet = sheet_of(small_bundle(tmp_path, seeds=(1337, 42, 86)))
    assert sheet.rest.verdict == "supported"
    assert sheet.good.verdict in ("supported", "partly")
    assert sheet.retrained.effect.value > 0.8
    assert list(sheet.ours[FULL].by_seed) == [1337, 42, 86]
    assert sheet.ticket.heads == 0.5
    assert sheet.n_examples == N
    assert sheet.majority.score == 0.5
    assert sheet.published_effects["good"].value == pytest.approx(0.771 / 0.839, abs=0.01)


def test_one_seed_that_was_only_fine_tuned_leaves_all_open(tmp_path):
    sheet = sheet_of(small_bundle(tmp_path, seeds=(42,), stages=()))
    for claim in (sheet.good, sheet.rest, sheet.retrained, sheet.unstable):
        assert claim.verdict == "open"
        assert "python -m precompute" in claim.missing
    assert sheet.ticket is None
    assert "most frequent label of the dev set" in sheet.majority.words


def test_one_seed_has_the_interval_of_its_examples(tmp_path):
    sheet = sheet_of(small_bundle(tmp_path, seeds=(42,)))
    assert sheet.good.effect.over == f"{N} examples of one seed"
    assert sheet.ours[AGAIN].low < sheet.ours[AGAIN].mean < sheet.ours[AGAIN].high
    assert sheet.unstable.missing == (
        f"python -m precompute study --task MRPC --seed 1337 --model tiny-bert --bundle {tmp_path}"
    )


def test_nothing_is_paired_without_predictions_of_both(tmp_path):
    bundle = small_bundle(tmp_path, stages=("structured",))
    answers = answers_by_seed(bundle, study_scores(bundle, MODEL, "MRPC"), (FULL, GOOD, BAD))
    assert set(answers[42].predictions) == {FULL, GOOD}
    assert paired_by_seed(answers, GOOD, BAD) == {}
    difference = paired_by_seed(answers, GOOD, FULL)[42]
    assert difference.difference == pytest.approx(difference.value_a - difference.value_b)


def test_scores_say_where_they_stand(tmp_path):
    bundle = small_bundle(tmp_path)
    scores = study_scores(bundle, MODEL, "MRPC")[42]
    assert scores[GOOD].mask == ticket(42).code
    assert scores[BAD].row == 2
    assert scores["magnitude/good/pruned"].share_kept == 0.4
    assert math.isnan(scores[GOOD].share_kept)
    assert scores["structured/bad/retrained"].key.variant == "bad"
