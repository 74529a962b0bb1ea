import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.stats.overlap import overlap, overlap_matrix

A = Mask(np.array([[1, 1], [0, 0]]), np.array([1, 0]))
B = Mask(np.array([[1, 0], [1, 1]]), np.array([1, 1]))


def random_masks(seed, seeds=(1, 2, 3), shape=(12, 12)):
    rng = np.random.default_rng(seed)
    return {s: Mask(rng.random(shape) < 0.6, rng.random(shape[0]) < 0.6) for s in seeds}


def test_overlap_by_hand():
    heads, mlps = overlap("CoLA", {42: A}, "RTE", {42: B})
    assert (heads.kind, heads.shared, heads.share, heads.kept_a, heads.kept_b) == ("heads", 1, 0.25, 2, 3)
    assert (heads.chance, heads.chance_share, heads.n_components) == (2 * 3 / 4, 1.5 / 4, 4)
    assert (mlps.kind, mlps.shared, mlps.chance, mlps.seeds) == ("mlps", 1, 1, (42,))


def test_the_mean_is_over_seeds_in_common_each_with_itself():
    heads, _ = overlap("CoLA", {1: A, 2: B, 3: A}, "RTE", {2: A, 1: A})
    assert heads.seeds == (1, 2)
    assert heads.shared == (2 + 1) / 2
    assert heads.chance == (2 * 2 / 4 + 3 * 2 / 4) / 2


@given(st.integers(0, 1000))
def test_chance_is_the_hypergeometric_mean_and_shared_is_bounded(seed):
    first, second = random_masks(seed, (7,)), random_masks(seed + 1, (7,))
    heads, _ = overlap("a", first, "b", second)
    assert heads.chance == pytest.approx(hypergeom.mean(144, first[7].heads_kept, second[7].heads_kept))
    assert max(0, heads.kept_a + heads.kept_b - 144) <= heads.shared <= min(heads.kept_a, heads.kept_b)


def test_chance_is_what_shuffling_gives():
    first, second = random_masks(0, (7,)), random_masks(1, (7,))
    heads, _ = overlap("a", first, "b", second)
    rng = np.random.default_rng(0)
    a, b = first[7].heads.ravel(), second[7].heads.ravel()
    drawn = [(rng.permutation(a) & b).sum() for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(heads.chance, abs=0.25)


def test_the_interval_of_chance_is_the_hypergeometric_one():
    first, second = random_masks(3, (7,)), random_masks(4, (7,))
    heads, _ = overlap("a", first, "b", second)
    plain = hypergeom(144, first[7].heads_kept, second[7].heads_kept)
    assert (heads.chance_low, heads.chance_high) == plain.interval(0.95)


def test_the_interval_of_chance_holds_95_percent_of_draws_over_seeds():
    first, second = random_masks(5), random_masks(6)
    heads, _ = overlap("a", first, "b", second)
    rng = np.random.default_rng(0)
    drawn = [
        np.mean([(rng.permutation(first[s].heads.ravel()) & second[s].heads.ravel()).sum() for s in first])
        for _ in range(2000)
    ]
    inside = np.mean([heads.chance_low <= shared <= heads.chance_high for shared in drawn])
    assert 0.93 < inside < 0.985


def test_the_matrix_is_symmetric_with_the_sizes_on_its_diagonal():
    masks = {"CoLA": random_masks(0), "RTE": random_masks(1), "MNLI": random_masks(2)}
    matrix = overlap_matrix(masks)
    assert matrix.tasks == ("CoLA", "RTE", "MNLI")
    assert len(matrix.rows) == 2 * 9
    shared = matrix.values("heads")
    assert np.array_equal(shared, shared.T)
    assert shared[0, 0] == np.mean([mask.heads_kept for mask in masks["CoLA"].values()])
    assert shared[0, 1] == overlap("CoLA", masks["CoLA"], "RTE", masks["RTE"])[0].shared
    assert matrix.values("mlps", "share") == pytest.approx(matrix.values("mlps", "shared") / 12)
    assert np.array_equal(matrix.values("heads", "kept_a"), matrix.values("heads", "kept_b").T)


def test_nothing_kept_shares_nothing_and_expects_nothing():
    empty = Mask(np.zeros((2, 2)), np.zeros(2))
    heads, mlps = overlap("WNLI", {1: empty}, "CoLA", {1: A})
    assert (heads.shared, heads.chance, mlps.shared, mlps.chance) == (0, 0, 0, 0)


def test_no_seed_in_common_says_so():
    matrix = overlap_matrix({"CoLA": {1: A}, "RTE": {2: B}})
    row = next(row for row in matrix.rows if (row.task_a, row.task_b) == ("CoLA", "RTE"))
    assert row.undefined == "CoLA and RTE have no seed in common."
    assert row.seeds == ()
    assert np.isnan(matrix.values("heads")[0, 1])
    assert matrix.values("heads")[0, 0] == 2


def test_unusable_masks_are_refused():
    with pytest.raises(BadRequest, match="RTE has no masks"):
        overlap("CoLA", {1: A}, "RTE", {})
    with pytest.raises(BadRequest, match="different shapes"):
        overlap("CoLA", {1: A}, "RTE", {2: Mask.full(3, 3)})
    with pytest.raises(BadRequest, match="no tasks"):
        overlap_matrix({})
