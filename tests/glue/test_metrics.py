import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import matthews_corrcoef

from explorer.errors import BadRequest
from explorer.glue.metrics import metric, predictions_of, score_of
from explorer.glue.tasks import METRIC_WORDS, TASKS

COLA, MNLI, STSB = TASKS["CoLA"], TASKS["MNLI"], TASKS["STS-B"]
classes = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40)


def test_a_class_is_the_index_of_the_largest_logit_and_the_first_of_equals():
    logits = np.array([[0.0, 1.0, 0.5], [2.0, 2.0, 1.0], [-1.0, -1.0, -1.0]], np.float32)
    predictions = predictions_of(MNLI, logits)
    assert predictions.tolist() == [1, 0, 0]
    assert predictions.dtype == np.int64


@pytest.mark.parametrize("shape", [(2, 1), (2,)])
def test_a_regression_prediction_is_the_logit_itself(shape):
    predictions = predictions_of(STSB, np.array([1.5, -2.0], np.float16).reshape(shape))
    assert predictions.tolist() == [1.5, -2.0]
    assert predictions.dtype == np.float64


@pytest.mark.parametrize(
    ("task", "logits"),
    [
        (MNLI, np.zeros((4, 2))),
        (STSB, np.zeros((4, 2))),
        (COLA, np.zeros(4)),
        (COLA, np.zeros((0, 2))),
        (COLA, np.array([[0.0, np.nan]])),
        (STSB, np.array([np.inf])),
    ],
)
def test_logits_that_do_not_fit_are_refused(task, logits):
    with pytest.raises(BadRequest):
        predictions_of(task, logits)


def test_accuracy_is_the_share_that_is_right():
    assert metric("accuracy", [0, 1, 2, 2], [0, 1, 2, 0]) == 0.75


def test_matthews_by_hand():
    # tp 2, tn 1, fp 1, fn 0: (2 * 1 - 1 * 0) / sqrt(3 * 2 * 2 * 1)
    assert metric("matthews", [1, 1, 1, 0], [1, 1, 0, 0]) == pytest.approx(2 / np.sqrt(12))


def test_pearson_by_hand():
    # deviations (-1, 0, 1) and (-1, 1, 0): 1 / sqrt(2 * 2)
    assert metric("pearson", [1, 2, 3], [0, 2, 1]) == pytest.approx(0.5)


@given(classes)
def test_matthews_is_that_of_scikit_learn(pairs):
    predictions, labels = np.array(pairs).T
    value = metric("matthews", predictions, labels)
    if len(set(labels) | set(predictions)) == 1:
        assert value == 0.0
    else:
        assert value == matthews_corrcoef(labels, predictions)


@pytest.mark.parametrize(("predictions", "labels"), [([1, 1, 1], [0, 1, 1]), ([1, 1], [1, 1]), ([0, 1], [1, 1])])
def test_matthews_of_a_constant_side_is_zero(predictions, labels):
    assert metric("matthews", predictions, labels) == 0.0


@pytest.mark.parametrize(
    ("predictions", "labels"),
    [
        ([2.5, 2.5, 2.5], [0, 1, 2]),
        ([0, 1, 2], [0.0, 0.0, 0.0]),
        ([3.0], [3.0]),
        ([1e8, 1e8, 1e8 + 2e-8], [0, 1, 2]),
        ([0.1, 0.1, 0.1], [0, 1, 2]),
        ([2.5, 2.5 + 1e-6, 2.5 - 1e-6], [0, 1, 2]),
        ([-0.0169, -0.0169 + 5e-9, -0.0169], [0, 1, 2]),
        ([1e-3, 1e-3 + 2e-6, 1e-3 - 2e-6], [0, 1, 2]),
    ],
)
def test_pearson_of_a_constant_side_is_nan_without_a_warning(predictions, labels):
    assert np.isnan(metric("pearson", predictions, labels))


def test_pearson_is_that_of_scipy():
    rng = np.random.default_rng(3)
    x = rng.normal(size=50).astype(np.float32)
    y = x + rng.normal(size=50)
    assert metric("pearson", x, y) == pearsonr(x.astype(float), y).statistic


@pytest.mark.parametrize("name", METRIC_WORDS)
@pytest.mark.parametrize(
    ("predictions", "labels"),
    [([0, 1], [0, 1, 1]), ([], []), ([0, np.nan], [0, 1]), ([0, 1], [0, np.nan]), ([[0], [1]], [0, 1])],
)
def test_unusable_input_is_refused(name, predictions, labels):
    with pytest.raises(BadRequest):
        metric(name, predictions, labels)


@pytest.mark.parametrize("name", ["accuracy", "matthews"])
def test_values_are_no_classes(name):
    with pytest.raises(BadRequest, match="not a class index"):
        metric(name, [0.5, 1.0], [0, 1])


def test_words_are_no_classes():
    with pytest.raises(BadRequest, match="not numbers"):
        metric("accuracy", ["a", "b"], [0, 1])


def test_an_unknown_metric_is_refused_by_name():
    with pytest.raises(BadRequest, match="kendall"):
        metric("kendall", [0, 1], [0, 1])


def test_the_score_is_the_task_s_own_metric():
    logits = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    labels = np.array([1.0, 1.0, 0.0, 0.0])
    assert score_of(COLA, logits, labels) == pytest.approx(2 / np.sqrt(12))
    assert score_of(TASKS["RTE"], logits, labels) == 0.75
    assert score_of(STSB, logits[:, 1:], labels) == pytest.approx(1 / np.sqrt(3))
