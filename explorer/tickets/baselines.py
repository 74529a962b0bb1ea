"""What a score is worth: the majority class, and for STS-B draws from a normal distribution (paper, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest
from explorer.glue.metrics import checked_pair, is_constant, metric
from explorer.glue.tasks import Task


@dataclass(frozen=True)
class Baseline:
    """The score of answers that never read the sentences, in the task's own metric."""

    task: str
    score: float
    """Mean over draws, where there are draws."""
    sample_sd: float
    """Standard deviation over draws; 0 for a majority class, which nothing is drawn for."""
    draws: int
    """0 for a majority class."""
    words: str
    """What was answered, for the screen."""


def baseline(
    task: Task, train_labels: Float64Array, dev_labels: Float64Array, *, seed: int = 0, draws: int = 1000
) -> Baseline:
    """Computes the task's baseline; labels (n,): class indices, or values for STS-B. Raises as the two below."""
    if task.is_regression:
        return normal_baseline(task, train_labels, dev_labels, seed=seed, draws=draws)
    return majority_baseline(task, train_labels, dev_labels)


def majority_baseline(task: Task, train_labels: Float64Array, dev_labels: Float64Array) -> Baseline:
    """Scores the most frequent class of the training labels (the first of equals), answered throughout on dev.

    Its Matthews correlation is 0 by convention. Raises BadRequest on labels that are no classes of the task.
    """
    if task.is_regression:
        raise BadRequest(f"{task.name} has values, not classes: it has no majority.")
    train, dev = checked_pair(task.metric, train_labels, train_labels)[0], np.asarray(dev_labels)
    if train.min() < 0 or train.max() >= task.n_outputs:
        raise BadRequest(f"A training label is not one of the {task.n_outputs} classes of {task.name}.")
    counts = np.bincount(train, minlength=task.n_outputs)
    chosen = int(counts.argmax())
    score = metric(task.metric, np.full(len(dev), chosen), dev)
    words = f"always {task.label_names[chosen]!r}, as in {counts[chosen] / counts.sum():.1%} of the training examples"
    return Baseline(task.name, score, 0.0, 0, words)


def normal_baseline(
    task: Task, train_labels: Float64Array, dev_labels: Float64Array, *, seed: int = 0, draws: int = 1000
) -> Baseline:
    """Correlates dev labels with draws from the normal distribution fitted to the training labels.

    No correlation sees mean and scale, so the expected score is 0; the spread says how far chance reaches.
    Raises BadRequest on classes, on labels that are all alike and below two draws.
    """
    if not task.is_regression:
        raise BadRequest(f"{task.name} has classes, not values: its baseline is the majority class.")
    if draws < 2 or seed < 0:
        raise BadRequest("A spread needs at least two draws, and a seed that is not negative.")
    from scipy import stats

    train = checked_pair("pearson", train_labels, train_labels)[0]
    dev = checked_pair("pearson", dev_labels, dev_labels)[0]
    if is_constant(train) or is_constant(dev):
        raise BadRequest("The labels are all alike: their correlation is undefined.")
    rng = np.random.default_rng(seed)
    mean, sd = train.mean(), train.std(ddof=1)
    ranked = task.metric == "spearman"
    dev = stats.rankdata(dev) if ranked else dev
    centred = (dev - dev.mean()) / np.linalg.norm(dev - dev.mean())
    scores = np.empty(draws)
    for i in range(draws):
        drawn = rng.normal(mean, sd, len(dev))
        drawn = stats.rankdata(drawn) if ranked else drawn
        drawn -= drawn.mean()
        scores[i] = drawn @ centred / np.linalg.norm(drawn)
    words = f"{draws} draws from a normal distribution with mean {mean:.2f} and sd {sd:.2f}, as the training labels"
    return Baseline(task.name, float(scores.mean()), float(scores.std(ddof=1)), draws, words)
