"""The pattern classifier and its baselines on maps of heads that none of them was trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier

from explorer.arrays import Int64Array
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier import features
from explorer.patterns.classifier.calibration import Named, named
from explorer.patterns.classifier.evaluation import Kappa, Scores, kappas, scores
from explorer.patterns.classifier.labels import HELD_OUT, TRAIN, LabelledMap, labels_of
from explorer.patterns.classifier.rules import classify_by_rules
from explorer.patterns.classifier.trained import PatternClassifier
from explorer.stats.paired import PairedDifference, compare

RARER = "chosen for rarer classes, training heads"
"""The part of maps that are trained on only."""


@dataclass(frozen=True)
class Contest:
    """The classifier and what it is to beat, on the same maps of heads that none of them was trained on."""

    network: Scores
    features: Scores
    rules: Scores
    most_frequent: Scores
    """Majority baseline: always the most frequent class of the training maps."""
    against_features: PairedDifference
    against_rules: PairedDifference


@dataclass(frozen=True)
class PatternReport:
    """Everything that the card says about scores."""

    n_train: int
    n_train_heads: int
    even: Contest
    """Contest on the maps drawn evenly over heads: the head line."""
    with_chosen: Contest
    """Contest on the evenly drawn maps and those chosen for blocks, of the same heads."""
    subsets: dict[str, Scores]
    """The network on parts of the evenly drawn maps."""
    named: Named
    """Effect of the threshold on the evenly drawn maps."""
    people: dict[str, Scores]
    """Each labeller's pass against the resolved labels."""
    kappas: tuple[Kappa, ...]
    """Agreement of the two passes over all evenly drawn maps."""
    counts: dict[str, dict[str, int]]
    """Maps of each class by part."""
    kappa_of_rare: Kappa | None = None
    """Agreement of the two passes over the maps for the rarer classes."""


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
        most_frequent=_scores(held, np.full(len(held), np.bincount(labels_of(train)).argmax())),
        against_features=compare("accuracy", by_network, by_features, true),
        against_rules=compare("accuracy", by_network, by_rules, true),
    )


def _kappas(maps: Sequence[LabelledMap]) -> tuple[Kappa, ...]:
    a = np.array([CLASSES.index(one.pass_a) for one in maps])
    b = np.array([CLASSES.index(one.pass_b) for one in maps])
    return kappas(a, b, [one.head for one in maps])


def _scores(maps: Sequence[LabelledMap], said: Int64Array) -> Scores:
    return scores(labels_of(maps), said, [one.head for one in maps])


def feature_baseline(train: Sequence[LabelledMap]) -> ClassifierMixin:
    """Boosted trees on the hand-made features: the best of five scikit-learn models in cross-validation."""
    model = HistGradientBoostingClassifier(random_state=0, max_leaf_nodes=8, learning_rate=0.05)
    return model.fit(features.table([one.weights for one in train]), labels_of(train))
