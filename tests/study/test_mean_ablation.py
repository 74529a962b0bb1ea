"""Zeros against means in the place of what is off: shares, differences, verdicts and words by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from explorer.figures.mean_ablation import mean_ablation_figure
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.schema import Run
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.mean_ablation import PAPER, SAME_TICKET, SETTINGS, THROUGHOUT, MeanAblation, mean_ablated_run
from explorer.study.mean_ablation_words import how_many_more, meaning, moved_rows, setting_rows, share_rows

N, FULL = 200, Mask.full(1, 3)
LABELS = np.arange(N) % 2.0
SMALL = FULL.with_head(0, 0, False)
SMALLER = SMALL.with_head(0, 1, False)
RIGHT = {("zero", "zero"): (160, 110, 100), ("zero", "mean"): (170, 140, 120), ("mean", "mean"): (176, 175, 176)}
"""Found under, stands in -> how many good, random and bad get right; the full model gets 180."""


def answers(right):
    return np.where(np.arange(N) < right, LABELS, 1 - LABELS)


def run(seed=7, shift=0):
    rows, said = [], []
    for found in ("zero", "mean"):
        for instead in ("zero", "mean"):
            for kind, right in zip(("good", "random", "bad"), RIGHT.get((found, instead), (90, 90, 90)), strict=True):
                mask = SMALL if found == "zero" else SMALLER
                row = {"part": "ticket", "name": kind, "found": found, "instead": instead, "mask": mask.code}
                score = (right + shift) / N
                rows.append(row | {"score": score, "low": score - 0.05, "high": score + 0.05})
                said.append(answers(right + shift))
    losses = {"head 0 0": 0.1, "head 0 1": 0.2, "head 0 2": 0.05, "mlp 0": 0.3}
    for name, loss in losses.items():
        rows.append({"part": "alone", "name": name, "found": "", "instead": "mean", "score": 0.9 - loss, "mask": ""})
        said.append(answers(0))
    artefact = SimpleNamespace(
        table=pd.DataFrame(rows),
        arrays={"predictions": np.stack(said)},
        manifest=SimpleNamespace(summary={"examples_of_means": 30}),
    )
    zero = pd.DataFrame({"component": list(losses), "loss": [0.2, 0.3, 0.1, 0.4]})
    full = SimpleNamespace(predictions=answers(180), score=0.9, mask=FULL)
    known = SimpleNamespace(labels=LABELS, full=full, task=TASKS["RTE"], run=Run("tiny", "RTE", seed), shape=(1, 3))
    return mean_ablated_run(artefact, known, SimpleNamespace(table=zero))


@pytest.fixture(scope="module")
def of():
    return MeanAblation("RTE", {7: run()}, MajorityBaseline(0.5, "always 'not'", "majority class"), learnt=True)


def test_shares_and_what_the_same_mask_gains_by_hand(of):
    assert of.share("good", PAPER).value == pytest.approx(160 / 180)
    assert of.share("good", THROUGHOUT).value == pytest.approx(176 / 180)
    moved = of.moved("random")
    assert moved.value == pytest.approx(30 / N)
    assert 0 < moved.low < moved.value < moved.high
    assert of.kept("zero") == (2, 1)
    assert of.kept("mean") == (1, 1)
    assert of.runs[7].alone.rho == pytest.approx(1.0)


def test_the_claims_are_judged_anew_under_each(of):
    verdicts = {setting: tuple(claim.verdict for claim in of.claims[setting]) for setting in SETTINGS}
    assert verdicts[PAPER] == ("partly", "supported")
    assert verdicts[SAME_TICKET][1] == "supported"
    assert verdicts[THROUGHOUT][1] != "supported", "as good as random and bad"
    said = meaning([of])
    assert "Claim (b) gets the same verdict on 0 of 1 tasks; it changes on RTE (supported →" in said
    assert "Means put into the tickets that were pruned with nothing keep the verdict on claim (a) on " in said
    assert "heads and MLPs are left on average, with nothing" in said
    assert "fewer on" not in said, "one task has no spread"
    assert "on this task, of the full score: " in said
    assert "random +17%" in said


def test_seeds_are_averaged_and_a_model_that_learnt_nothing_claims_nothing(of):
    two = MeanAblation("RTE", {7: run(), 8: run(8, 2)}, of.majority, learnt=True)
    assert two.evidence("good", PAPER).mean == pytest.approx(161 / N)
    assert two.moved("good").over == "2 seeds"
    nothing = MeanAblation("RTE", of.runs, of.majority, learnt=False)
    assert {claim.verdict for pair in nothing.claims.values() for claim in pair} == {"open"}
    assert "nothing is claimed" in meaning([nothing])


def test_whether_fewer_parts_are_left_is_told_over_tasks():
    assert how_many_more([-3.0]) == "", "one task has no spread"
    assert how_many_more([-29, -9, 4, 4]) == ": −8 [−32, +17] over 4 tasks, fewer on 2; not told from none"
    assert how_many_more([-9, -10, -11]).endswith("over 3 tasks, fewer on 3; beyond noise")


def test_tables_and_figure_hold_every_ticket(of):
    rows = share_rows([of])
    assert len(rows) == 9
    figure = mean_ablation_figure(rows)
    assert [trace.name for trace in figure.data] == list(SETTINGS.values())
    assert sum(len(trace.x) for trace in figure.data) == 9
    table = setting_rows([of])
    assert table["good, of full"].iloc[0].startswith("89% [")
    assert set(table["n"]) == {N}
    assert list(moved_rows([of])["ticket"]) == ["good", "random", "bad"]


def test_a_task_whose_ticket_has_no_score_is_left_out_of_the_mean_and_said_to_be(of):
    less = run()
    nothing = {key: (math.nan,) * 3 if key[1] == "bad" else scores for key, scores in less.scores.items()}
    other = MeanAblation("STS-B", {7: replace(less, scores=nothing)}, of.majority, learnt=True)
    assert "bad +11% (over 1)" in meaning([of, other])
    assert "bad undefined" in meaning([other])
