"""What each component is worth on average over random masks: Banzhaf values with intervals, and what they leave out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import AnyArray, BoolArray, Float64Array
from explorer.errors import BadRequest
from explorer.stats.interaction import normal_p
from explorer.stats.intervals import NORMAL_95


@dataclass(frozen=True, eq=False)
class Worth:
    """A value a component with its 95% interval over masks, each (C,)."""

    value: Float64Array
    low: Float64Array
    high: Float64Array

    @property
    def p(self) -> Float64Array:
        """Two-sided p-values, normal, of each value alone being 0: (C,)."""
        return normal_p(self.value, (self.high - self.low) / (2 * NORMAL_95))


def sample_reuse(kept: BoolArray, utility: Float64Array) -> Worth:
    """Estimates Banzhaf values by maximum sample reuse: every mask counts for every component.

    The mean utility of the masks that keep a component minus that of those that do not (Wang and Jia 2023,
    arXiv:2205.15466, equation 5), with Welch's standard error. kept: (M, C), each component kept independently of the
    others with one probability: with 1/2 it is the Banzhaf value, with another a weighted one (Li and Yao 2023).
    utility: (M,). Raises BadRequest where a component is kept, or off, in fewer than two masks.
    """
    on = kept.astype(np.float64)
    many, few = on.sum(axis=0), len(utility) - on.sum(axis=0)
    if min(many.min(), few.min()) < 2:
        raise BadRequest("A component is kept, or off, in fewer than two masks.", "Draw more random masks.")
    with_it, without = utility @ on / many, utility @ (1 - on) / few
    spread = [
        ((utility[:, None] - mean) ** 2 * which).sum(axis=0) / (size - 1)
        for mean, which, size in ((with_it, on, many), (without, 1 - on, few))
    ]
    return _worth(with_it - without, spread[0] / many + spread[1] / few)


def least_squares(kept: BoolArray, utility: Float64Array, strata: AnyArray | None = None) -> Worth:
    """Estimates the worth of each component as the coefficients of the best additive game, with HC3 standard errors.

    Over all masks, or masks of rate 1/2, these are the Banzhaf values (Hammer and Holzman 1992); on a sample they
    differ from `sample_reuse` in that what the other components do is taken out, so intervals of one rate are narrower,
    and an additive game gives exact values from any sample of full rank. Over several keep rates it is their best
    common additive game, with a level for each rate: not the average of the rates' values. kept, utility: as
    `sample_reuse` has them. strata: (M,), which keep rate each mask was drawn with. Raises BadRequest with fewer masks
    than components, or none that tell them apart.
    """
    fit, parts = _fitted(kept, utility, strata), kept.shape[1]
    return _worth(fit.coefficients[:parts], np.maximum(np.diag(fit.covariance)[:parts], 0))


def interactions_with(kept: BoolArray, utility: Float64Array, part: int, strata: AnyArray | None = None) -> Worth:
    """Estimates how one component interacts with every other over random masks, (C,), nan for itself.

    The coefficients of the products in the best game of components and of this one's products with the others, with
    HC3 standard errors: over all masks the Banzhaf interaction index (Grabisch, Marichal and Roubens 2000). Over
    several keep rates a component's worth may change with the rate: else interactions among the others would pass for
    its own, since all products grow with the rate. Above 0 both are worth more together than the sum; below 0 one
    stands in for the other. An additive game gives 0. Arguments and errors as `least_squares`.
    """
    others = np.delete(np.arange(kept.shape[1]), part)
    columns = [kept[:, others] & kept[:, [part]], kept]
    if strata is not None and len(np.unique(strata)) > 1:
        columns.append(kept * (np.asarray(strata, np.float64) - np.mean(strata))[:, None])
    found = least_squares(np.concatenate(columns, axis=1), utility, strata)
    sides = [np.full(kept.shape[1], np.nan) for _ in range(3)]
    for side, values in zip(sides, (found.value, found.low, found.high), strict=True):
        side[others] = values[: len(others)]
    return Worth(*sides)


def surprise(kept: AnyArray, utility: Float64Array, strata: AnyArray | None = None) -> Float64Array:
    """Computes each mask's utility minus what the additive game of all other masks predicts for it.

    Leave-one-out residuals, in closed form. Positive: the parts that are off can be spared together, better than
    each alone suggests. utility: (M,), or (M, R) of R samples of examples; the result has its shape. Other arguments
    and errors as `least_squares`.
    """
    return _fitted(kept, utility, strata).left_out


def surprise_error(kept: BoolArray, utility: Float64Array, strata: AnyArray | None = None) -> Float64Array:
    """Estimates standard errors, (M,), of what the additive game of all other masks predicts for each mask.

    How far it may be off for the masks that it is fitted to, with HC3 variances. Arguments and errors as `surprise`,
    utility (M,).
    """
    fit = _fitted(kept, utility, strata)
    variance = np.einsum("mc,cd,md->m", fit.design, fit.covariance, fit.design) - (fit.leverage * fit.left_out) ** 2
    return np.asarray(np.sqrt(np.maximum(variance, 0)) / (1 - fit.leverage))


@dataclass(frozen=True, eq=False)
class _Fit:
    """The best additive game: of C components, then a level a stratum."""

    design: Float64Array
    """(M, C + strata)"""
    inverse: Float64Array
    """Inverse of the design's Gram matrix."""
    coefficients: Float64Array
    leverage: Float64Array
    """(M,)"""
    left_out: Float64Array
    """Residuals of each mask in the fit to all others, in the shape of the utility."""

    @property
    def covariance(self) -> Float64Array:
        """The coefficients' HC3 covariance, of a utility (M,)."""
        meat = (self.design * self.left_out[:, None] ** 2).T @ self.design
        return np.asarray(self.inverse @ meat @ self.inverse)


def _fitted(kept: AnyArray, utility: Float64Array, strata: AnyArray | None) -> _Fit:
    design, inverse = _design(kept, utility, strata)
    coefficients = inverse @ design.T @ utility
    leverage = np.minimum(np.einsum("mc,cd,md->m", design, inverse, design), 1 - 1e-9)
    left_out = ((utility - design @ coefficients).T / (1 - leverage)).T
    return _Fit(design, inverse, coefficients, leverage, np.asarray(left_out))


def _rows_of(n: int, strata: AnyArray | None) -> list[AnyArray]:
    if strata is None:
        return [np.arange(n)]
    return [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]


def _design(kept: BoolArray, utility: Float64Array, strata: AnyArray | None) -> tuple[Float64Array, Float64Array]:
    """Components, then an intercept a stratum: (M, C + strata), and the inverse of its Gram matrix."""
    blocks = [np.asarray(kept, np.float64)]
    for rows in _rows_of(len(utility), strata):
        of_stratum = np.zeros((len(utility), 1))
        of_stratum[rows] = 1
        blocks.append(of_stratum)
    design = np.concatenate(blocks, axis=1)
    gram = design.T @ design
    if len(utility) <= design.shape[1] or np.linalg.matrix_rank(gram, hermitian=True) < len(gram):
        raise BadRequest(f"{len(utility)} masks do not tell {kept.shape[1]} components apart.", "Draw more masks.")
    return design, np.asarray(np.linalg.inv(gram), np.float64)


def _worth(value: Float64Array, variance: Float64Array) -> Worth:
    half = NORMAL_95 * np.sqrt(variance)
    return Worth(np.asarray(value), np.asarray(value - half), np.asarray(value + half))
