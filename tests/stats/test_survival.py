import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.stats.survival import stack_masks, survival

A = Mask(np.array([[1, 1], [0, 0]]), np.array([1, 0]))
B = Mask(np.array([[1, 0], [0, 1]]), np.array([1, 1]))


def test_survival_by_hand():
    found = survival([A, B])
    assert found.n_seeds == 2
    assert found.heads.mean.tolist() == [[1, 0.5], [0, 0.5]]
    assert found.heads.population_sd.tolist() == [[0, 0.5], [0, 0.5]]
    assert found.heads.sample_sd == pytest.approx(np.array([[0, 0.5], [0, 0.5]]) * np.sqrt(2))
    assert found.mlps.mean.tolist() == [1, 0.5]
    assert found.heads.kept == (2, 2)
    assert found.mlps.kept == (1, 2)
    assert (found.mlps.kept_spread.mean, found.mlps.kept_spread.sd) == (1.5, pytest.approx(np.sqrt(0.5)))


def test_shares_add_up_to_the_mean_count():
    rng = np.random.default_rng(0)
    masks = [Mask(rng.random((12, 12)) < 0.6, rng.random(12) < 0.6) for _ in range(5)]
    found = survival(masks)
    assert found.heads.mean.sum() == pytest.approx(found.heads.kept_spread.mean)
    assert found.mlps.mean.sum() == pytest.approx(found.mlps.kept_spread.mean)
    assert found.heads.kept == tuple(mask.heads_kept for mask in masks)


def test_one_seed_has_no_sample_sd():
    found = survival([A])
    assert np.isnan(found.heads.sample_sd).all()
    assert not found.heads.population_sd.any()
    assert found.heads.kept_spread.undefined


def test_no_masks_are_refused():
    with pytest.raises(BadRequest, match="no masks"):
        survival([])


def test_mixed_shapes_are_refused_by_name():
    with pytest.raises(BadRequest, match="2 x 2, 2 x 3"):
        survival([A, Mask.full(2, 3)])


def test_stacked_masks_keep_their_order():
    heads, mlps = stack_masks([B, A])
    assert heads.shape == (2, 2, 2)
    assert np.array_equal(heads[1], A.heads)
    assert np.array_equal(mlps[0], B.mlps)
