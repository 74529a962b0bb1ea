"""A run's bank of random masks: the score of each on any examples, what each component is worth, and surprises."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.arrays import BoolArray, Float32Array, Float64Array, FloatArray
from explorer.errors import BadRequest
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.stats.banzhaf import Worth, least_squares, sample_reuse, surprise
from explorer.stats.logit_margins import margins
from explorer.stats.multiple import RATE, false_discovery, surest_first
from explorer.stats.weighted import RESAMPLES, central, weighted_scores
from explorer.store.bundle import Artefact
from explorer.study.words import component_names, with_interval
from explorer.tickets.criteria import kept_of


@dataclass(frozen=True, eq=False)
class MaskBank:
    """M random masks of one run."""

    task: Task
    kept: BoolArray
    """(M, C)"""
    rates: Float64Array
    """(M,): the keep rate that each was drawn at."""
    margins: FloatArray
    """(M, n): as `margins_of` gives them."""
    labels: Float64Array
    """(n,)"""

    def scores(self, examples: NDArray[np.integer] | None = None) -> Float64Array:
        """Computes the task's metric of every mask, on all or some examples: (M,). Undefined correlations are 0."""
        if examples is not None:
            return replace(self, margins=self.margins[:, examples], labels=self.labels[examples]).scores()
        if self.task.metric == "accuracy":
            return np.asarray((self.margins > 0).mean(axis=1))
        return self.scores_under(np.ones((1, len(self.labels))))[0]

    def scores_under(self, weights: Float64Array) -> Float64Array:
        """Computes the task's metric of every mask where examples count as often as they weigh: (R, n) to (R, M)."""
        stored = self.margins.astype(np.float64)
        if self.task.metric == "accuracy":
            return weighted_scores("accuracy", stored > 0, np.ones(len(self.labels), np.bool_), weights)
        said = stored if self.task.is_regression else np.where(stored > 0, self.labels, 1 - self.labels)
        return weighted_scores(self.task.metric, said, self.labels, weights)

    def one_answer(self) -> BoolArray:
        """Tells which masks give every example the same class, (M,); of more than two classes margins do not say it."""
        if self.task.is_regression or self.task.n_outputs != 2:
            return np.zeros(len(self.margins), np.bool_)
        second = (self.margins > 0) == (self.labels > 0)
        return np.asarray(second.all(axis=1) | ~second.any(axis=1))

    def worth(self, examples: NDArray[np.integer] | None = None) -> Worth:
        """Estimates what each component is worth in the task's score, by least squares over the keep rates."""
        return least_squares(self.kept, self.scores(examples), self.rates)

    def worth_by_reuse(self) -> Worth | None:
        """Estimates the Banzhaf values from the masks that keep every component with probability 1/2; None where these
        are too few."""
        half = self.rates == 0.5
        with suppress(BadRequest):
            return sample_reuse(self.kept[half], self.scores()[half])
        return None

    def surprises(self) -> Float64Array:
        """Computes each mask's score minus what the additive game of the others predicts: (M,)."""
        return surprise(self.kept, self.scores(), self.rates)

    def beside_rate(self) -> Float64Array:
        """Computes each mask's score minus the mean of the other masks of its keep rate: (M,).

        What knowing how many parts are on misses; an additive game has a level for each rate too.
        """
        return surprise(np.zeros((len(self.kept), 0)), self.scores(), self.rates)


@dataclass(frozen=True, eq=False)
class PartsWorth:
    """What each component is worth over a bank's masks, and which of that is told from nothing."""

    found: Worth
    q: Float64Array
    """(C,): Benjamini and Hochberg's p-value among all components."""
    masks: int

    @property
    def beyond_noise(self) -> BoolArray:
        """Which components are worth something, or harm, beyond noise, at a share of RATE false ones: (C,)."""
        return np.asarray(self.q < RATE)

    def surest(self) -> int:
        """Finds the component whose worth is told from nothing most surely: its place."""
        return int(surest_first(self.found.value, self.q)[0])


def parts_worth(bank: MaskBank) -> PartsWorth:
    """Reads what each component is worth; raises BadRequest on too few masks."""
    found = bank.worth()
    return PartsWorth(found, np.array(false_discovery(found.p.tolist())), len(bank.rates))


@dataclass(frozen=True)
class Additivity:
    """How well adding up what parts are worth foretells a random mask's score, beside knowing how many are on."""

    missed: float
    """Root mean square of the surprises."""
    missed_interval: tuple[float, float]
    """95% over masks."""
    by_rate: float
    """Root mean square of what the keep rate alone misses."""
    explained: float
    """Share of the latter's square that adding up takes away; below 0 where it foretells worse, nan where all is 0."""
    explained_interval: tuple[float, float]


def additivity(bank: MaskBank) -> Additivity:
    """Measures how far a bank's masks add up; each is foretold from the others. Raises BadRequest on too few masks."""
    squares = np.stack([bank.surprises(), bank.beside_rate()]) ** 2
    drawn = np.random.default_rng(0).integers(0, len(bank.rates), (RESAMPLES, len(bank.rates)))
    missed, by_rate = squares.mean(axis=1)
    of_drawn, of_rate = squares[:, drawn].mean(axis=2)
    least = 1e-12
    explained = float(1 - missed / by_rate) if by_rate > least else math.nan
    return Additivity(
        math.sqrt(missed),
        central(np.sqrt(of_drawn)),
        math.sqrt(by_rate),
        explained,
        central(1 - of_drawn / np.maximum(of_rate, least)),
    )


def gain_words(found: Additivity) -> str:
    """Says what adding up the worth of parts takes away of what knowing only how many are on misses."""
    if not found.explained > 0:
        return "adding up does no better"
    return f"adding up takes away {with_interval(found.explained, *found.explained_interval, '.0%')} of that variance"


def bank_words(of: PartsWorth, found: Additivity, shape: tuple[int, int], metric: str) -> str:
    """Says which part is worth the most, how many are told from nothing, and how far they add up, as Markdown.

    shape: (L, H). metric: in words.
    """
    worth, names = of.found, component_names(shape)
    best = int(np.argmax(worth.value))
    clear, harm = (int((of.beyond_noise & (sign * worth.value > 0)).sum()) for sign in (1, -1))
    interval = with_interval(worth.value[best], worth.low[best], worth.high[best])
    return (
        f"On average over {of.masks:,} random masks, **{names[best]}** is worth the most: {interval} of {metric}. Of "
        f"{len(names)} parts, {clear} are worth something beyond noise (5% of them false on average), and {harm} do "
        f"harm: masks score more without them. Adding up what the parts are worth foretells a mask's {metric} to "
        f"±{found.missed:.3f} (a standard deviation), knowing only how many are on to ±{found.by_rate:.3f}: "
        f"{gain_words(found)}. What is foretold is never shown as a score."
    )


def told_by_margins(task: Task) -> bool:
    """Tells whether each example's margin says the task's score: of more than two classes only who is right."""
    return task.is_regression or task.metric == "accuracy" or task.n_outputs == 2


def margins_of(task: Task, logits: Float32Array, labels: Float64Array) -> FloatArray:
    """Rounds what a mask says of each example for keeping, (n,): above 0 exactly where it is right.

    The gold class's logit minus the best other's, as float16; of a regression the value, as float32, since a task of
    one's own may have any. logits: (n, k); labels: (n,).
    """
    if task.is_regression:
        return logits[:, 0].astype(np.float32)
    exact = margins(logits, labels)
    right = logits.argmax(axis=1) == labels  # of equal logits the first class counts
    rounded = np.clip(exact, -60_000, 60_000).astype(np.float16)
    least = np.finfo(np.float16).smallest_subnormal
    return np.where(right, np.maximum(rounded, least), np.minimum(rounded, np.float16(0))).astype(np.float16)


def mask_bank_of(artefact: Artefact, labels: Float64Array, shape: tuple[int, int]) -> MaskBank:
    """Reads a run's bank; labels: (n,) of its dev set; shape: (L, H)."""
    table: pd.DataFrame = artefact.table
    kept = np.stack([kept_of(Mask.from_code(str(code), *shape)) for code in table["mask"]])
    rates = table["rate"].to_numpy(np.float64)
    return MaskBank(artefact.task, kept, rates, artefact.arrays["margins"], labels)
