import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from explorer.errors import BadRequest
from explorer.glue.metrics import metric
from explorer.stats.bootstrap import matthews_of_codes
from explorer.stats.paired import ONE_CLASS, SAME_PREDICTIONS, SAME_RIGHT, compare, flips

triples = st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=1, max_size=60)


def two_models(n, right_a, right_b, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    a, b = (np.where(rng.random(n) < right, labels, 1 - labels) for right in (right_a, right_b))
    return a, b, labels


def test_counts_and_mcnemar_by_hand():
    labels = [1] * 10
    a = [1] * 5 + [0] * 5
    b = [1] * 4 + [0] + [1] * 3 + [0] * 2  # only a right: 1; only b right: 3
    found = compare("accuracy", a, b, labels)
    assert (found.value_a, found.value_b, found.difference) == (0.5, 0.7, pytest.approx(-0.2))
    assert (found.only_a_right, found.only_b_right) == (1, 3)
    assert found.p == pytest.approx(2 * (1 + 4) / 16)  # two tails of Binomial(4, 1/2) at 1 or less
    assert found.within_noise
    assert found.method == "paired bootstrap 95%, 2000 resamples"


def test_flips_by_hand():
    found = flips([0, 1, 2, 0, 1], [0, 0, 1, 1, 1], [0, 1, 0, 1, 1])
    assert found.fixed.tolist() == [1]
    assert found.broken.tolist() == [3]
    assert found.changed.tolist() == [1, 2, 3]


@given(triples)
def test_flips_account_for_the_difference(rows):
    a, b, labels = np.array(rows).T
    flipped, found = flips(a, b, labels), compare("accuracy", a, b, labels, resamples=50)
    assert found.difference == pytest.approx((len(flipped.fixed) - len(flipped.broken)) / len(labels))
    assert (found.only_a_right, found.only_b_right) == (len(flipped.fixed), len(flipped.broken))
    assert set(flipped.changed) == set(flipped.fixed) | set(flipped.broken)  # two classes
    assert found.p == pytest.approx(
        stats.binomtest(found.only_a_right, found.only_a_right + found.only_b_right).pvalue
        if len(flipped.changed)
        else 1.0
    )


@given(triples, st.sampled_from(["accuracy", "matthews", "pearson"]))
def test_the_other_way_round_is_the_mirror_image(rows, name):
    a, b, labels = np.array(rows).T
    there, back = (compare(name, *pair, labels, resamples=50) for pair in ((a, b), (b, a)))
    mirrored = np.array([-back.difference, -back.high, -back.low])
    assert np.array_equal([there.difference, there.low, there.high], mirrored, equal_nan=True)
    assert (there.only_a_right, there.only_b_right) == (back.only_b_right, back.only_a_right)
    assert (there.p, there.within_noise, there.undefined) == (back.p, back.within_noise, back.undefined)


@pytest.mark.parametrize("name", ["accuracy", "matthews"])
def test_classes_agree_with_a_plain_scipy_bootstrap(name):
    a, b, labels = two_models(200, 0.85, 0.7)
    found = compare(name, a, b, labels, resamples=20_000)
    samples = ((a == labels).astype(float), (b == labels).astype(float))
    if name == "matthews":
        samples = ((2 * labels + a).astype(np.int8), (2 * labels + b).astype(np.int8))
    score = np.mean if name == "accuracy" else matthews_of_codes
    plain = stats.bootstrap(
        samples,
        lambda x, y, axis: score(x, axis=axis) - score(y, axis=axis),
        paired=True,
        n_resamples=20_000,
        batch=1000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    # Monte Carlo error of each bound with 20,000 resamples: about 0.001
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.006)
    assert found.low < found.difference < found.high


def test_values_agree_with_a_plain_scipy_bootstrap():
    rng = np.random.default_rng(7)
    labels = rng.uniform(0, 5, 120)
    a, b = labels + rng.normal(size=120), labels + 3 * rng.normal(size=120)
    found = compare("pearson", a, b, labels)
    plain = stats.bootstrap(
        (a, b, labels),
        lambda x, y, z, axis: stats.pearsonr(x, z, axis=axis).statistic - stats.pearsonr(y, z, axis=axis).statistic,
        paired=True,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))
    assert (found.p, found.only_a_right, found.only_b_right) == (None, None, None)
    assert not found.within_noise


def test_a_clear_difference_is_no_noise_and_a_small_one_is():
    assert not compare("matthews", *two_models(1043, 0.9, 0.7)).within_noise
    assert compare("matthews", *two_models(100, 0.8, 0.8)).within_noise


@pytest.mark.parametrize("name", ["accuracy", "matthews", "pearson"])
@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [1, 1, 1, 1]])
def test_same_predictions_say_so(name, labels):
    found = compare(name, [0, 1, 0, 0], [0, 1, 0, 0], labels)
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    assert found.p == (None if name == "pearson" else 1)
    assert found.within_noise
    assert (found.note, found.undefined) == (SAME_PREDICTIONS, "")


def test_other_mistakes_on_the_same_examples_are_no_difference():
    found = compare("accuracy", [0, 1, 2], [0, 1, 1], [0, 1, 0])
    assert (found.difference, found.low, found.high, found.p, found.note) == (0, 0, 0, 1, SAME_RIGHT)


def test_one_constant_side_is_zero_by_convention_and_says_so():
    _, b, labels = two_models(100, 0.8, 0.8)
    found = compare("matthews", np.ones(100), b, labels)
    assert found.value_a == 0
    assert found.difference == -metric("matthews", b, labels)
    assert found.note == ONE_CLASS
    assert found.high < 0


def test_two_constant_sides_leave_matthews_without_an_interval():
    found = compare("matthews", [0] * 50, [1] * 50, [0] * 5 + [1] * 45)
    assert found.difference == 0
    assert np.isnan([found.low, found.high]).all()
    assert "So it is for both" in found.undefined
    assert found.within_noise


def test_a_constant_side_leaves_pearson_undefined():
    found = compare("pearson", [1, 1, 1], [1, 2, 3], [1, 2, 4])
    assert np.isnan([found.difference, found.low, found.high]).all()
    assert "not defined" in found.undefined
    assert found.within_noise


@pytest.mark.parametrize(("n", "noise"), [(1, True), (50, False)])
def test_without_spread_the_exact_test_decides(n, noise):
    found = compare("accuracy", [1] * n, [0] * n, [1] * n)
    assert np.isnan([found.low, found.high]).all()
    assert "same value" in found.undefined
    assert found.within_noise is noise


def test_unusable_input_is_refused():
    with pytest.raises(BadRequest):
        compare("accuracy", [0, 1], [0], [0, 1])
    with pytest.raises(BadRequest, match="neither 0 nor 1"):
        compare("f1", [0, 1], [0, 2], [0, 1])
    with pytest.raises(BadRequest, match="not a class index"):
        flips([0.5, 1], [0, 1], [0, 1])


def test_few_flips_that_the_exact_test_cannot_tell_from_chance_are_noise():
    true = np.zeros(504, np.int64)
    a, b = true.copy(), true.copy()
    b[:5], a[100:114] = 1, 1  # right alone: b on 14, a on 5
    found = compare("accuracy", a, b, true)
    assert found.high < 0  # by the bootstrap alone it would not be
    assert found.p is not None
    assert found.p > 0.05
    assert found.within_noise
