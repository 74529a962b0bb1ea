"""Which two parts help each other and which stand in for each other: exactly, pair by pair, or over random masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from explorer.arrays import Float64Array, Int64Array
from explorer.stats.banzhaf import interactions_with
from explorer.stats.interaction import Interactions
from explorer.stats.multiple import RATE, false_discovery, surest_first
from explorer.store.bundle import Artefact
from explorer.study.mask_bank import MaskBank
from explorer.study.words import component_names, with_interval


@dataclass(frozen=True, eq=False)
class Partners:
    """How one component interacts with every other, each (C,), nan for itself. Above 0: synergy; below: redundancy."""

    part: int
    value: Float64Array
    low: Float64Array
    high: Float64Array
    """95% interval of one interaction alone."""
    q: Float64Array
    """Benjamini and Hochberg's p-value."""
    measure: str
    """Name of what is measured: 'accuracy', 'margin'."""
    exact: bool
    """Whether every pair was scored on top of the full model; else an average over random masks."""

    @property
    def beyond_noise(self) -> np.ndarray:
        """Which components interact with this one beyond noise, at a share of RATE false ones: (C,), bool."""
        return np.nan_to_num(self.q, nan=1.0) < RATE


@dataclass(frozen=True, eq=False)
class RunPairs:
    """Every pair of components of one run, in one measure."""

    pairs: Int64Array
    """(P, 2)"""
    found: Interactions
    q: Float64Array
    """(P,): Benjamini and Hochberg's p-value among all pairs."""
    masks: tuple[str, ...]
    """Codes of the masks with both off."""
    measure: str
    n: int
    """Examples."""
    components: int

    @property
    def beyond_noise(self) -> np.ndarray:
        """Which pairs interact beyond noise, at a share of RATE false ones: (P,), bool."""
        return self.q < RATE

    @property
    def synergies(self) -> int:
        """How many pairs help each other beyond noise."""
        return int((self.beyond_noise & (self.found.value > 0)).sum())

    @property
    def redundancies(self) -> int:
        """How many pairs stand in for each other beyond noise."""
        return int((self.beyond_noise & (self.found.value < 0)).sum())

    def with_part(self, part: int) -> Partners:
        """Reads how one component interacts with every other."""
        mine = np.flatnonzero((self.pairs == part).any(axis=1))
        others = self.pairs[mine].sum(axis=1) - part
        sides = []
        for of in (self.found.value, self.found.low, self.found.high, self.q):
            side = np.full(self.components, np.nan)
            side[others] = of[mine]
            sides.append(side)
        return Partners(part, sides[0], sides[1], sides[2], sides[3], self.measure, exact=True)

    def strongest(self) -> int:
        """Finds the pair that is surest to interact: its place in `pairs`."""
        return int(surest_first(self.found.value, self.q)[0])

    def table(self, shape: tuple[int, int], each: int | None = None) -> pd.DataFrame:
        """Lists pairs, the surest first: names, interaction, interval, q, mask. each: so many a sign; None for all."""
        names, value = component_names(shape), self.found.value
        order = surest_first(value, self.q)
        if each is not None:
            up = value[order] > 0
            order = order[np.where(up, up.cumsum(), (~up).cumsum()) <= each]
        kind = np.where(value > 0, "synergy", "redundancy").astype(object)
        kind[~self.beyond_noise] = "not told"
        return pd.DataFrame(
            {
                "kind": kind[order],
                "one": [names[at] for at in self.pairs[order, 0]],
                "other": [names[at] for at in self.pairs[order, 1]],
                "interaction": value[order],
                "low": self.found.low[order],
                "high": self.found.high[order],
                "q": self.q[order],
                "mask": [self.masks[at] for at in order],
            }
        )


def run_pairs(artefact: Artefact, metric: str, shape: tuple[int, int], *, by_margin: bool = False) -> RunPairs:
    """Reads every pair of a run. metric: what its score is called. shape: (L, H). by_margin: of the mean logit margin,
    which moves with every example and not only with those that flip; a regression has none."""
    table, prefix = artefact.table, "margin_" if by_margin else ""
    sides = [table[f"{prefix}{name}"].to_numpy(np.float64) for name in ("interaction", "low", "high", "p")]
    found = Interactions(*sides)
    return RunPairs(
        table[["first", "second"]].to_numpy(np.int64),
        found,
        np.array(false_discovery(found.p.tolist())),
        tuple(map(str, table["mask"])),
        "margin" if by_margin else metric,
        int(artefact.manifest.summary["n"]),
        shape[0] * (shape[1] + 1),
    )


def bank_partners(bank: MaskBank, part: int, metric: str) -> Partners:
    """Estimates how one component interacts with every other on average over a run's random masks.

    metric: what the score is called. The share of false ones is held among this component's partners.
    """
    found = interactions_with(bank.kept, bank.scores(), part, bank.rates)
    others = np.delete(np.arange(bank.kept.shape[1]), part)
    q = np.full(len(found.value), np.nan)
    q[others] = false_discovery(found.p[others].tolist())
    return Partners(part, found.value, found.low, found.high, q, metric, exact=False)


def pairs_words(found: RunPairs, shape: tuple[int, int]) -> str:
    """Says in two sentences how many pairs interact and which the most, as Markdown."""
    many = len(found.pairs)
    if not found.beyond_noise.any():
        return (
            f"**None** of {many:,} pairs interacts beyond noise: in {found.measure}, {found.n:,} examples tell no pair "
            "from one that adds up."
        )
    words = (
        f"Of {many:,} pairs, **{found.synergies + found.redundancies:,}** interact beyond noise (5% of them false on "
        f"average): {found.synergies:,} help each other (synergy), {found.redundancies:,} stand in for each other "
        "(redundancy)."
    )
    at, names = found.strongest(), component_names(shape)
    one, other = (names[part] for part in found.pairs[at])
    value, low, high = (float(side[at]) for side in (found.found.value, found.found.low, found.found.high))
    kind = "help" if found.found.value[at] > 0 else "replace"
    interval = with_interval(value, low, high, "+.3f")
    return f"{words} Surest: **{one}** and **{other}** {kind} each other ({found.measure} {interval})."
