import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import matthews_corrcoef

from explorer.stats.bootstrap import (
    NO_VALUE,
    matthews_of_codes,
    matthews_of_counts,
    pearson_of_rows,
    resample_cells,
    resample_examples,
)

OPTIONS = {"confidence": 0.95, "resamples": 2000, "seed": 0}


@given(st.integers(0, 2**32 - 1))
def test_matthews_of_codes_is_that_of_scikit_learn_row_by_row(seed):
    codes = np.random.default_rng(seed).integers(0, 4, size=(5, 30)).astype(np.int8)
    expected = [matthews_corrcoef(row // 2, row % 2) for row in codes]
    assert matthews_of_codes(codes) == pytest.approx(expected)


def test_matthews_of_codes_with_a_constant_side_is_zero():
    assert matthews_of_codes(np.array([[3, 3, 3], [1, 3, 1], [2, 2, 3]], np.int8)).tolist() == [0, 0, 0]


@given(st.integers(0, 2**32 - 1))
def test_pearson_of_rows_is_that_of_scipy_row_by_row(seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 5, 30)) + 4
    assert pearson_of_rows(x, y) == pytest.approx(stats.pearsonr(x, y, axis=-1).statistic)


def test_pearson_of_a_constant_row_has_no_value():
    x = np.array([[0.1, 0.1, 0.1], [0.1, 0.2, 0.4]])
    assert pearson_of_rows(x, x).tolist() == pytest.approx([NO_VALUE, 1.0])
    assert pearson_of_rows(x[::-1], x).tolist() == [NO_VALUE, NO_VALUE]


def test_examples_resample_as_scipy_alone_does():
    values = np.random.default_rng(1).normal(size=200)
    found = resample_examples((values,), np.mean, **OPTIONS)
    plain = stats.bootstrap(
        (values,), np.mean, n_resamples=2000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))


def test_cells_resample_as_examples_do():
    codes = np.random.default_rng(2).choice(4, p=[0.25, 0.1, 0.1, 0.55], size=1043).astype(np.int8)
    options = {"confidence": 0.95, "resamples": 40_000, "seed": 0}
    by_example = resample_examples((codes,), matthews_of_codes, **options)
    by_cell = resample_cells(np.bincount(codes), lambda cells: matthews_of_counts(*cells.T), **options)
    # two runs of 40,000 resamples: Monte Carlo error of a bound is about 0.0003
    assert (by_cell.low, by_cell.high) == pytest.approx((by_example.low, by_example.high), abs=0.0015)


def test_a_resample_without_a_value_leaves_no_interval():
    found = resample_examples((np.arange(3.0), np.array([1.0, 3.0, 2.0])), pearson_of_rows, **OPTIONS)
    assert np.isnan([found.low, found.high]).all()
    assert "of 2000 resamples" in found.undefined


def test_no_spread_leaves_no_interval():
    found = resample_cells(np.array([0, 7]), lambda cells: cells[:, 1], **OPTIONS)
    assert np.isnan([found.low, found.high]).all()
    assert "same value" in found.undefined
