"""Does importance order components as switching them off does? Spearman's rho, with a permutation test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.arrays import Float64Array
from explorer.errors import BadRequest
from explorer.stats.interaction import sign_flip_p


@dataclass(frozen=True)
class RankAgreement:
    """Spearman's rho of two orders of n components, -1 to 1, and its permutation p. undefined says why nan."""

    rho: float
    p: float
    """Two-sided: the share of orders drawn at random that agree or disagree at least as much."""
    n: int
    method: str
    """Method in words for the screen: 'Spearman, permutation test with 9,999 draws' or '... all 720 orders'."""
    chance_low: float = float("nan")
    chance_high: float = float("nan")
    """Ends of the central 95% of rho over random orders."""
    undefined: str = ""


def rank_agreement(x: ArrayLike, y: ArrayLike, *, resamples: int = 9999, seed: int = 0) -> RankAgreement:
    """Spearman's rho (ties share their mean rank) of x and y of one shape, e.g. both (L, H).

    All orders are tried where there are at most `resamples` of them. Undefined below three components and where
    a side is constant. Raises BadRequest on other shapes, on a value that is not finite and without resamples.
    """
    from scipy import stats

    a, b = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if a.shape != b.shape or a.size == 0:
        raise BadRequest(
            f"Values of shape {a.shape} cannot be ranked against values of shape {b.shape}.",
            "Give one value for each component on both sides.",
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise BadRequest("A value that is to be ranked is not a finite number.", "Leave that component out and say so.")
    if resamples < 1:
        raise BadRequest(f"{resamples} draws give no p-value.", "9999 is usual.")
    n = a.size
    exact = n <= 12 and np.prod(np.arange(1, n + 1)) <= resamples
    orders = f"all {int(np.prod(np.arange(1, n + 1)))} orders" if exact else f"{resamples:,} draws"
    method = f"Spearman, permutation test with {orders}"
    why = _why_undefined(a, b)
    if why:
        return RankAgreement(float("nan"), float("nan"), n, method, undefined=why)
    rho = float(stats.spearmanr(a.ravel(), b.ravel()).statistic)
    ranks_a, centred = _centred_ranks(a.ravel()), _centred_ranks(b.ravel())
    test = stats.permutation_test(
        (ranks_a,),
        lambda ranks, axis: ranks @ centred,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    by_chance = test.null_distribution / (np.linalg.norm(ranks_a) * np.linalg.norm(centred))
    low, high = np.quantile(by_chance, (0.025, 0.975))
    return RankAgreement(rho, float(test.pvalue), n, method, float(low), float(high))


def importance_against_ablation(
    importance: tuple[Float64Array, Float64Array], loss: tuple[Float64Array, Float64Array], *, resamples: int = 9999
) -> tuple[RankAgreement, RankAgreement]:
    """Rank agreement of gradient importance with the score lost by switching each component off alone: heads, MLPs.

    importance, loss: a pair each, heads (L, H) and MLPs (L,).
    Give raw importance to compare over the whole model: normalising within layers changes the order between them.
    """
    heads, mlps = (rank_agreement(i, d, resamples=resamples) for i, d in zip(importance, loss, strict=True))
    return heads, mlps


def ablation_losses(losses: dict[str, float], n_layers: int, n_heads: int) -> tuple[Float64Array, Float64Array]:
    """Heads (L, H) and MLPs (L,) from component -> loss, named as stage ablations does: 'head 0 3', 'mlp 2'.

    Raises BadRequest where a component is missing.
    """
    try:
        heads = [[losses[f"head {layer} {head}"] for head in range(n_heads)] for layer in range(n_layers)]
        mlps = [losses[f"mlp {layer}"] for layer in range(n_layers)]
    except KeyError as error:
        raise BadRequest(f"The ablations have no {error.args[0]}.", "Are they of another model?") from None
    return np.array(heads, np.float64), np.array(mlps, np.float64)


def beyond_noise(predictions: NDArray[Any], full: NDArray[Any], labels: NDArray[np.float64]) -> int:
    """Counts the ablations, of (m, n), that McNemar's exact test tells from the full model (n,) at p < 0.05.

    Of classes only. Nothing is corrected for m tests: chance alone gives up to m / 20.
    """
    right = np.asarray(predictions) == labels
    change = right.astype(np.int64) - (np.asarray(full) == labels)  # (m, n)
    return int((sign_flip_p(change.T) < 0.05).sum())


def _why_undefined(a: Float64Array, b: Float64Array) -> str:
    if a.size < 3:
        return f"{a.size} component{'s' * (a.size > 1)} cannot be ranked: three are needed."
    sides = [what for what, values in (("first", a), ("second", b)) if np.ptp(values) == 0]
    if not sides:
        return ""
    return f"The {' and the '.join(sides)} values are all the same: they have no order."


def _centred_ranks(values: Float64Array) -> Float64Array:
    from scipy import stats

    ranks: Float64Array = stats.rankdata(values)
    return ranks - ranks.mean()
