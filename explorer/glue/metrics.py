"""From logits to predictions to a score: the metrics of GLUE (Wang et al. 2019, arXiv:1804.07461), F1 and Spearman."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explorer.arrays import AnyArray, FloatArray
from explorer.errors import BadRequest
from explorer.glue.tasks import METRIC_WORDS, MetricName, Task

OF_VALUES: tuple[MetricName, ...] = ("pearson", "spearman")
"""Correlations of values; the others are of classes."""
FROM_ZERO: tuple[MetricName, ...] = ("accuracy", "f1", "macro_f1")
"""Metrics that go from 0 to 1; the others are correlations, from -1 on."""

_ROUNDING = 1e-5
"""Values within so much of their mean (times the mean, where that is above 1) are one value. Similarities go from 0 to
5 and are computed in float32: a model that cannot tell sentences apart gives values that differ by up to about 1e-6,
and their correlation with anything is noise."""


def predictions_of(task: Task, logits: FloatArray) -> AnyArray:
    """Returns (n,) class indices, int64 (the first of equals), or values, float64, for STS-B.

    logits: (n, task.n_outputs), or (n,) for regression. Raises BadRequest if the shape is another,
    if there are no rows, or if a value is not finite.
    """
    array = np.asarray(logits)
    if task.is_regression and array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] != task.n_outputs:
        raise BadRequest(
            f"Logits of shape {array.shape} do not go with {task.name}.",
            f"It takes (examples, {task.n_outputs}).",
        )
    _require_numbers(array, "The logits")
    if task.is_regression:
        return array[:, 0].astype(np.float64)
    return array.argmax(axis=1).astype(np.int64)


def metric(name: MetricName, predictions: ArrayLike, labels: ArrayLike) -> float:
    """Computes the score: accuracy and F1 0 to 1, Matthews, Pearson or Spearman correlation -1 to 1.

    predictions, labels: (n,). Matthews is 0.0 where either side is constant, and F1 where nothing is of the class
    (scikit-learn's conventions); Pearson and Spearman are then undefined: nan. Never warns. Raises BadRequest as
    checked_pair does.
    """
    predicted, true = checked_pair(name, predictions, labels)
    if name == "accuracy":
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(true, predicted))
    if name in ("f1", "macro_f1"):
        from sklearn.metrics import f1_score

        average = "binary" if name == "f1" else "macro"
        return float(f1_score(true, predicted, average=average, zero_division=0.0))
    if name == "matthews":
        if is_constant(predicted) or is_constant(true):
            return 0.0
        from sklearn.metrics import matthews_corrcoef

        return float(matthews_corrcoef(true, predicted))
    if is_constant(predicted) or is_constant(true):
        return float("nan")
    from scipy import stats

    if name == "spearman":
        return float(stats.spearmanr(predicted, true).statistic)
    return float(stats.pearsonr(predicted, true).statistic)


def score_of(task: Task, logits: FloatArray, labels: ArrayLike) -> float:
    """Computes the task's own metric for logits (n, task.n_outputs) and labels (n,); raises BadRequest."""
    return metric(task.metric, predictions_of(task, logits), labels)


def checked_pair(name: MetricName, predictions: ArrayLike, labels: ArrayLike) -> tuple[AnyArray, AnyArray]:
    """Validates predictions and labels, both (n,): int64 classes, or float64 values for a correlation of such.

    Raises BadRequest on an unknown metric, other shapes, lengths that differ, no examples, a value that is
    not finite, a class that is not a whole number, or for F1 one that is neither 0 nor 1.
    """
    if name not in METRIC_WORDS:
        raise BadRequest(f"There is no metric named {name!r}.", f"The metrics are {', '.join(METRIC_WORDS)}.")
    predicted, true = np.asarray(predictions), np.asarray(labels)
    if predicted.ndim != 1 or true.ndim != 1:
        raise BadRequest(
            f"Predictions of shape {predicted.shape} and labels of shape {true.shape} cannot be scored.",
            "Both are one value per example.",
        )
    if len(predicted) != len(true):
        raise BadRequest(
            f"There are {len(predicted)} predictions for {len(true)} labels.",
            "Both must come from the same examples.",
        )
    _require_numbers(predicted, "The predictions")
    _require_numbers(true, "The labels")
    if name in OF_VALUES:
        return predicted.astype(np.float64), true.astype(np.float64)
    for values, what in ((predicted, "prediction"), (true, "label")):
        if (values != np.floor(values)).any():
            raise BadRequest(
                f"A {what} is not a class index, so {METRIC_WORDS[name]} is not defined.",
                "Values such as those of STS-B take Pearson correlation.",
            )
        if name == "f1" and not np.isin(values, (0, 1)).all():
            raise BadRequest(f"A {what} is neither 0 nor 1: F1 is that of the second of two classes.", "Take macro F1.")
    return predicted.astype(np.int64), true.astype(np.int64)


def is_constant(values: AnyArray) -> bool:
    """Whether all values (n,) are the same, up to the rounding of float32: no correlation is defined then."""
    mean = values.mean()
    return bool(np.abs(values - mean).max() <= _ROUNDING * max(1.0, abs(mean)))


def _require_numbers(array: AnyArray, what: str) -> None:
    if array.size == 0:
        raise BadRequest(f"{what} are empty.", "A score needs at least one example.")
    if array.dtype.kind not in "biuf":
        raise BadRequest(f"{what} are not numbers.", "Give class indices or values.")
    if not np.isfinite(array).all():
        raise BadRequest(f"{what} hold a value that is not a finite number.", "Did the model overflow?")
