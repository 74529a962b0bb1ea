"""How right a classifier is, and how far two people agree; intervals over heads, since maps of a head are alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import cohen_kappa_score, confusion_matrix, precision_recall_fscore_support

from explorer.arrays import Float64Array, Int64Array
from explorer.errors import BadRequest
from explorer.patterns.classes import CLASSES
from explorer.stats.bootstrap import Interval, resample_cells

K = len(CLASSES)


@dataclass(frozen=True)
class ClassScore:
    """One class against the others; a score is nan where the class neither occurs nor is predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    n: int
    """Maps whose label it is."""


@dataclass(frozen=True)
class Scores:
    """Scores of predictions on labelled maps."""

    n: int
    n_heads: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    """Mean of F1 over the classes that occur among the labels."""
    macro_f1_interval: Interval
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Row: the label; column: the prediction; both in the order of CLASSES."""


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa (1960) of two passes, with its interval over heads; nan where both use one class only."""

    name: str
    """A class against all others, or 'all'."""
    kappa: float
    interval: Interval
    agree: int
    """Maps on which both say the same (for a class: both say it)."""
    n: int
    """Maps (for a class: those of which either says it)."""


def scores(
    labels: Int64Array, predictions: Int64Array, groups: Sequence[object], *, resamples: int = 2000, seed: int = 0
) -> Scores:
    """Scores predictions (n,) against labels (n,), both indices into CLASSES; groups: the head of each map. Raises
    BadRequest where they do not fit.
    """
    table = _tables(labels, predictions, groups)  # (heads, K * K)
    precision, recall, f1, n = precision_recall_fscore_support(
        labels, predictions, labels=range(K), zero_division=float("nan")
    )
    total = table.sum(axis=0).reshape(K, K)
    seen = (total.sum(axis=0) + total.sum(axis=1)) > 0
    f1 = np.where(seen, np.nan_to_num(f1), np.nan)
    return Scores(
        n=len(labels),
        n_heads=len(table),
        accuracy=float(_accuracy(table.sum(axis=0)[None])[0]),
        accuracy_interval=_over_heads(table, _accuracy, resamples, seed),
        macro_f1=float(_macro_f1(table.sum(axis=0)[None])[0]),
        macro_f1_interval=_over_heads(table, _macro_f1, resamples, seed),
        classes=tuple(
            ClassScore(name, float(precision[k]), float(recall[k]), float(f1[k]), int(n[k]))
            for k, name in enumerate(CLASSES)
        ),
        confusion=tuple(tuple(int(x) for x in row) for row in confusion_matrix(labels, predictions, labels=range(K))),
    )


def kappas(
    pass_a: Int64Array, pass_b: Int64Array, groups: Sequence[object], *, resamples: int = 2000, seed: int = 0
) -> tuple[Kappa, ...]:
    """Cohen's kappa of two labellers: over all classes, then each class against the others."""
    table = _tables(pass_a, pass_b, groups)
    agree = int((pass_a == pass_b).sum())
    out = [Kappa("all", _cohen(pass_a, pass_b), _over_heads(table, _kappa, resamples, seed), agree, len(pass_a))]
    for k, name in enumerate(CLASSES):
        a, b = (pass_a == k).astype(np.int64), (pass_b == k).astype(np.int64)
        one = _tables(a, b, groups)
        interval = _over_heads(one, _kappa, resamples, seed)
        out.append(Kappa(name, _cohen(a, b), interval, int((a & b).sum()), int((a | b).sum())))
    return tuple(out)


def _cohen(a: Int64Array, b: Int64Array) -> float:
    if len(np.union1d(a, b)) < 2:
        return float("nan")
    return float(cohen_kappa_score(a, b))


def _tables(rows: Int64Array, columns: Int64Array, groups: Sequence[object]) -> Float64Array:
    """(heads, K * K): how often each pair of classes occurs in each head's maps."""
    if not len(rows) == len(columns) == len(groups) or not len(rows):
        raise BadRequest(f"{len(rows)} labels, {len(columns)} predictions and {len(groups)} heads do not go together.")
    _, head = np.unique([str(group) for group in groups], return_inverse=True)
    table = np.zeros((head.max() + 1, K * K))
    np.add.at(table, (head, K * np.asarray(rows) + np.asarray(columns)), 1)
    return table


def _over_heads(
    table: Float64Array, statistic: Callable[[Float64Array], Float64Array], resamples: int, seed: int
) -> Interval:
    return resample_cells(
        np.ones(len(table), np.int64),
        lambda drawn: statistic(drawn @ table),
        confidence=0.95,
        resamples=resamples,
        seed=seed,
    )


def _accuracy(cells: Float64Array) -> Float64Array:
    """(r, K * K) -> (r,)"""
    return cells.reshape(-1, K, K).trace(axis1=1, axis2=2) / cells.sum(axis=1)


def _macro_f1(cells: Float64Array) -> Float64Array:
    """(r, K * K) -> (r,): over the classes that occur among the labels of each resample."""
    table = cells.reshape(-1, K, K)
    right = table.diagonal(axis1=1, axis2=2)
    both = table.sum(axis=1) + table.sum(axis=2)  # true + predicted
    f1 = np.divide(2 * right, both, out=np.zeros_like(both), where=both > 0)
    occurs = table.sum(axis=2) > 0
    return (f1 * occurs).sum(axis=1) / occurs.sum(axis=1)


def _kappa(cells: Float64Array) -> Float64Array:
    """(r, K * K) -> (r,); 1 where only one class is left, since both then always say the same."""
    table = cells.reshape(-1, K, K) / cells.sum(axis=1)[:, None, None]
    observed = table.trace(axis1=1, axis2=2)
    expected = (table.sum(axis=1) * table.sum(axis=2)).sum(axis=1)
    return np.divide(observed - expected, 1 - expected, out=np.ones_like(observed), where=expected < 1 - 1e-12)
