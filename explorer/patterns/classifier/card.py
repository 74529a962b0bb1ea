"""The classifier's card: what it was made from, how right it is and where it is wrong, written from the scores."""

from __future__ import annotations

import math
from pathlib import Path

from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.calibration import NAMED_RIGHT
from explorer.patterns.classifier.evaluation import Scores
from explorer.patterns.classifier.report import RARER, Contest, PatternReport
from explorer.patterns.classifier.trained import PatternClassifier
from explorer.patterns.classifier.training import N_FOLDS, TrainingOptions
from explorer.stats.bootstrap import Interval
from explorer.stats.paired import PairedDifference

AIM = 0.85
"""Macro-F1 on held-out real maps that was aimed for."""


def card(found: PatternReport, classifier: PatternClassifier, options: TrainingOptions) -> str:
    """Fills the prose of card.md with the numbers of the report: the text of CARD.md."""
    text = Path(__file__).with_name("card.md").read_text(encoding="utf-8")
    blocks = {
        "scores": contest_table(found.even) + people_rows(found),
        "classes": class_table(found.even.network),
        "confusion": confusion_table(found.even.network),
        "scores_chosen": contest_table(found.with_chosen),
        "classes_chosen": class_table(found.with_chosen.network),
        "confusion_chosen": confusion_table(found.with_chosen.network),
        "kappas": kappa_table(found),
        "counts": count_table(found),
        "subsets": subset_table(found),
        "verdict": [verdict(found)],
    }
    for name, lines in blocks.items():
        text = text.replace(f"{{{name}}}", "\n".join(lines))
    numbers = {
        "threshold": f"{classifier.calibration.threshold:.2f}",
        "temperature": f"{classifier.calibration.temperature:.2f}",
        "named_right": f"{NAMED_RIGHT:.0%}",
        "uncertain_share": f"{1 - found.named.share:.1%}",
        "right_named": f"{found.named.right:.3f}",
        "n_named": str(found.named.n),
        "n_held": str(found.even.network.n),
        "n_held_heads": str(found.even.network.n_heads),
        "n_train": str(found.n_train),
        "n_train_heads": str(found.n_train_heads),
        "n_all": str(found.kappas[0].n),
        "n_rare": str(sum(found.counts[RARER].values())),
        "kappa_rare": f"{_number(found.kappa_of_rare.kappa)} {_interval(found.kappa_of_rare.interval)}"
        if found.kappa_of_rare
        else "–",
        "n_synthetic": f"{options.n_synthetic:,}",
        "seed": str(options.seed),
        "folds": str(N_FOLDS),
        "n_parameters": f"{sum(p.numel() for p in classifier.network.parameters()):,}",
    }
    for name, word in numbers.items():
        text = text.replace(f"{{{name}}}", word)
    return text


def contest_table(contest: Contest) -> list[str]:
    """The network beside its baselines."""
    rows = {
        "small CNN (this classifier)": contest.network,
        "boosted trees on hand-made features": contest.features,
        "rules (thresholds of the guideline)": contest.rules,
        "always the most frequent class": contest.most_frequent,
    }
    return ["| | accuracy | macro-F1 | n |", "|---|---|---|---|"] + [_row(name, one) for name, one in rows.items()]


def people_rows(found: PatternReport) -> list[str]:
    """Table rows of each labeller's own pass, scored against the resolved labels."""
    return [_row(f"{name} against the resolved labels", one) for name, one in found.people.items()]


def subset_table(found: PatternReport) -> list[str]:
    """The network on parts of the held-out maps."""
    head = ["| part of them | accuracy | macro-F1 | n |", "|---|---|---|---|"]
    return head + [_row(name, one) for name, one in found.subsets.items()]


def class_table(one: Scores) -> list[str]:
    """Precision, recall and F1 of each class."""
    return ["| class | precision | recall | F1 | n |", "|---|---|---|---|---|"] + [
        f"| {c.name} | {_number(c.precision)} | {_number(c.recall)} | {_number(c.f1)} | {c.n} |" for c in one.classes
    ]


def confusion_table(one: Scores) -> list[str]:
    """Rows: the label; columns: what the classifier says."""
    return [
        "| label ↓ said → | " + " | ".join(CLASSES) + " |",
        "|---" * (len(CLASSES) + 1) + "|",
        *(f"| {name} | " + " | ".join(map(str, row)) + " |" for name, row in zip(CLASSES, one.confusion, strict=True)),
    ]


def kappa_table(found: PatternReport) -> list[str]:
    """Cohen's kappa of the two passes, over all classes and class by class."""
    return ["| class | kappa | both say it | either says it |", "|---|---|---|---|"] + [
        f"| {k.name} | {_number(k.kappa)} {_interval(k.interval)} | {k.agree} | {k.n} |" for k in found.kappas
    ]


def count_table(found: PatternReport) -> list[str]:
    """Maps of each class in each part."""
    return ["| part | " + " | ".join(CLASSES) + " |", "|---" * (len(CLASSES) + 1) + "|"] + [
        f"| {split} | " + " | ".join(str(n) for n in counts.values()) + " |" for split, counts in found.counts.items()
    ]


def verdict(found: PatternReport) -> str:
    """Whether the aim was reached and the baselines were beaten, in plain words."""
    even, chosen = found.even.network, found.with_chosen.network
    return (
        f"The aim was a macro-F1 of {AIM} on held-out real maps. On the {even.n} maps drawn evenly over heads it is "
        f"**{_aim(even)}** ({even.macro_f1:.3f}, over {sum(c.n > 0 for c in even.classes)} classes); with the chosen "
        f"maps for blocks ({chosen.n} maps) it is **{_aim(chosen)}** ({chosen.macro_f1:.3f}). "
        f"{_against('the boosted trees', found.even.against_features)} {_trees(found)} "
        f"{_against('the rules', found.even.against_rules)}"
    )


def _trees(found: PatternReport) -> str:
    """The baseline in the measure that was aimed for, whichever way it goes."""
    pairs = ((found.even, "the evenly drawn maps"), (found.with_chosen, "these and the chosen ones"))
    parts = []
    for of, where in pairs:
        ahead = "ahead" if of.features.macro_f1 > of.network.macro_f1 else "behind"
        parts.append(f"on {where} the trees are {ahead} ({of.features.macro_f1:.3f} to {of.network.macro_f1:.3f})")
    return f"In macro-F1, {' and '.join(parts)}."


def _aim(one: Scores) -> str:
    return "reached" if one.macro_f1 >= AIM else "missed"


def _against(what: str, paired: PairedDifference) -> str:
    sign = "within noise" if paired.within_noise else ("better" if paired.difference > 0 else "worse")
    return (
        f"Against {what}, accuracy differs by {paired.difference:+.3f} "
        f"[{paired.low:+.3f}, {paired.high:+.3f}] on the same {paired.n} maps "
        f"(McNemar p = {paired.p:.3g}; right alone: {paired.only_a_right} and {paired.only_b_right}): {sign}."
    )


def _row(name: str, one: Scores) -> str:
    accuracy = f"{one.accuracy:.3f} {_interval(one.accuracy_interval)}"
    return f"| {name} | {accuracy} | {one.macro_f1:.3f} {_interval(one.macro_f1_interval)} | {one.n} |"


def _interval(interval: Interval) -> str:
    return "" if interval.undefined else f"[{interval.low:.3f}, {interval.high:.3f}]"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
