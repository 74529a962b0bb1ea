"""What a learned constant in the place of a head or MLP that is off keeps of the score, beside its mean and nothing.

Optimal ablation: Li and Janson 2024 (arXiv:2409.09951), section 2.3. Goes beyond the paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from explorer.arrays import AnyArray, BoolArray, Float64Array
from explorer.bert.stand_ins import DRAWN, LEARNED, MEAN, ZERO, StandIn
from explorer.errors import BadBundle
from explorer.stats.weighted import Difference, central, difference, draw_weights, weighted_scores
from explorer.store.bundle import Artefact
from explorer.study.conditions import TICKET_KINDS
from explorer.study.majority_baseline import majority_score
from explorer.study.stored_scores import KnownRun
from explorer.study.words import minus, with_interval

NAMES: Mapping[StandIn, str] = {ZERO: "nothing (the paper)", MEAN: "the mean", LEARNED: "a learned constant"}
"""What stands in -> in words, in the order in which they are shown."""


@dataclass(frozen=True, eq=False)
class StandInsCompared:
    """One run's tickets and random masks under each stand-in, on the same n dev examples."""

    known: KnownRun
    masks: pd.DataFrame
    """A row a stand-in and keep rate: what stands in, rate, masks, score (their mean), low, high."""
    tickets: pd.DataFrame
    """A row a ticket: its score under each stand-in, and learned minus the two others, each with its interval."""
    learned_minus: Mapping[StandIn, Difference]
    """Nothing or the mean -> what a learned constant keeps more, on average over the random masks."""
    drawn: int
    """Random masks."""
    one_answer: Mapping[StandIn, int]
    """What stands in -> of how many random masks every example gets the same class."""
    majority: float | None
    """Score of the answer that is right most often; None where there is no such answer."""
    sample: int
    """Training examples that means and constants are taken from."""
    steps: int
    """Steps in which the constants were learnt."""

    @property
    def n(self) -> int:
        """Dev examples."""
        return len(self.known.labels)


def stand_ins_compared(artefact: Artefact, known: KnownRun) -> StandInsCompared:
    """Reads a run's artefact of stage constants. Intervals are over dev examples, the masks held fixed.

    Raises BadBundle where the masks under the three are not the same ones in the same order.
    """
    table, labels, summary = artefact.table, known.labels, artefact.manifest.summary
    of = {instead: (table["instead"] == instead).to_numpy() for instead in NAMES}
    first = table[of[ZERO]]
    names = first["name"].to_numpy()
    if any(list(table[rows]["mask"]) != list(first["mask"]) for rows in of.values()):
        raise BadBundle(f"The masks of {artefact.manifest.key.path} are not the same ones under each stand-in.")
    weights = draw_weights([np.arange(len(labels))])
    drawn_scores = weighted_scores(known.task.metric, artefact.arrays["predictions"], labels, weights)
    scores = {instead: drawn_scores[:, rows] for instead, rows in of.items()}  # (1 + R, masks)
    drawn = names == DRAWN
    whole = {instead: each[:, drawn].mean(axis=1) for instead, each in scores.items()}
    return StandInsCompared(
        known,
        _by_rate(scores, first["rate"].to_numpy(np.float64), drawn),
        _tickets(scores, names),
        {other: difference(whole[LEARNED], whole[other]) for other in (ZERO, MEAN)},
        int(drawn.sum()),
        {instead: _one_answer(known, artefact.arrays["predictions"][rows][drawn]) for instead, rows in of.items()},
        majority_score("accuracy", labels) if known.task.metric == "accuracy" else None,
        int(summary["examples"]),
        int(artefact.manifest.config["steps"]),
    )


def _one_answer(known: KnownRun, said: AnyArray) -> int:
    return 0 if known.task.is_regression else int((said == said[:, :1]).all(axis=1).sum())


def _by_rate(scores: Mapping[StandIn, Float64Array], rates: Float64Array, drawn: BoolArray) -> pd.DataFrame:
    rows = []
    for instead, each in scores.items():
        for rate in np.unique(rates[drawn]):
            here = drawn & (rates == rate)
            found = each[:, here].mean(axis=1)
            low, high = central(found[1:])
            row = {"in the place of what is off": NAMES[instead], "rate": float(rate), "masks": int(here.sum())}
            rows.append(row | {"score": float(found[0]), "low": low, "high": high})
    return pd.DataFrame(rows)


def _tickets(scores: Mapping[StandIn, Float64Array], names: np.ndarray) -> pd.DataFrame:
    rows = []
    for kind in TICKET_KINDS:
        own = {instead: each[:, list(names).index(kind)] for instead, each in scores.items()}
        row = {"ticket": kind}
        row |= {NAMES[instead]: _words(float(of[0]), *central(of[1:]), ".3f") for instead, of in own.items()}
        for other in (ZERO, MEAN):
            gain = difference(own[LEARNED], own[other])
            row[f"learned minus {NAMES[other]}"] = _words(gain.value, gain.low, gain.high, "+.3f")
        rows.append(row)
    return pd.DataFrame(rows)


def _words(value: float, low: float, high: float, style: str) -> str:
    """Where every resample gives the same, as one answer to all does in Matthews' correlation, there is no interval."""
    return with_interval(value, low, high if low < high else math.nan, style)


def meaning(of: StandInsCompared, metric: str, *, learnt: bool) -> str:
    """Says in a few sentences, as Markdown, whether a learned constant keeps more than nothing and than the mean.

    learnt: whether the full model beats its baseline; where not, nothing is claimed.
    """
    run = of.known.run
    if not learnt:
        return f"The full model of {run.task} has learnt nothing that a constant could keep: nothing is claimed."
    good = of.tickets.set_index("ticket").loc["good"]
    nothing = _against(of.learned_minus[ZERO], "leaving nothing there", of.n)
    mean = _against(of.learned_minus[MEAN], "the mean", of.n)
    return minus(
        f"**A learned constant {nothing}**, and {mean}: {metric} on average over {of.drawn} random masks of "
        f"{run.task}, seed {run.seed}. The good ticket, pruned with nothing there, scores {good[NAMES[ZERO]]} with "
        f"nothing, {good[NAMES[MEAN]]} with means and {good[NAMES[LEARNED]]} with learned constants; the full model "
        f"{of.known.full.score:.3f}.{_one_answer_words(of)}"
    )


def _one_answer_words(of: StandInsCompared) -> str:
    """Says how many masks give one answer to all: what these score tells nothing of what stands in."""
    if not any(of.one_answer.values()):
        return ""
    many = ", ".join(f"{number} with {NAMES[instead].partition(' (')[0]}" for instead, number in of.one_answer.items())
    scores = "" if of.majority is None else f"; the answer that is right most often scores {of.majority:.3f}"
    return f" Of the {of.drawn} masks, so many give every example one and the same answer: {many}{scores}."


def _against(found: Difference, other: str, n: int) -> str:
    if not found.beyond_noise:
        words = f"is not told from {other} by {n:,} examples"
    else:
        words = f"keeps {'more' if found.value > 0 else 'less'} of the score than {other}"
    return f"{words}, {_words(found.value, found.low, found.high, '+.3f')}"


def caption(of: StandInsCompared) -> str:
    """Says what is drawn, over what, and where the constants come from."""
    return (
        f"One constant a head and MLP, learnt in {of.steps} steps from {of.sample:,} training examples under random "
        "masks of all these keep rates, so that the masked model says what the full one says; no label is read, dev "
        "never learnt from (Li and Janson 2024, arXiv:2409.09951, section 2.3). Each point is the mean over masks in "
        "which every part is kept with that probability, the same masks under all three; bars: 95% intervals over "
        f"{of.n:,} dev examples, the masks held fixed. Correlations that are not defined count as 0. Goes beyond the "
        "paper, which leaves nothing there."
    )
