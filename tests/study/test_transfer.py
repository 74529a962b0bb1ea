"""Tickets on other tasks' models: shares, ranks and words by hand, and what a stored path tells of other thresholds."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from explorer.errors import BadRequest
from explorer.figures.transfer import transfer_figure
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.stats.stability import chance_range, stability
from explorer.store.schema import Run
from explorer.study.tickets_stability import stabilities_of, ticket_at
from explorer.study.transfer import away, transfer_table, transfer_words, transferred
from explorer.tickets.pruning_path import PathRow

LABELS = np.array([1.0, 0.0] * 20)


def answers(right):
    """Predictions of which the first `right` are right."""
    return np.where(np.arange(40) < right, LABELS, 1 - LABELS)


def cells(task, rights):
    """rights: ticket -> examples right of the ticket, then of its random masks; the full model has 36."""
    rows = [(ticket, draw, right) for ticket, of in rights.items() for draw, right in enumerate(of)]
    table = pd.DataFrame(rows, columns=["ticket", "draw", "right"])
    table["score"] = table["right"] / 40
    table["heads_kept"], table["mlps_kept"] = 5, 2
    table["mask"] = [f"{ticket} {draw}" for ticket, draw, _ in rows]
    artefact = SimpleNamespace(table=table, arrays={"predictions": np.stack([answers(r) for r in table["right"]])})
    full = SimpleNamespace(predictions=answers(36), score=0.9)
    known = SimpleNamespace(labels=LABELS, full=full, task=TASKS["RTE"], run=Run("tiny", task, 7))
    return transferred(artefact, known)


def test_share_rank_and_interval_by_hand():
    own, other = cells("RTE", {"RTE": [34, 20, 22], "MRPC": [20, 20, 30]})
    assert own.share == pytest.approx(34 / 36)
    assert (own.beaten, own.draws, own.p) == (2, 2, pytest.approx(1 / 3))
    assert own.over_random == pytest.approx((34 - 21) / 40)
    assert own.share_low < own.share < own.share_high
    assert own.over_low > 0
    assert (own.own, own.better, other.own, other.better) == (True, True, False, False)
    assert (other.beaten, other.p) == (0, 1.0)  # an equal one is not beaten
    said = transfer_words([own, other], ())
    assert "keeps **56%** of the full score on average, random masks of its size 69%" in said
    assert "in **0 of 1** pairs of tasks" in said
    assert "At home, where they were found, they keep 94%" in said
    assert list(transfer_table([own, other])["random masks beaten"]) == [2, 0]


def test_of_a_model_that_learnt_nothing_nothing_is_drawn():
    found = [*cells("RTE", {"RTE": [34, 20]}), *cells("WNLI", {"RTE": [34, 20]})]
    (squares,) = transfer_figure(found, {"WNLI": "It has learnt nothing."}).data
    assert np.isnan(squares.z).tolist() == [[False, True]]
    assert squares.text[0][1] == "–"
    assert squares.text[0][1] == "–"
    assert "No ticket" in transfer_words(found, {"WNLI"})


def test_only_pairs_of_learnt_tasks_and_tickets_with_rivals_are_counted():
    found = [*cells("RTE", {"RTE": [34, 20], "MRPC": [30, 20], "WNLI": [20, 20]}), *cells("WNLI", {"MRPC": [30, 20]})]
    assert [(one.ticket, one.task) for one in away(found, {"WNLI"})] == [("MRPC", "RTE")]
    whole = [replace(one, whole=one.ticket == "MRPC") for one in found]
    assert not away(whole, {"WNLI"}), "as many parts at random are the same mask"
    text = transfer_figure(whole, {}).data[0].text
    assert text[1][0] == "83%", "no count of rivals"
    drawn = transfer_figure(found, {"WNLI": "It has learnt nothing."}).layout
    assert list(drawn.xaxis.ticktext) == ["RTE", "WNLI*"]
    assert list(drawn.yaxis.ticktext) == ["RTE", "MRPC", "WNLI*"]


FULL = Mask.full(1, 3)
MASKS = [FULL, FULL.with_head(0, 0, False), FULL.with_head(0, 0, False).with_head(0, 1, False)]
ROWS = [PathRow(number, "together", mask, 0.0, 0.0, 0.0, 40, number < 2, 0.0) for number, mask in enumerate(MASKS)]


def test_a_stored_path_tells_where_another_line_would_have_ended_it():
    scores = np.array([1.0, 0.92, 0.86])
    assert ticket_at(ROWS, scores, 0.95) == (MASKS[0], True)
    assert ticket_at(ROWS, scores, 0.90) == (MASKS[1], True)
    assert ticket_at(ROWS, scores, 0.85) == (MASKS[1], False), "the run would have gone on"


def test_stability_over_seeds_examples_and_thresholds():
    said = np.stack([answers(right) for right in (40, 37, 33)])
    found = stabilities_of(ROWS, said, LABELS, "accuracy", {7: MASKS[1], 8: MASKS[2]})
    assert [one.over.split(" ", 1)[1] for one in found] == ["seeds", "bootstrap samples of the dev set", "thresholds"]
    assert found[0].stability.value == stability(np.array([[0, 1, 1, 1], [0, 0, 1, 1]], np.bool_)).value
    assert found[2].stability.choices == 13 - 2, "95% to 85%: all tell, since the last step scores 82.5%"
    assert found[2].chance[0] < 0 < found[2].chance[1]


def test_what_chance_gives_is_around_0():
    low, high = chance_range(np.random.default_rng(0).random((5, 78)) < 0.5)
    assert low < 0 < high < 0.2
    with pytest.raises(BadRequest):
        chance_range(np.ones((3, 4), np.bool_))


def one_class(task, full, said):
    """Two tickets with a random mask each, of which all say these predictions; a full model that does."""
    table = pd.DataFrame({"ticket": ["a", "a", "b", "b"], "draw": [0, 1, 0, 1], "score": math.nan})
    table["heads_kept"], table["mlps_kept"], table["mask"] = 5, 2, ["1", "2", "3", "4"]
    artefact = SimpleNamespace(table=table, arrays={"predictions": np.stack([said] * 4)})
    known = SimpleNamespace(labels=LABELS, full=full, task=TASKS[task], run=Run("tiny", task, 7))
    return transferred(artefact, known)


@pytest.mark.parametrize(("task", "score"), [("CoLA", 0.0), ("CoLA", -0.1), ("STS-B", math.nan)])
def test_of_a_full_model_that_scores_nothing_there_are_no_shares(task, score):
    found = one_class(task, SimpleNamespace(predictions=np.zeros(40), score=score), np.zeros(40))
    assert all(math.isnan(share) for one in found for share in (one.share, one.share_low, one.random_share))
    assert (away(found, ()), transfer_words(found, ())) == (
        [],
        "No ticket was tried on another task's model that has learnt its task.",
    )


def test_an_undefined_score_counts_as_0_and_is_no_nan_in_the_mean():
    full = SimpleNamespace(predictions=LABELS + np.linspace(0, 0.1, 40), score=0.9)
    found = one_class("STS-B", full, np.ones(40))
    assert [(one.share, one.random_share) for one in found] == [(0.0, 0.0)] * 2
    assert "keeps **0%** of the full score" in transfer_words(found, ())
