"""What is said of the heads and MLPs that survive pruning; double brackets mark a term of the glossary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explorer.glue.tasks import METRIC_WORDS, MetricName
from explorer.mask import Mask
from explorer.stats.survival import survival
from explorer.store.task_tickets import Pruned
from explorer.study.claims import few_seeds
from explorer.study.words import model_name

PRUNED: dict[Pruned, str] = {"together": "Heads and MLPs", "heads": "Heads", "mlps": "MLPs"}
"""What was pruned, by its name on the switch."""


def rule_words(model: str, metric: MetricName, pruned: Pruned, n_seeds: int) -> str:
    """Says how a task's good tickets came about, and what survival says of them."""
    return (
        f"{PRUNED[pruned]} of {model_name(model)} are switched off, least [[importance|important]] first, while "
        f"{METRIC_WORDS[metric]} on the [[dev set]] stays above 90% of the [[full model]]'s. What is "
        f"left is the [[good ticket]]. {_survival_words(n_seeds)}"
    )


def size_words(masks: Mapping[int, Mask], pruned: Pruned) -> str:
    """Says how many heads and MLPs survive, on average over seeds where there are several."""
    summary = survival(list(masks.values()))
    first = next(iter(masks.values()))
    parts = []
    if pruned != "mlps":
        parts.append(_kept(summary.heads.kept_spread.mean, summary.heads.kept_spread.sd, first.heads.size, "heads"))
    if pruned != "heads":
        parts.append(_kept(summary.mlps.kept_spread.mean, summary.mlps.kept_spread.sd, first.mlps.size, "MLPs"))
    average = "On average, " if len(masks) > 1 else ""
    words = f"{average}{' and '.join(parts)} survive."
    if pruned != "mlps" and len(masks) > 1:
        heads = np.stack([mask.heads for mask in masks.values()])
        words += (
            f" {int(heads.all(axis=0).sum())} heads survive in every seed, {int((~heads.any(axis=0)).sum())} in none."
        )
    return f"{words} {few_seeds(len(masks))}".rstrip()


def _survival_words(n: int) -> str:
    if n == 1:
        return "One seed was pruned: below is what it kept. Whether other seeds keep the same takes two."
    return f"[[survival|Survival]] says in how many of {n} [[seed|seeds]] a head or MLP is part of it."


def _kept(mean: float, sd: float, total: int, word: str) -> str:
    if np.isnan(sd):
        return f"{mean:g} of {total} {word}"
    return f"{mean:.1f} of {total} {word} (sd {sd:.1f} over seeds)"
