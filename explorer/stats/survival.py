"""How often each head and each MLP survives pruning over fine-tuning seeds (the paper's heatmaps)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.arrays import BoolArray, Float64Array
from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.stats.intervals import SeedSpread, seed_spread


@dataclass(frozen=True, eq=False)
class SurvivalShare:
    """Survival over seeds of each component of one kind: heads (L, H) or MLPs (L,)."""

    mean: Float64Array
    """Share of seeds in which it is kept, 0 to 1."""
    sample_sd: Float64Array
    """Standard deviation with n - 1, which the project states; nan with one seed."""
    population_sd: Float64Array
    """Standard deviation with n, which the paper published."""
    kept: tuple[int, ...]
    """Number of components kept in all layers together, seed by seed."""
    kept_spread: SeedSpread
    """Mean and sample sd of the numbers kept."""


@dataclass(frozen=True, eq=False)
class Survival:
    """Survival of heads and MLPs over n_seeds masks."""

    heads: SurvivalShare
    mlps: SurvivalShare
    n_seeds: int


def survival(masks: Sequence[Mask]) -> Survival:
    """Survival over the masks of one task, one per seed; raises BadRequest as stack_masks does."""
    heads, mlps = stack_masks(masks)
    return Survival(_share(heads), _share(mlps), len(masks))


def stack_masks(masks: Sequence[Mask]) -> tuple[BoolArray, BoolArray]:
    """Heads (S, L, H) and MLPs (S, L) of S masks; raises BadRequest without masks or on mixed shapes."""
    if not masks:
        raise BadRequest("There are no masks to look at.", "Give one mask per seed.")
    shapes = sorted({mask.heads.shape for mask in masks})
    if len(shapes) > 1:
        listed = ", ".join(f"{layers} x {heads}" for layers, heads in shapes)
        raise BadRequest(
            f"The masks are for models of different shapes (layers x heads: {listed}).",
            "Only masks of one architecture can be compared.",
        )
    return np.stack([mask.heads for mask in masks]), np.stack([mask.mlps for mask in masks])


def _share(kept: BoolArray) -> SurvivalShare:
    values = kept.astype(np.float64)  # (S, L, H) or (S, L)
    n_seeds = len(values)
    sample = values.std(axis=0, ddof=1) if n_seeds > 1 else np.full(values.shape[1:], np.nan)
    counts = tuple(int(count) for count in kept.reshape(n_seeds, -1).sum(axis=1))
    return SurvivalShare(values.mean(axis=0), sample, values.std(axis=0), counts, seed_spread(counts))
