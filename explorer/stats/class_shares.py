"""Are survivors the heads with meaningful patterns? Class shares of groups of heads, and what chance would give.

Prasanna et al. 2020, section 6: the share of each attention-pattern class among super-survivor heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.arrays import BoolArray, Float64Array
from explorer.errors import BadRequest

PERMUTATIONS = 9_999


@dataclass(frozen=True, eq=False)
class ShareTest:
    """One group of heads (survivors, super-survivors) beside all heads."""

    classes: tuple[str, ...]
    shares: Float64Array
    """(C,): mean over the group's heads of their class distributions; nan for an empty group."""
    all_shares: Float64Array
    """(C,): the same over all heads."""
    expected: Float64Array
    """(C,): what groups drawn like this one have on average: as many heads in each seed (and in each layer)."""
    n_group: int
    """Heads in the group, summed over seeds."""
    n_all: int
    difference: float
    """Share of the tested class in the group minus its expected share."""
    difference_p: float
    """Two-sided p: share of shuffles that differ at least as much either way, the observed group counted in."""
    distance: float
    """Sum over classes of (share - expected)^2 / expected: 0 where the group is as expected."""
    distance_p: float
    """p of the distance: share of shuffles at least as far from what is expected."""
    tested: str
    """The class whose difference is tested."""
    permutations: int
    undefined: str = ""
    """A sentence where there is nothing to test (p-values are nan then); empty otherwise."""

    @property
    def share(self) -> float:
        """The tested class's share in the group."""
        return float(self.shares[self.classes.index(self.tested)])

    @property
    def by_chance(self) -> float:
        """The tested class's expected share."""
        return float(self.expected[self.classes.index(self.tested)])


def pattern_shares(
    distributions: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    *,
    tested: str = "heterogeneous",
    within_layers: bool = False,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> ShareTest:
    """Class shares of a group of heads and a permutation test against groups of as many heads drawn at random.

    distributions: (L, H, C) or (S, L, H, C), of each head over classes, rows that sum to 1 (or nan: the head is left
    out). groups: bool (L, H) or (S, L, H), True = in the group. With S seeds, the heads are shuffled alike in all of
    them: a head's patterns and its survival hang together over seeds, so seeds are no independent samples.
    within_layers shuffles heads within their layer only, since both survival and patterns go with the layer.
    Raises BadRequest where shapes do not fit or the tested class is unknown.
    """
    heads, chosen = _checked(distributions, groups, classes, tested)
    n_seeds, n_layers, n_heads, _ = heads.shape
    index = list(classes).index(tested)
    known: BoolArray = np.all(np.isfinite(heads), axis=-1)  # (S, L, H)
    heads = np.where(known[..., None], heads, 0.0)
    group = chosen & known
    shares = _shares(group[None], heads)[0]
    all_shares = _shares(known[None], heads)[0]
    expected = _expected(group, known, heads, within_layers)
    n_group, n_all = int(group.sum()), int(known.sum())
    difference, distance = (float(value[0]) for value in _statistics(shares[None], expected, index))
    undefined = _undefined(group, known, within_layers)
    difference_p = distance_p = float("nan")
    if not undefined:
        orders = _orders(n_layers, n_heads, permutations, within_layers, seed)  # (P, N)
        shuffled = chosen.reshape(n_seeds, -1)[:, orders].transpose(1, 0, 2).reshape(-1, *chosen.shape)
        differences, distances = _statistics(_shares(shuffled & known, heads), expected, index)
        difference_p = _p(np.abs(differences), abs(difference))
        distance_p = _p(distances, distance)
    return ShareTest(
        tuple(classes),
        shares,
        all_shares,
        expected,
        n_group,
        n_all,
        difference,
        difference_p,
        distance,
        distance_p,
        tested,
        permutations,
        undefined,
    )


def _checked(
    distributions: ArrayLike, groups: ArrayLike, classes: Sequence[str], tested: str
) -> tuple[Float64Array, BoolArray]:
    heads, chosen = np.asarray(distributions, np.float64), np.asarray(groups, np.bool_)
    if heads.ndim == 3:
        heads = heads[None]
    if chosen.ndim == 2:
        chosen = np.broadcast_to(chosen, heads.shape[:3]) if chosen.shape == heads.shape[1:3] else chosen
    if heads.ndim != 4 or chosen.shape != heads.shape[:3] or heads.shape[3] != len(classes):
        raise BadRequest(
            f"Class distributions of shape {heads.shape} do not go with groups of shape {chosen.shape} "
            f"and {len(classes)} classes.",
            "Give (L, H, C) and (L, H), or the same with seeds in front.",
        )
    if tested not in classes:
        raise BadRequest(f"There is no pattern {tested!r}.", f"Patterns: {', '.join(classes)}.")
    return heads, chosen


def _shares(groups: BoolArray, heads: Float64Array) -> Float64Array:
    """(P, S, L, H) groups of heads (S, L, H, C) to (P, C): the mean distribution of each; nan for an empty one."""
    total = groups.reshape(len(groups), -1).astype(np.float64) @ heads.reshape(-1, heads.shape[-1])
    count = groups.sum((1, 2, 3))[:, None]
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _expected(group: BoolArray, known: BoolArray, heads: Float64Array, within_layers: bool) -> Float64Array:
    """(C,): every head counts as often as it is drawn: by the group's share of its seed, or of its seed's layer."""
    over = 2 if within_layers else (1, 2)
    here, there = group.sum(over, keepdims=True), known.sum(over, keepdims=True)
    weight = known * np.divide(here, there, out=np.zeros(here.shape), where=there > 0)  # (S, L, H)
    total = weight.sum()
    return np.einsum("slh,slhc->c", weight, heads) / total if total else np.full(heads.shape[-1], np.nan)


def _statistics(shares: Float64Array, expected: Float64Array, tested: int) -> tuple[Float64Array, Float64Array]:
    """(P, C) to the difference (P,) in the tested class and the distance (P,) over all classes."""
    away = shares - expected
    there = expected != 0  # a class that no head has cannot differ
    return away[:, tested], (away[:, there] ** 2 / expected[there]).sum(-1)


def _orders(n_layers: int, n_heads: int, permutations: int, within_layers: bool, seed: int) -> NDArray[np.int64]:
    """(P, N) permutations of the N = L * H heads, drawn with the seed."""
    rng = np.random.default_rng(seed)
    order = np.arange(n_layers * n_heads).reshape(n_layers, n_heads)
    if within_layers:
        repeated = np.broadcast_to(order, (permutations, n_layers, n_heads))
        return rng.permuted(repeated, axis=2).reshape(permutations, -1)
    return rng.permuted(np.broadcast_to(order.ravel(), (permutations, order.size)), axis=1)


def _p(drawn: Float64Array, observed: float) -> float:
    """(1 + how many are at least as large) / (1 + all), so that it is never 0; equal up to rounding counts as equal."""
    return float((1 + (drawn >= observed - 1e-12).sum()) / (1 + len(drawn)))


def _undefined(group: BoolArray, known: BoolArray, within_layers: bool) -> str:
    if not known.any():
        return "No head has a class, so there is nothing to compare."
    if not group.any():
        return "No head is in this group, so there is no share to compare."
    if (group == known).all():
        return "Every head is in this group, so nothing can differ."
    mixed = group.any(2) & (known & ~group).any(2)  # (S, L)
    if within_layers and not mixed.any():
        return "In every layer all heads are in this group or none is: shuffling within layers changes nothing."
    return ""
