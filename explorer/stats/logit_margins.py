"""Example by example: what a mask changes in the model's answers, and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explorer.errors import BadRequest
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Task
from explorer.stats.paired import flips

BROKEN, FIXED, OTHER = "broken", "fixed", "wrong in another way"


def margins(logits: NDArray[np.floating[Any]], labels: ArrayLike) -> NDArray[np.float64]:
    """(n,): the gold class's logit minus the best other one's, of logits (n, k >= 2); below 0 is a wrong answer.

    Raises BadRequest on shapes that do not go together and on a label that is no class.
    """
    array, gold = np.asarray(logits, np.float64), np.asarray(labels).astype(np.int64)
    if array.ndim != 2 or array.shape[1] < 2 or gold.shape != array.shape[:1]:
        raise BadRequest(f"Logits of shape {array.shape} and labels of shape {gold.shape} have no margins.")
    if len(gold) and not (gold.min() >= 0 and gold.max() < array.shape[1]):
        raise BadRequest(f"A label is not one of {array.shape[1]} classes.")
    rows = np.arange(len(gold))
    others = array.copy()
    others[rows, gold] = -np.inf
    return np.asarray(array[rows, gold] - others.max(axis=1))


def flipped(
    task: Task,
    logits: NDArray[np.floating[Any]],
    full_logits: NDArray[np.floating[Any]],
    labels: NDArray[np.float64],
) -> pd.DataFrame:
    """The examples on which a mask's prediction is not the full model's, the farthest moved first.

    logits, full_logits: (n, k); labels: (n,). Columns: index (0-based), change (broken, fixed or wrong in another
    way), gold, before, after (class indices), margin_before, margin_after. Raises BadRequest as `flips` does.
    """
    before, after = predictions_of(task, full_logits), predictions_of(task, logits)
    turned = flips(after, before, labels)
    at = turned.changed
    table = pd.DataFrame(
        {
            "index": at,
            "change": np.select([np.isin(at, turned.broken), np.isin(at, turned.fixed)], [BROKEN, FIXED], OTHER),
            "gold": labels[at].astype(np.int64),
            "before": before[at],
            "after": after[at],
            "margin_before": margins(full_logits[at], labels[at]),
            "margin_after": margins(logits[at], labels[at]),
        }
    )
    moved = (table["margin_after"] - table["margin_before"]).abs()
    return table.iloc[np.argsort(-moved.to_numpy(), kind="stable")].reset_index(drop=True)


def moved(
    task: Task,
    logits: NDArray[np.floating[Any]],
    full_logits: NDArray[np.floating[Any]],
    labels: NDArray[np.float64],
    at_most: int = 100,
) -> pd.DataFrame:
    """Examples whose value changed most, for regression, where nothing flips: the farthest moved first.

    Columns: index (0-based), gold, before, after, error_before, error_after (absolute). Unchanged ones are left out.
    """
    before, after = predictions_of(task, full_logits), predictions_of(task, logits)
    change = np.abs(after - before)
    order = np.argsort(-change, kind="stable")[:at_most]
    at = order[change[order] > 0]
    return pd.DataFrame(
        {
            "index": at,
            "gold": labels[at],
            "before": before[at],
            "after": after[at],
            "error_before": np.abs(before[at] - labels[at]),
            "error_after": np.abs(after[at] - labels[at]),
        }
    )
