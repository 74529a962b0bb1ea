"""Figures hold the numbers that they were given: read back from the traces."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.figures.claims import StripRow, agreement_strip, score_strip
from explorer.figures.heatmaps import legend_html
from explorer.figures.overlap import overlap_figure
from explorer.figures.palette import ramp
from explorer.figures.tickets import Bar, shared_range, ticket_bars
from explorer.mask import Mask
from explorer.stats.agreement import agreement
from explorer.stats.effects import Evidence
from explorer.stats.overlap import overlap_matrix

NAN = math.nan


def test_a_strip_shows_every_seed_their_mean_and_the_published_one():
    ours, theirs = Evidence(0.75, 0.05, 2, by_seed={42: 0.7, 86: 0.8}), Evidence(0.6, 0.02, 5)
    figure = score_strip([StripRow("good", ours, theirs)], metric="accuracy", colour="#000000", full=0.9, majority=0.5)
    points, mean, published = figure.data
    assert (list(points.x), list(points.customdata)) == ([0.7, 0.8], ["42", "86"])
    assert list(mean.x) == [0.75]
    assert (list(published.x), list(published.error_x.array)) == ([0.6], [0.02])
    assert sorted(line.x0 for line in figure.layout.shapes) == [0.5, 0.9]
    low, high = figure.layout.xaxis.range
    assert low < 0.5
    assert high > 0.9


def test_a_strip_of_nothing_is_empty_and_stands():
    figure = score_strip([StripRow("good", Evidence(), Evidence())], metric="accuracy", colour="#000000")
    assert [len(trace.x) for trace in figure.data] == [0]
    assert not figure.layout.shapes


def test_one_seed_is_a_point_without_a_mean():
    one = Evidence(0.7, NAN, 1, by_seed={42: 0.7})
    figure = score_strip([StripRow("good", one, Evidence())], metric="accuracy", colour="#000000")
    assert [list(trace.x) for trace in figure.data] == [[0.7]]


def test_kappa_stands_over_its_chance_interval():
    rows = [[1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 0, 1]]
    masks = {seed: Mask(np.array(row, bool).reshape(2, 3), [1, 1]) for seed, row in enumerate(rows)}
    heads, mlps = agreement(masks, permutations=50)
    figure = agreement_strip([heads, mlps], {"RTE": 0.18})
    chance, kappa, published = figure.data
    assert list(chance.x) == [heads.fleiss_kappa.chance.low, heads.fleiss_kappa.chance.high]
    assert list(kappa.x) == [heads.fleiss_kappa.value]
    assert (list(published.x), list(published.customdata)) == ([0.18], ["RTE"])
    assert list(figure.layout.yaxis.ticktext) == ["heads", "MLPs"], "MLPs have no kappa: all kept"


def test_bars_hold_means_whiskers_and_seeds():
    bars = [Bar("good", "pruned", 0.8, 0.1, 2, {1: 0.7, 2: 0.9}), Bar("good", "retrained", NAN, NAN, 0)]
    figure = ticket_bars(bars, metric="accuracy", full=0.95, majority=NAN)
    pruned, points = figure.data  # what nobody has is neither drawn nor in the legend
    assert (list(pruned.y), list(pruned.error_y.array)) == ([0.8], [0.1])
    assert (list(points.y), list(points.customdata)) == ([0.7, 0.9], ["1", "2"])
    assert [line.y0 for line in figure.layout.shapes] == [0.95], "an unknown majority has no line"


def test_figures_side_by_side_share_a_range_that_holds_all():
    low, high = shared_range([Bar("good", "pruned", 0.8, 0.3, 5), Bar("bad", "pruned", -0.1, NAN, 1)], [0.9, NAN])
    assert low < -0.1
    assert high > 1.1
    assert shared_range([Bar("good", "pruned", 0.8, NAN, 1, {1: 0.8})], [])[0] == 0


@pytest.mark.parametrize("dark", [False, True])
def test_the_ramp_goes_away_from_the_page(dark):
    def lightness(colour):
        return sum(int(colour[at : at + 2], 16) * weight for at, weight in ((1, 0.2126), (3, 0.7152), (5, 0.0722)))

    stops = ramp(dark=dark)
    grey = [lightness(colour) for _, colour in stops]
    assert [at for at, _ in stops] == [number / 8 for number in range(9)]
    assert grey == sorted(grey, reverse=not dark)
    assert stops[0][1] in legend_html("never", "always", dark=dark)


def test_overlap_colours_the_surplus_and_marks_what_chance_hardly_gives():
    rng = np.random.default_rng(0)
    mask = Mask(rng.random((6, 12)) < 0.5, np.ones(6))
    other = Mask(~mask.heads, np.ones(6))
    matrix = overlap_matrix({"CoLA": {1: mask}, "RTE": {1: mask}, "MRPC": {1: other}, "WNLI": {9: mask}})
    (cells,) = overlap_figure(matrix, "heads").data
    row = matrix.rows[2]
    assert (row.task_a, row.task_b) == ("CoLA", "RTE")
    assert cells.z[0][1] == pytest.approx(row.shared - row.chance)
    assert cells.text[0][1] == f"<b>{row.shared:.1f}</b>"
    assert (cells.z[0][2] < 0, cells.text[0][2]) == (True, "<b>0.0</b>")
    assert np.isnan(cells.z[0][0])
    assert cells.text[0][3] == "–"
    assert cells.customdata[0][3] == "no seed in common"
