"""What is said of the gradient against the cost, beside its level by chance."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.figures.importance import Side, importance_figure, verdict
from explorer.stats.ranks import rank_agreement

UP = np.arange(1.0, 13.0).reshape(3, 4)


def side(importance, loss):
    return Side(
        "head", [f"head {i}" for i in range(importance.size)], importance, loss, rank_agreement(importance, loss)
    )


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (UP**2, "For the 12 heads, by and large: both order them much alike (Spearman's rho 1.00, where orders drawn"),
        (-UP, "The 12 heads go the other way: the gradient ranks high what costs little (Spearman's rho −1.00"),
        (UP * [1, -1, 1, -1], "Nothing tells the order of the 12 heads from chance"),
        (UP * 0, "12 heads: no answer. The second values are all the same"),
    ],
)
def test_the_verdict_follows_the_correlation(loss, says):
    assert verdict(side(UP, loss)).startswith(says)


def test_in_part_where_orders_agree_but_loosely():
    rng = np.random.default_rng(1)
    importance = rng.random((6, 12)) + 0.1
    assert "in part" in verdict(side(importance, importance + rng.normal(0, 0.35, (6, 12))))


def test_a_point_a_part_and_a_panel_a_side():
    figure = importance_figure([side(UP, UP), side(UP * [0, 1, 1, 1], UP)], metric="accuracy")
    assert [len(trace.x) for trace in figure.data] == [12, 12]
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis2.type == "linear", "a zero has no place on a log scale"
    assert figure.layout.annotations[0].text == "12 heads: rho 1.00"
