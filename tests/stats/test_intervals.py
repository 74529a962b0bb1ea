import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import matthews_corrcoef

from explorer.errors import BadRequest
from explorer.stats.intervals import sample_sd, score_with_interval, seed_spread, spread_of_summary

binary = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


def noisy(n, share_right, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return np.where(rng.random(n) < share_right, labels, 1 - labels), labels


def test_wilson_by_hand():
    # 8 of 10, z = 1.959964: Wilson (1927) gives 0.490 to 0.943
    score = score_with_interval("accuracy", [1] * 10, [1] * 8 + [0] * 2)
    z2 = stats.norm.ppf(0.975) ** 2
    centre = (8 + z2 / 2) / (10 + z2)
    half = np.sqrt(z2) / (10 + z2) * np.sqrt(8 * 2 / 10 + z2 / 4)
    assert (score.value, score.n, score.method, score.undefined) == (0.8, 10, "Wilson 95%", "")
    assert (score.low, score.high) == pytest.approx((centre - half, centre + half))
    assert (score.low, score.high) == pytest.approx((0.490, 0.943), abs=5e-4)


def test_wilson_is_that_of_scipy_too():
    predictions, labels = noisy(277, 0.63)
    score = score_with_interval("accuracy", predictions, labels, confidence=0.99)
    plain = stats.binomtest(int((predictions == labels).sum()), 277).proportion_ci(0.99, method="wilson")
    assert (score.low, score.high) == pytest.approx((plain.low, plain.high))
    assert score.method == "Wilson 99%"


@given(binary, st.floats(0.01, 0.999))
def test_wilson_holds_the_value_inside_zero_to_one(pairs, confidence):
    predictions, labels = np.array(pairs).T
    score = score_with_interval("accuracy", predictions, labels, confidence=confidence)
    assert 0 <= score.low <= score.value <= score.high <= 1
    assert score.low < score.high


def test_accuracy_takes_three_classes():
    assert score_with_interval("accuracy", [0, 1, 2], [0, 2, 2]).value == pytest.approx(2 / 3)


def test_matthews_agrees_with_a_plain_scipy_bootstrap():
    predictions, labels = noisy(60, 0.8)
    score = score_with_interval("matthews", predictions, labels, resamples=400)
    plain = stats.bootstrap(
        (labels, predictions),
        lambda true, predicted: matthews_corrcoef(true, predicted),
        paired=True,
        vectorized=False,
        n_resamples=400,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert score.value == pytest.approx(matthews_corrcoef(labels, predictions))
    assert (score.low, score.high) == pytest.approx((plain.low, plain.high))
    assert score.method == "bootstrap 95%, 400 resamples"


def test_pearson_agrees_with_a_plain_scipy_bootstrap():
    rng = np.random.default_rng(5)
    labels = rng.uniform(0, 5, 80)
    predictions = labels + rng.normal(size=80)
    score = score_with_interval("pearson", predictions, labels)
    plain = stats.bootstrap(
        (predictions, labels),
        lambda x, y, axis: stats.pearsonr(x, y, axis=axis).statistic,
        paired=True,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (score.low, score.high) == pytest.approx((plain.low, plain.high))
    assert -1 <= score.low < score.value < score.high <= 1


@given(st.integers(60, 200), st.floats(0.6, 0.8), st.integers(0, 10_000))
def test_the_bootstrap_holds_the_value(n, share_right, seed):
    score = score_with_interval("matthews", *noisy(n, share_right, seed), resamples=200)
    assert -1 <= score.low <= score.value <= score.high <= 1


def test_the_same_seed_gives_the_same_interval_and_more_examples_a_narrower_one():
    small, large = noisy(100, 0.8), noisy(1043, 0.8)
    assert score_with_interval("matthews", *small) == score_with_interval("matthews", *small)
    narrow, wide = score_with_interval("matthews", *large), score_with_interval("matthews", *small)
    assert narrow.high - narrow.low < wide.high - wide.low


@pytest.mark.parametrize(
    ("metric", "predictions", "labels", "value", "says"),
    [
        ("matthews", [1, 1, 1], [0, 1, 1], 0.0, "The predictions are all the same"),
        ("matthews", [0, 1, 1], [1, 1, 1], 0.0, "The labels are all the same"),
        ("matthews", [1], [1], 0.0, "The predictions and the labels are all the same"),
        ("matthews", [0, 1] * 20, [0, 1] * 20, 1.0, "Every resample gives the same value"),
        ("pearson", [2.0, 2.0, 2.0], [0, 1, 2], np.nan, "is not defined"),
        ("pearson", [1.0], [2.0], np.nan, "is not defined"),
        ("pearson", np.arange(40.0), np.arange(40.0), 1.0, "Every resample gives the same value"),
        ("pearson", [1.0, 2.0, 4.0], [0, 1, 1], np.sqrt(4 / 7), "too few examples"),
    ],
)
def test_where_there_is_no_interval_a_sentence_says_why(metric, predictions, labels, value, says):
    score = score_with_interval(metric, predictions, labels)
    assert score.value == pytest.approx(value, nan_ok=True)
    assert np.isnan([score.low, score.high]).all()
    assert says in score.undefined


@pytest.mark.parametrize("options", [{"confidence": 0}, {"confidence": 1.0}, {"resamples": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(BadRequest):
        score_with_interval("matthews", [0, 1], [0, 1], **options)


def test_f1_takes_two_classes():
    with pytest.raises(BadRequest, match="neither 0 nor 1"):
        score_with_interval("f1", [0, 1, 2], [0, 1, 2])


def test_unusable_input_is_refused():
    with pytest.raises(BadRequest):
        score_with_interval("accuracy", [0, 1], [0])


def test_seed_spread_by_hand():
    spread = seed_spread([1.0, 2.0, 3.0])
    half = 4.302653 / np.sqrt(3)  # t of 0.975 with 2 degrees of freedom
    assert (spread.mean, spread.sd, spread.n, spread.method) == (2.0, 1.0, 3, "t 95%")
    assert (spread.low, spread.high) == pytest.approx((2 - half, 2 + half))


def test_seed_spread_is_the_interval_of_scipy_s_t_test():
    values = [0.56, 0.55, 0.57, 0.561, 0.549]
    plain = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    spread = seed_spread(values, confidence=0.9)
    assert (spread.low, spread.high) == pytest.approx((plain.low, plain.high))


def test_a_spread_from_its_mean_and_sd_is_the_same():
    values = [0.56, 0.55, 0.57, 0.561, 0.549]
    plain = seed_spread(values)
    again = spread_of_summary(plain.mean, plain.sd, 5)
    assert (again.low, again.high, again.method) == (plain.low, plain.high, "t 95%")
    for mean, sd, n in ((0.5, 0.1, 1), (0.5, -0.1, 5), (np.nan, 0.1, 5), (0.5, np.nan, 5)):
        with pytest.raises(BadRequest):
            spread_of_summary(mean, sd, n)


def test_one_seed_has_no_spread():
    spread = seed_spread([0.5])
    assert spread.mean == 0.5
    assert np.isnan([spread.sd, spread.low, spread.high]).all()
    assert "two are needed" in spread.undefined


def test_equal_seeds_have_no_interval():
    spread = seed_spread([0.5634] * 5)
    assert (spread.mean, spread.sd) == (pytest.approx(0.5634), 0.0)
    assert np.isnan([spread.low, spread.high]).all()
    assert "All 5 seeds give the same value" in spread.undefined


@pytest.mark.parametrize("values", [[], [0.1, np.nan]])
def test_seeds_without_values_are_refused(values):
    with pytest.raises(BadRequest):
        seed_spread(values)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=9))
def test_sample_sd_of_the_population_sd(values):
    assert sample_sd(float(np.std(values)), len(values)) == pytest.approx(float(np.std(values, ddof=1)))


@pytest.mark.parametrize(("sd", "n"), [(0.1, 1), (-0.1, 5), (np.nan, 5)])
def test_sample_sd_refuses_what_is_none(sd, n):
    with pytest.raises(BadRequest):
        sample_sd(sd, n)
