"""Score against size: every mask is a point that knows its code, and the size axis runs from whole to nothing."""

from __future__ import annotations

import math
from dataclasses import replace

from explorer.figures.visits import VISIT, Spot, visits_figure, visits_table
from explorer.study.landmarks import PATH, TICKET

SPOTS = [
    Spot("full model", PATH, "AAA", 4, 2, 1.0, 0.8, 0.7, 0.9, 50),
    Spot("step 1 of pruning", PATH, "BBB", 3, 2, 0.9, 0.75, 0.65, 0.85, 50),
    Spot("step 2 of pruning", PATH, "CCC", 2, 1, 0.5, 0.4, 0.3, 0.5, 50, held=False),
    Spot("bad ticket", TICKET, "DDD", 3, 2, 0.9, 0.5, 0.4, 0.6, 50),
    Spot("visit 1", VISIT, "DDD", 3, 2, 0.9, 0.5, math.nan, math.nan, 50),
    Spot("visit 2", VISIT, "EEE", 1, 1, 0.3, 0.45, 0.35, 0.6, 50),
]


def drawn(current="EEE"):
    figure = visits_figure(SPOTS, current=current, metric="Accuracy", size="left", line=0.72, majority=("guess", 0.5))
    return {trace.name: trace for trace in figure.data}, figure


def test_every_point_carries_the_code_of_its_mask():
    traces, _ = drawn()
    assert [row[0] for row in traces["pruning path"].customdata] == ["AAA", "BBB", "CCC"]
    assert [row[0] for row in traces["bad ticket"].customdata] == ["DDD"]
    assert [row[0] for row in traces["visited"].customdata] == ["DDD", "EEE"]
    assert list(traces["visited"].text) == ["1", "2"]


def test_numbers_of_visits_that_lie_close_together_do_not_overprint_each_other():
    near = [replace(SPOTS[4], score=0.5 + step / 1000, code=f"A{step}") for step in range(3)]
    figure = visits_figure([*near, SPOTS[5]], current="", metric="m", size="s", line=0.72, majority=("guess", 0.5))
    (texts,) = [trace.text for trace in figure.data if trace.name == "visited"]
    assert list(texts) == ["", "", "3", "4"]


def test_the_line_of_the_path_leaves_out_what_was_taken_back():
    traces, figure = drawn()
    assert list(figure.data[0].x) == [1.0, 0.9]
    assert list(traces["pruning path"].marker.color)[2] == "rgba(0,0,0,0)"
    assert "taken back" in traces["pruning path"].customdata[2][1]


def test_only_the_mask_on_the_grid_is_ringed():
    assert list(drawn("EEE")[0]["on the grid"].y) == [0.45]
    assert list(drawn("nowhere")[0]["on the grid"].y) == []


def test_a_score_without_interval_has_no_whisker():
    error = drawn()[0]["visited"].error_y
    assert list(error.array) == [0.0, 0.6 - 0.45]
    assert list(error.arrayminus) == [0.0, 0.45 - 0.35]


def test_a_guess_that_is_unknown_draws_no_line():
    figure = visits_figure(SPOTS, current="", metric="m", size="s", line=None, majority=("guess", math.nan))
    assert len(figure.layout.shapes) == 0
    assert len(drawn()[1].layout.shapes) == 2
    assert drawn()[1].layout.xaxis.range[0] > drawn()[1].layout.xaxis.range[1]


def test_the_table_has_a_row_a_spot():
    assert list(visits_table(SPOTS)["code"]) == [spot.code for spot in SPOTS]
