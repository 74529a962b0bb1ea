"""The pattern classifier and its baselines on maps of heads that none of them was trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier

from explorer.arrays import Float64Array, Int64Array
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier import features
from explorer.patterns.classifier.evaluation import Kappa, Scores, kappas, scores
from explorer.patterns.classifier.labels import HELD_OUT, TRAIN, LabelledMap
from explorer.patterns.classifier.rules import classify_by_rules
from explorer.patterns.classifier.trained import Calibration, PatternClassifier
from explorer.stats.paired import PairedDifference, compare

RARER = "chosen for rarer classes, training heads"
"""The part of maps that are trained on only."""
NAMED_RIGHT = 0.9
"""Of the maps that get a name, so many are to be right; the threshold is the lowest that gives it."""
THRESHOLDS = tuple(np.round(np.arange(0.4, 0.91, 0.05), 2).tolist())


@dataclass(frozen=True)
class Named:
    """What the threshold does."""

    threshold: float
    share: float
    """Of maps that get a class name; the others are 'uncertain'."""
    right: float
    """Of those that get one, how many are right; nan where none does."""
    n: int


@dataclass(frozen=True)
class Contest:
    """The classifier and what it is to beat, on the same maps of heads that none of them was trained on."""

    network: Scores
    features: Scores
    rules: Scores
    commonest: Scores
    """Always the commonest class of the training maps."""
    against_features: PairedDifference
    against_rules: PairedDifference


@dataclass(frozen=True)
class PatternReport:
    """Everything that the card says about scores."""

    n_train: int
    n_train_heads: int
    even: Contest
    """On the maps drawn evenly over heads: the head line."""
    with_chosen: Contest
    """On these and on those chosen for blocks, of the same heads."""
    subsets: dict[str, Scores]
    """The network on parts of the evenly drawn maps."""
    named: Named
    """On the evenly drawn maps."""
    people: dict[str, Scores]
    """Each labeller's pass against the resolved labels."""
    kappas: tuple[Kappa, ...]
    """Of the two passes, over all evenly drawn maps."""
    counts: dict[str, dict[str, int]]
    """Maps of each class by part."""
    kappa_of_rare: Kappa | None = None
    """Of the two passes, over the maps for the rarer classes."""


def report(
    classifier: PatternClassifier,
    drawn: Sequence[LabelledMap],
    chosen: Sequence[LabelledMap],
    rare: Sequence[LabelledMap] = (),
) -> PatternReport:
    """Scores on held-out heads, beside baselines fitted to the same training maps. chosen: the maps for blocks; rare:
    those for the rarer classes, to train on only."""
    train = [one for one in (*drawn, *chosen, *rare) if one.split == TRAIN]
    held = [one for one in drawn if one.split == HELD_OUT]
    held_chosen = [one for one in chosen if one.split == HELD_OUT]
    probabilities = classifier.classify([one.weights for one in held])

    def part(keep: Callable[[LabelledMap], bool]) -> Scores:
        picked = np.array([keep(one) for one in held])
        return _scores([one for one in held if keep(one)], probabilities.argmax(axis=1)[picked])

    def person(answer: Callable[[LabelledMap], str]) -> Scores:
        return _scores(held, np.array([CLASSES.index(answer(one)) for one in held]))

    parts = {
        "drawn evenly, training heads": [one for one in drawn if one.split == TRAIN],
        "drawn evenly, held-out heads": held,
        "chosen for blocks, training heads": [one for one in chosen if one.split == TRAIN],
        "chosen for blocks, held-out heads": held_chosen,
        RARER: list(rare),
    }
    baseline = feature_baseline(train)
    return PatternReport(
        n_train=len(train),
        n_train_heads=len({one.head for one in train}),
        even=_contest(classifier, baseline, train, held),
        with_chosen=_contest(classifier, baseline, train, [*held, *held_chosen]),
        subsets={
            "without block maps": part(lambda one: one.resolved != "block"),
            "raw attention": part(lambda one: one.drawn.kind == "raw"),
            "norm-weighted attention": part(lambda one: one.drawn.kind == "norm"),
            "both passes say the same": part(lambda one: one.pass_a == one.pass_b),
            "both say the same and are sure": part(lambda one: one.pass_a == one.pass_b and one.sure),
            "the others": part(lambda one: one.pass_a != one.pass_b or not one.sure),
        },
        named=named(probabilities, labels_of(held), classifier.calibration.threshold),
        people={"pass A": person(lambda one: one.pass_a), "pass B": person(lambda one: one.pass_b)},
        kappas=_kappas(drawn),
        kappa_of_rare=_kappas(rare)[0] if rare else None,
        counts={
            name: {label: sum(one.resolved == label for one in maps) for label in CLASSES}
            for name, maps in parts.items()
        },
    )


def _contest(
    classifier: PatternClassifier, baseline: ClassifierMixin, train: Sequence[LabelledMap], held: Sequence[LabelledMap]
) -> Contest:
    weights = [one.weights for one in held]
    true = labels_of(held)
    by_network = classifier.classify(weights).argmax(axis=1)
    by_features = baseline.predict(features.table(weights))
    by_rules = classify_by_rules(weights)
    return Contest(
        network=_scores(held, by_network),
        features=_scores(held, by_features),
        rules=_scores(held, by_rules),
        commonest=_scores(held, np.full(len(held), np.bincount(labels_of(train)).argmax())),
        against_features=compare("accuracy", by_network, by_features, true),
        against_rules=compare("accuracy", by_network, by_rules, true),
    )


def _kappas(maps: Sequence[LabelledMap]) -> tuple[Kappa, ...]:
    a = np.array([CLASSES.index(one.pass_a) for one in maps])
    b = np.array([CLASSES.index(one.pass_b) for one in maps])
    return kappas(a, b, [one.head for one in maps])


def _scores(maps: Sequence[LabelledMap], said: Int64Array) -> Scores:
    return scores(labels_of(maps), said, [one.head for one in maps])


def labels_of(maps: Sequence[LabelledMap]) -> Int64Array:
    """(m,): indices of the resolved classes."""
    return np.array([one.label for one in maps], np.int64)


def feature_baseline(train: Sequence[LabelledMap]) -> ClassifierMixin:
    """Boosted trees on the hand-made features: the best of five scikit-learn models in cross-validation."""
    model = HistGradientBoostingClassifier(random_state=0, max_leaf_nodes=8, learning_rate=0.05)
    return model.fit(features.table([one.weights for one in train]), labels_of(train))


def calibrated(logits: Float64Array, true: Int64Array) -> Calibration:
    """Temperature by likelihood (Guo et al. 2017), and the lowest threshold at which 9 of 10 named maps are right.

    logits: (m, 5) of maps that the network did not see. Where no threshold does it, the highest is taken.
    """
    best = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[np.arange(len(true)), true].mean(), bounds=(0.3, 5), method="bounded"
    )
    probabilities = softmax(logits / best.x, axis=1)
    enough = [t for t in THRESHOLDS if named(probabilities, true, t).right >= NAMED_RIGHT]
    return Calibration(round(float(best.x), 3), float(min(enough, default=max(THRESHOLDS))))


def named(probabilities: Float64Array, true: Int64Array, threshold: float) -> Named:
    """How many maps a threshold leaves with a name, and how many of those are right."""
    sure = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == true
    return Named(
        threshold, float(sure.mean()), float(right[sure].mean()) if sure.any() else float("nan"), int(sure.sum())
    )
