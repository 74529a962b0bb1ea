"""What a model that has learnt nothing scores: the line below which a score means nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest
from explorer.glue.metrics import FROM_ZERO
from explorer.glue.metrics import metric as score
from explorer.glue.tasks import MetricName, Task
from explorer.store.bundle import Bundle
from explorer.store.paper.published import MAJORITY
from explorer.store.runs_of_task import complete, seeds_with
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.study.fitting import why_not


@dataclass(frozen=True)
class MajorityBaseline:
    """Score of answers that never read a sentence, and how they were chosen."""

    score: float
    words: str
    """Words for the screen: "always 'paraphrase', as in 67.4% of the training examples"."""
    title: str
    """Name of the line in a figure: 'majority class' or 'random draws'."""
    from_training: str = ""
    """The command that takes the training set's instead; '' where that is done, or there is no training set."""


def majority_score(metric: MetricName, labels: Float64Array) -> float:
    """Scores always naming the most frequent label of (n,), the first of equals; 0 for correlations. Raises BadRequest
    without any."""
    if len(labels) == 0:
        raise BadRequest("There are no labels to find the most frequent of.")
    if metric not in FROM_ZERO:
        return 0.0
    values, counts = np.unique(labels, return_counts=True)
    if metric == "accuracy":
        return float(counts.max() / len(labels))
    return score(metric, np.full(len(labels), values[counts.argmax()]), labels)


def majority_baseline_of(bundle: Bundle, model: str, task: str) -> MajorityBaseline | None:
    """Reads a task's majority baseline from a bundle, the same for all its seeds and everywhere it is shown.

    Stage baseline (chosen on the training labels) comes first, then what was imported from the authors, then the
    most frequent label of the dev set, which the words say. None where the bundle has none of them. Raises BadBundle.
    """
    everyone, about = Run(model, task, ALL_SEEDS), bundle.task(task)
    if stored := complete(bundle, Key(everyone, "baseline")):
        return MajorityBaseline(float(stored.summary["score"]), str(stored.summary["words"]), _title(about))
    if imported := complete(bundle, Key(everyone, "published-scores")):
        table = bundle.read(imported.key).table
        rows = table[(table["condition"] == MAJORITY) & table["is_task_metric"]]
        if len(rows):
            return MajorityBaseline(float(rows["mean"].iloc[0]), "as the authors' files give it", _title(about))
    for seed in seeds_with(bundle, model, task, "finetune"):
        labels = bundle.read(Key(Run(model, task, seed), "finetune")).arrays.get("labels")
        if labels is not None and len(labels):
            return _of_dev(about, labels.astype(np.float64), _command(bundle, Key(everyone, "baseline")))
    return None


def _of_dev(task: Task, labels: Float64Array, command: str) -> MajorityBaseline:
    score = majority_score(task.metric, labels)
    if task.is_regression:
        return MajorityBaseline(score, "what draws at random are expected to score", _title(task))
    values, counts = np.unique(labels, return_counts=True)
    chosen = task.label_names[int(values[counts.argmax()])]
    words = f"always {chosen!r}, the most frequent label of the dev set"
    return MajorityBaseline(score, words, _title(task), command)


def _command(bundle: Bundle, key: Key) -> str:
    return "" if why_not(bundle, key) else bundle.command_for(key)


def _title(task: Task) -> str:
    return "random draws" if task.is_regression else "majority class"


def baseline_of_labels(task: Task, labels: Float64Array) -> MajorityBaseline:
    """Computes the baseline of data without training labels, from their own labels (n,). Raises BadRequest on none."""
    return MajorityBaseline(majority_score(task.metric, labels), "", _title(task))
