"""Whether seeds agree on what to keep: Fleiss' kappa, Krippendorff's alpha and Cochran's Q, beside chance.

Components (heads or MLPs) are the subjects, seeds the raters, kept and pruned the two categories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from explorer.arrays import BoolArray, Float64Array
from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.stats.survival import stack_masks

Kind = Literal["heads", "mlps"]

_WORDS: dict[Kind, str] = {"heads": "head", "mlps": "MLP"}
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Chance:
    """Distribution of a statistic where each seed keeps as many components as it does, but drawn at random."""

    mean: float
    low: float
    high: float
    """Central 95% of the permutations."""
    p: float
    """Share of permutations at or above the observed value, both counted with it: (k + 1) / (n + 1)."""
    permutations: int
    note: str = ""
    """A sentence where shuffling cannot change the statistic; empty otherwise."""


@dataclass(frozen=True)
class Statistic:
    """A statistic, its p where its own distribution gives one, and its level by chance."""

    value: float
    p: float | None = None
    chance: Chance | None = None
    undefined: str = ""
    """A sentence where the value is nan; empty otherwise."""


@dataclass(frozen=True)
class PairOfSeeds:
    """Cochran's Q between two seeds: whether one keeps more than the other."""

    seed_a: int
    seed_b: int
    cochrans_q: Statistic


@dataclass(frozen=True)
class Agreement:
    """Agreement of seeds on components of one kind."""

    kind: Kind
    seeds: tuple[int, ...]
    n_components: int
    fleiss_kappa: Statistic
    """1: the seeds keep the same; 0: as chance would; below 0: less. Its p is None: see its chance."""
    krippendorff_alpha: Statistic
    """Nominal; kappa with a correction for few ratings."""
    cochrans_q: Statistic
    """p < 0.05: the seeds differ in how much they keep. Equal counts give Q 0, whichever they are."""
    pairs: tuple[PairOfSeeds, ...]


def agreement(masks: Mapping[int, Mask], *, permutations: int = 1000, seed: int = 0) -> tuple[Agreement, Agreement]:
    """Agreement over one task's masks, keyed by seed: for heads, and for MLPs (paper, section 4).

    Chance levels shuffle each seed's mask over positions (heads over all layers), which keeps its size.
    What is undefined says so: one seed only, all ratings alike, and Q where all seeds keep the same.
    Raises BadRequest without masks, on mixed shapes or below one permutation.
    """
    if permutations < 1:
        raise BadRequest(f"{permutations} permutations give no chance level.", "1000 is usual.")
    heads, mlps = stack_masks(list(masks.values()))
    seeds, rng = tuple(masks), np.random.default_rng(seed)
    return (
        _agreement("heads", seeds, heads.reshape(len(seeds), -1), permutations, rng),
        _agreement("mlps", seeds, mlps, permutations, rng),
    )


def kappa_of_totals(totals: Float64Array, n_seeds: int) -> Float64Array:
    """Fleiss' kappa (1971) for two categories, from how many seeds keep each component: (..., N) -> (...)."""
    observed, expected = _disagreement(totals, n_seeds)
    return 1 - observed / expected


def alpha_of_totals(totals: Float64Array, n_seeds: int) -> Float64Array:
    """Krippendorff's nominal alpha for two categories, nothing missing: (..., N) -> (...)."""
    observed, expected = _disagreement(totals, n_seeds)
    n_ratings = totals.shape[-1] * n_seeds
    return 1 - observed / (expected * n_ratings / (n_ratings - 1))


def q_of_totals(totals: Float64Array, kept: Float64Array) -> Float64Array:
    """Cochran's Q (1950) from how many seeds keep each component (..., N) and what each seed keeps (S,).

    0 where all seeds keep the same, which is 0/0: seeds of equal sizes, whose Q is 0 in any arrangement.
    """
    n_seeds, ratings = len(kept), kept.sum()
    above = (n_seeds - 1) * (n_seeds * (kept**2).sum() - ratings**2)
    below = n_seeds * ratings - (totals**2).sum(axis=-1)
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def _disagreement(totals: Float64Array, n_seeds: int) -> tuple[Float64Array, Float64Array]:
    pairs_apart = 2 * totals * (n_seeds - totals)  # ordered pairs of seeds that differ on the component
    observed = pairs_apart.mean(axis=-1) / (n_seeds * (n_seeds - 1))
    share = totals.mean(axis=-1) / n_seeds
    return observed, 2 * share * (1 - share)


def _agreement(
    kind: Kind, seeds: tuple[int, ...], kept: BoolArray, permutations: int, rng: np.random.Generator
) -> Agreement:
    n_seeds, n_components = kept.shape
    shuffled = rng.permuted(np.broadcast_to(kept, (permutations, n_seeds, n_components)), axis=-1)
    pairs = tuple(
        PairOfSeeds(seeds[i], seeds[j], _q(kind, kept[[i, j]], shuffled[:, [i, j]]))
        for i, j in combinations(range(n_seeds), 2)
    )
    return Agreement(
        kind,
        seeds,
        n_components,
        _kappa_or_alpha(kind, kept, shuffled, _library_kappa, kappa_of_totals),
        _kappa_or_alpha(kind, kept, shuffled, _library_alpha, alpha_of_totals),
        _q(kind, kept, shuffled),
        pairs,
    )


def _library_kappa(kept: BoolArray) -> float:
    from statsmodels.stats.inter_rater import fleiss_kappa

    yes = kept.sum(axis=0)
    return float(fleiss_kappa(np.stack([len(kept) - yes, yes], axis=1)))  # (N, categories)


def _library_alpha(kept: BoolArray) -> float:
    import krippendorff

    return float(krippendorff.alpha(reliability_data=kept.astype(int), level_of_measurement="nominal"))


def _kappa_or_alpha(
    kind: Kind,
    kept: BoolArray,
    shuffled: BoolArray,
    library: Callable[[BoolArray], float],
    of_totals: Callable[[Float64Array, int], Float64Array],
) -> Statistic:
    why = _why_undefined(kind, kept)
    if why:
        return Statistic(float("nan"), undefined=why)
    value = library(kept)
    drawn = of_totals(shuffled.sum(axis=1, dtype=np.float64), len(kept))  # (P, S, N) -> (P, N) -> (P,)
    return Statistic(value, chance=_chance(value, drawn, _why_fixed(kept)))


def _q(kind: Kind, kept: BoolArray, shuffled: BoolArray) -> Statistic:
    from statsmodels.stats.contingency_tables import cochrans_q

    why = _why_undefined(kind, kept)
    if not why and (kept == kept[0]).all():
        why = f"The seeds keep the same {_WORDS[kind]}s: nothing differs, and Cochran's Q is 0/0."
    if why:
        return Statistic(float("nan"), undefined=why)
    result = cochrans_q(kept.T.astype(int))
    counts = kept.sum(axis=1, dtype=np.float64)
    drawn = q_of_totals(shuffled.sum(axis=1, dtype=np.float64), counts)
    fixed = _why_fixed(kept)
    if not fixed and np.ptp(counts) == 0:
        fixed = f"Every seed keeps {int(counts[0])}: Q is 0 however they are shuffled."
    value = float(result.statistic)
    return Statistic(value, float(result.pvalue), _chance(value, drawn, fixed))


def _why_undefined(kind: Kind, kept: BoolArray) -> str:
    if len(kept) < 2:
        return "There is one seed; agreement needs two seeds."
    if kept.all() or not kept.any():
        word = "every" if kept.all() else "no"
        return f"All seeds keep {word} {_WORDS[kind]}: with all ratings alike, agreement is 0/0."
    return ""


def _why_fixed(kept: BoolArray) -> str:
    if (kept == kept[:, :1]).all():
        return "Every seed keeps all or nothing: shuffling changes nothing."
    return ""


def _chance(value: float, drawn: Float64Array, note: str) -> Chance:
    low, high = np.quantile(drawn, (0.025, 0.975))
    as_high = int((drawn >= value - _ROUNDING * max(1.0, abs(value))).sum())
    p = (as_high + 1) / (len(drawn) + 1)
    return Chance(float(drawn.mean()), float(low), float(high), p, len(drawn), note)
