"""Two conditions of the same run on the same dev examples, seed by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from explorer.arrays import AnyArray, Float64Array
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import MetricName
from explorer.stats.paired import PairedDifference, compare
from explorer.store.bundle import Artefact, Bundle
from explorer.store.paper.published import FULL
from explorer.study.conditions import ConditionScore


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions of one run under each condition, and the right answers."""

    metric: MetricName
    labels: Float64Array
    """(n,)"""
    predictions: Mapping[str, AnyArray]
    """Condition -> (n,)."""


def answers_by_seed(
    bundle: Bundle, by_seed: Mapping[int, Mapping[str, ConditionScore]], conditions: Iterable[str]
) -> dict[int, Answers]:
    """Reads, for every seed with stored labels, the stored predictions of some conditions.

    by_seed: as study_scores gives it. Raises BadBundle where a file is damaged.
    """
    wanted, answers = tuple(conditions), {}
    for seed, scores in by_seed.items():
        home = scores[FULL].key
        keys = {home, *(scores[name].key for name in wanted if name in scores)}
        read = {key: bundle.read(key) for key in keys}
        labels = read[home].arrays.get("labels")
        if labels is None:
            continue
        said = {name: _said(read[scores[name].key], scores[name].row) for name in wanted if name in scores}
        known = {name: predictions for name, predictions in said.items() if predictions is not None}
        answers[seed] = Answers(bundle.task(home.run.task).metric, labels.astype(np.float64), known)
    return answers


def paired_by_seed(answers: Mapping[int, Answers], a: str, b: str) -> dict[int, PairedDifference]:
    """Compares condition a minus condition b in every seed that has the predictions of both."""
    return {
        seed: compare(of.metric, of.predictions[a], of.predictions[b], of.labels)
        for seed, of in answers.items()
        if a in of.predictions and b in of.predictions
    }


def _said(artefact: Artefact, row: int) -> AnyArray | None:
    if artefact.manifest.stage == "finetune":
        logits = artefact.arrays.get("logits")
        return None if logits is None else predictions_of(artefact.task, logits)
    predictions = artefact.arrays.get("predictions")
    return None if predictions is None else predictions[row]
