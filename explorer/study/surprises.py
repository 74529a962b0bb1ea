"""Which random masks score otherwise than their parts add up to: exact minus additive, with intervals over examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from explorer.arrays import BoolArray, Float64Array, Int64Array
from explorer.stats.banzhaf import surprise, surprise_error
from explorer.stats.interaction import normal_p
from explorer.stats.intervals import NORMAL_95
from explorer.stats.multiple import RATE, false_discovery, surest_first
from explorer.stats.weighted import draw_weights
from explorer.study.mask_bank import MaskBank
from explorer.study.words import minus, with_interval
from explorer.tickets.criteria import mask_of

_RESAMPLES = 200
"""For standard errors alone: another 200 change them by about 5%."""
_ROUNDING = 1e-9
"""What adds up exactly differs by less: beside an error of as little it would pass for something."""


@dataclass(frozen=True, eq=False)
class Surprises:
    """The surprise of each of a bank's M masks: its exact score minus what the additive game of the others foretells.

    Above 0 its parts can be spared together, better than the worth of each suggests; below 0 the other way round.
    """

    value: Float64Array
    low: Float64Array
    high: Float64Array
    """95% interval of one mask alone, over examples and over the masks that its parts' worth is fitted to."""
    q: Float64Array
    """Benjamini and Hochberg's p-value among all masks."""
    scores: Float64Array
    off: Int64Array
    """Heads and MLPs that are off."""
    one_answer: BoolArray
    """(M,): gives every example the same class, which scores the same whichever parts are on."""
    masks: tuple[str, ...]
    """Codes."""
    n: int
    """Examples."""

    @property
    def beyond_noise(self) -> np.ndarray:
        """Which masks surprise beyond noise, at a share of RATE false ones: (M,), bool."""
        return self.q < RATE

    def surest(self) -> int:
        """Finds the mask that surprises most surely: its place. One that gives one answer to all is the last choice."""
        order = surest_first(self.value, self.q)
        return int(order[np.argmin(self.one_answer[order])])

    def table(self) -> pd.DataFrame:
        """Lists the masks, the surest first: mask, off, score, one_answer, surprise, low, high, q."""
        columns = {
            "mask": self.masks,
            "off": self.off,
            "score": self.scores,
            "one_answer": self.one_answer,
            "surprise": self.value,
            "low": self.low,
            "high": self.high,
            "q": self.q,
        }
        return pd.DataFrame(columns).iloc[surest_first(self.value, self.q)].reset_index(drop=True)


def surprises_of(bank: MaskBank, shape: tuple[int, int]) -> Surprises:
    """Measures how each mask of a bank surprises. shape: (L, H). Raises BadRequest on too few masks.

    Intervals and p-values are normal. Their variance adds up that over examples, by the paired bootstrap (each resample
    is scored and the additive game fitted anew), and that of the fit over masks.
    """
    n = len(bank.labels)
    weights = draw_weights([np.arange(n)], _RESAMPLES)
    scores = bank.scores_under(weights)
    drawn = surprise(bank.kept, scores.T, bank.rates)  # (M, 1 + R)
    value = np.where(np.abs(drawn[:, 0]) < _ROUNDING, 0.0, drawn[:, 0])
    error = np.hypot(drawn[:, 1:].std(axis=1, ddof=1), surprise_error(bank.kept, scores[0], bank.rates))
    return Surprises(
        value,
        value - NORMAL_95 * error,
        value + NORMAL_95 * error,
        np.array(false_discovery(normal_p(value, error).tolist())),
        scores[0],
        (~bank.kept).sum(axis=1).astype(np.int64),
        bank.one_answer(),
        tuple(mask_of(row, shape).code for row in bank.kept),
        n,
    )


def surprise_words(found: Surprises, metric: str) -> str:
    """Says how many masks surprise beyond noise, and which most surely, as Markdown."""
    sure, many = found.beyond_noise, len(found.value)
    better = int((sure & (found.value > 0)).sum())
    alike = int((sure & found.one_answer).sum())
    words = (
        f"**{sure.sum():,} of {many:,}** random masks score otherwise than their parts add up to, beyond noise (5% of "
        f"them false on average): {better:,} better, {sure.sum() - better:,} worse."
    )
    if alike:
        words += (
            f" {alike:,} of them give every example the same answer, which scores the same whichever parts are off."
        )
    at = found.surest()
    if not sure[at] or found.one_answer[at]:
        other = "other " if alike else ""
        return f"{words} {found.n:,} examples tell no {other}mask from what its parts add up to."
    interval = with_interval(found.value[at], found.low[at], found.high[at], "+.3f")
    side = "above" if found.value[at] > 0 else "below"
    return minus(
        f"{words} The surest: a mask with {found.off[at]} parts off, whose {metric} of {found.scores[at]:.3f} lies "
        f"{side} what its parts add up to ({interval})."
    )
