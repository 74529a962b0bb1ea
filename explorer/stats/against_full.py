"""A mask against the full model on the same examples, in one value: both scores, their difference, what flipped."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from explorer.glue import metrics
from explorer.glue.tasks import Task
from explorer.stats import bootstrap, class_counts, intervals, paired
from explorer.stats.intervals import Score, score_with_interval
from explorer.stats.paired import SAME_PREDICTIONS, PairedDifference, compare, flips


@dataclass(frozen=True)
class Comparison:
    """Both scores of a mask and of the full model, their paired difference, and how many predictions flipped."""

    task: Task
    score: Score
    full: Score
    difference: PairedDifference
    changed: int
    """Number of predictions that are not the full model's."""
    broken: int
    """Number of examples right in the full model and wrong under the mask; 0 for regression."""
    fixed: int

    @property
    def same(self) -> bool:
        """Whether every prediction is the full model's."""
        return self.difference.note == SAME_PREDICTIONS


def compared(task: Task, predictions: ArrayLike, full: ArrayLike, labels: ArrayLike) -> Comparison:
    """Compares predictions of a mask with the full model's on the labels, all (n,); raises BadRequest as `compare`."""
    difference = compare(task.metric, predictions, full, labels)
    score = score_with_interval(task.metric, predictions, labels)
    of_full = score if difference.note == SAME_PREDICTIONS else score_with_interval(task.metric, full, labels)
    if task.is_regression:
        changed, broken, fixed = int((np.asarray(predictions) != np.asarray(full)).sum()), 0, 0
    else:
        turned = flips(predictions, full, labels)
        changed, broken, fixed = (len(of) for of in (turned.changed, turned.broken, turned.fixed))
    return Comparison(task, score, of_full, difference, changed, broken, fixed)


def to_json(found: Comparison) -> str:
    """Writes a comparison as JSON for the ledger, since its bootstrap takes longer than a known score should."""
    values = {name: value for name, value in asdict(found).items() if name != "task"}
    return json.dumps({"task": found.task.name, "statistics": statistics_version(), **values})


def from_json(text: str, task: Task) -> Comparison | None:
    """Reads a comparison that `to_json` wrote; None where task, metric or statistics are others than today's."""
    values = json.loads(text) if text else {}
    if (values.pop("task", None), values.pop("statistics", None)) != (task.name, statistics_version()):
        return None
    if values["score"]["metric"] != task.metric:
        return None
    score, full, difference = Score(**values.pop("score")), Score(**values.pop("full")), values.pop("difference")
    return Comparison(task, score, full, PairedDifference(**difference), **values)


@functools.cache
def statistics_version() -> str:
    """Names the statistics by a hash of the modules that make scores, intervals and tests, line by line."""
    source = "".join(inspect.getsource(module) for module in (metrics, bootstrap, class_counts, intervals, paired))
    return hashlib.sha256(source.encode()).hexdigest()[:12]
