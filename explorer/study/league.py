"""Which criterion of importance keeps most of the score: a run's league, its intervals, and the same over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from explorer.arrays import Float64Array, FloatArray
from explorer.mask import Mask
from explorer.stats.intervals import SeedSpread, seed_spread
from explorer.stats.stability import Stability, stability
from explorer.stats.weighted import Difference, central, difference
from explorer.store.bundle import Artefact
from explorer.store.schema import Run
from explorer.study.words import minus
from explorer.tickets.criteria import CHANCE, EXPECTED, Criterion, criterion_named, order_of


@dataclass(frozen=True, eq=False)
class Standing:
    """A criterion's place in the league of one run."""

    criterion: Criterion
    area: float
    """Mean score over all sizes, from everything on to everything off; of chance, the mean of its draws."""
    low: float
    high: float
    """95% interval over examples, the orders held fixed."""
    against_expected: Difference
    """Minus the area of the paper's criterion."""
    against_chance: Difference
    """Minus the mean area of the random orders."""
    beaten_draws: int
    """Random orders with a smaller area."""
    lost_draws: int
    """Random orders with a larger area."""
    draws: int
    """Random orders."""

    @property
    def p_of_orders(self) -> float:
        """Chance that one more random order does as well."""
        return (1 + self.draws - self.beaten_draws) / (1 + self.draws)

    @property
    def beats_chance(self) -> bool:
        """Whether it beats the mean of random orders beyond noise over examples, and 95% of the orders themselves."""
        return self.against_chance.low > 0 and self.p_of_orders < 0.05

    @property
    def loses_to_chance(self) -> bool:
        """Whether the mean of random orders and 95% of the orders beat it, likewise."""
        as_low = 1 + self.draws - self.lost_draws  # a tie is no loss, as it is no win above
        return self.against_chance.high < 0 and as_low / (1 + self.draws) < 0.05


@dataclass(frozen=True, eq=False)
class League:
    """All criteria of one run, the largest area first."""

    run: Run
    standings: tuple[Standing, ...]
    curves: pd.DataFrame
    """A row a criterion and size: criterion, removed, score, low, high, mask_first, mask_second. Chance: the mean over
    draws, low and high the least and greatest of them, without masks."""
    components: int
    n: int
    draws: int
    loss_full: float
    loss_empty: float
    loss_explained: float
    """What integrated gradients add up to; exact where it is loss_full minus loss_empty."""
    worth: Mapping[str, Float64Array]
    """Criterion -> worth of each component on all examples, (C,)."""

    def standing(self, name: str) -> Standing:
        """Finds the standing of a criterion by its name."""
        return next(one for one in self.standings if one.criterion.name == name)

    def masks_at(self, name: str, removed: int, shape: tuple[int, int]) -> tuple[Mask, Mask]:
        """Reads the masks behind a point: the one scored on the first half and the one scored on the second.

        Both are the same where the order does not depend on examples. Raises KeyError where there are none.
        """
        rows = self.curves[(self.curves["criterion"] == name) & (self.curves["removed"] == removed)]
        if rows.empty or not rows["mask_first"].iloc[0]:
            raise KeyError(name)
        first, second = (Mask.from_code(str(rows[column].iloc[0]), *shape) for column in ("mask_first", "mask_second"))
        return first, second


def league_of(artefact: Artefact) -> League:
    """Reads a run's league from its artefact."""
    table, arrays, summary = artefact.table, artefact.arrays, artefact.manifest.summary
    names = [str(name) for name in summary["criteria"]]
    by_curve = table[table["removed"] == 0]["criterion"].to_numpy()
    areas = {name: arrays["areas"][by_curve == name].astype(np.float64) for name in names}  # (draws, 1 + R)
    mean = {name: of.mean(axis=0) for name, of in areas.items()}
    chance = areas[CHANCE][:, 0]
    standings = [
        Standing(
            criterion_named(name),
            float(of[0]),
            *central(of[1:]),
            difference(of, mean[EXPECTED]),
            difference(of, mean[CHANCE]),
            int((chance < of[0]).sum()),
            int((chance > of[0]).sum()),
            len(chance),
        )
        for name, of in mean.items()
    ]
    standings.sort(key=lambda one: -one.area)
    return League(
        artefact.manifest.key.run,
        tuple(standings),
        _curves(table),
        int(table["removed"].max()),
        int(table["n"].iloc[0]),
        len(chance),
        float(summary["loss_full"]),
        float(summary["loss_empty"]),
        float(summary["loss_explained"]),
        dict(zip((name for name in names if name != CHANCE), arrays["worth"][:, 2].astype(np.float64), strict=True)),
    )


def over_seeds(leagues: Sequence[League]) -> dict[str, SeedSpread]:
    """Averages each criterion's area over the seeds that have it, with Student's interval; {} without leagues."""
    found: dict[str, list[float]] = {}
    for league in leagues:
        for one in league.standings:
            found.setdefault(one.criterion.name, []).append(one.area)
    return {name: seed_spread(areas) for name, areas in found.items()}


def stability_over_examples(gradients: FloatArray, keep: int, draws: int = 100, seed: int = 0) -> Stability:
    """Measures how far bootstrap samples of examples agree on which components the paper's criterion keeps.

    gradients: (n, C), an example's gate gradients. keep: how many components each choice keeps.
    """
    size = np.abs(gradients.astype(np.float64))
    rng, n = np.random.default_rng(seed), len(size)
    chosen = np.zeros((draws, size.shape[1]), np.bool_)
    for row, weight in zip(chosen, rng.multinomial(n, np.full(n, 1 / n), size=draws), strict=True):
        row[order_of(weight @ size)[size.shape[1] - keep :]] = True
    return stability(chosen, independent=False)


def meaning(league: League, metric: str) -> str:
    """Says in two or three sentences what the league shows, as Markdown."""
    real = [one for one in league.standings if one.criterion.name != CHANCE]
    best, paper = real[0], league.standing(EXPECTED)
    words = (
        f"Pruned in the order of **{best.criterion.title}**, the model keeps the most: {metric} {best.area:.3f} on "
        f"average over all sizes, {best.against_chance.value:+.3f} against random orders."
    )
    if best is not paper:
        how = "more than" if best.against_expected.beyond_noise else "within noise of"
        words += f" That is {how} the paper's criterion ({paper.area:.3f})."
    worse = [one for one in real if one.loses_to_chance]
    unsure = [one for one in real if not one.beats_chance and one not in worse]
    if worse:
        words += f" Worse than chance: {_titles(worse)}."
    if unsure:
        words += (
            f" Not told from chance by these {league.n:,} examples and {league.draws} random orders: {_titles(unsure)}."
        )
    return minus(words)


def _titles(standings: Sequence[Standing]) -> str:
    return ", ".join(one.criterion.title for one in standings)


def _curves(table: pd.DataFrame) -> pd.DataFrame:
    columns = ["criterion", "removed", "score", "low", "high", "mask_first", "mask_second"]
    real = table[table["criterion"] != CHANCE][columns]
    drawn = table[table["criterion"] == CHANCE].groupby("removed", as_index=False)["score"].agg(["mean", "min", "max"])
    chance = drawn.rename(columns={"mean": "score", "min": "low", "max": "high"})
    chance = chance.assign(criterion=CHANCE, mask_first="", mask_second="")
    return pd.concat([real, chance[columns]], ignore_index=True)
