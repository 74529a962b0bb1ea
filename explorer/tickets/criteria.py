"""Criteria for what to prune first, each a vector with one worth a component, from what was measured on examples.

Components stand in one order everywhere: the heads row by row (layer 0 first), then the MLPs; C = L * H + L.
More worth = pruned later. Goes beyond the paper, which uses one of them ("expected").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.arrays import AnyArray, BoolArray, Float64Array, FloatArray, Int64Array
from explorer.errors import BadRequest
from explorer.mask import Mask


@dataclass(frozen=True)
class Criterion:
    """A way to order components by what they are worth."""

    name: str
    title: str
    """For people."""
    says: str
    """Sentence on what the criterion measures, with its source."""


EXPECTED, BANZHAF, CHANCE = "expected", "banzhaf", "chance"
CRITERIA: tuple[Criterion, ...] = (
    Criterion(EXPECTED, "gradient, absolute", "The mean absolute gradient of an example's loss (Michel et al. 2019)."),
    Criterion("signed", "gradient, signed", "How much the loss would grow to first order if the part went."),
    Criterion("fisher", "Fisher", "The mean squared gradient of an example's loss (Theis et al. 2018)."),
    Criterion("batch", "gradient, per batch", "The mean absolute gradient of the loss of 32 examples together."),
    Criterion("published", "gradient, published", "The authors' script: running totals that are never zeroed."),
    Criterion(
        "integrated",
        "integrated gradients",
        "The part's share of what the loss falls by from everything off to everything on (Sundararajan et al. 2017).",
    ),
    Criterion("ablation", "single ablation", "How much the loss grows when this part alone is off."),
    Criterion(
        BANZHAF,
        "Banzhaf value",
        "What the part is worth on average over random masks (Wang and Jia 2023; here by least squares).",
    ),
    Criterion("activation", "activation norm", "How long the vector is that the part adds to a token, on average."),
    Criterion("weights", "weight norm", "The root mean square of the part's weights."),
    Criterion(CHANCE, "chance", "Random orders: the mean of 20."),
)
DRAWS = 20
"""Random orders behind the line of chance."""
BATCH = 32
"""Examples of one batch, as in the authors' script."""


def criterion_named(name: str) -> Criterion:
    """Finds a criterion by its name; raises BadRequest on any other string."""
    for criterion in CRITERIA:
        if criterion.name == name:
            return criterion
    raise BadRequest(f"{name!r} is no criterion.", f"Criteria: {', '.join(one.name for one in CRITERIA)}.")


def expected(gradients: FloatArray) -> Float64Array:
    """Averages |dL/dg| over examples: (n, C) to (C,). Michel et al. 2019 (arXiv:1905.10650), equation 2."""
    return np.abs(gradients.astype(np.float64)).mean(axis=0)


def signed(gradients: FloatArray) -> Float64Array:
    """Averages -dL/dg: (n, C) to (C,), the rise of the mean loss to first order when a gate goes from 1 to 0.

    The first-order Taylor criterion of Molchanov et al. 2017 (arXiv:1611.06440) without its absolute value.
    """
    return -gradients.astype(np.float64).mean(axis=0)


def fisher(gradients: FloatArray) -> Float64Array:
    """Averages (dL/dg)^2: (n, C) to (C,), the diagonal of the empirical Fisher information of the gates.

    Theis et al. 2018 (arXiv:1801.05787); for heads and filters of BERT, Kwon et al. 2022 (arXiv:2204.09656).
    """
    return (gradients.astype(np.float64) ** 2).mean(axis=0)


def per_batch(gradients: FloatArray, size: int = BATCH) -> Float64Array:
    """Averages over batches, in the order given, the |gradient of the batch's mean loss|: (n, C) to (C,)."""
    return np.abs(_batch_means(gradients, size)).mean(axis=0)


def published(gradients: FloatArray, size: int = BATCH) -> Float64Array:
    """Does what the authors' script does: batch gradients add up and each running total counts, (n, C) to (C,).

    Its batch gradients are never zeroed between batches, so the result depends on the order of the examples.
    """
    return np.abs(np.cumsum(_batch_means(gradients, size), axis=0)).mean(axis=0)


def _batch_means(gradients: FloatArray, size: int) -> Float64Array:
    return np.stack(
        [gradients[start : start + size].astype(np.float64).mean(axis=0) for start in range(0, len(gradients), size)]
    )


def order_of(worth: FloatArray) -> Int64Array:
    """Lists components from the least worth to the most, (C,); of equals, the earlier goes first.

    Raises BadRequest where a value is not finite.
    """
    if not np.isfinite(worth).all():
        raise BadRequest("The worth of a component is not a finite number.", "Check the checkpoint.")
    return np.argsort(worth, kind="stable").astype(np.int64)


def chance_orders(components: int, draws: int = DRAWS, seed: int = 0) -> Int64Array:
    """Draws random orders, (draws, C)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(components) for _ in range(draws)]).astype(np.int64)


def chance_sizes(components: int) -> Int64Array:
    """Lists how many components are off where a random order is scored: every third size, and the last."""
    return np.unique([*range(0, components, 3), components]).astype(np.int64)


def mask_after(order: NDArray[np.integer], removed: int, shape: tuple[int, int]) -> Mask:
    """Makes the mask without the first `removed` components of an order; shape: (L, H)."""
    layers, heads = shape
    kept = np.ones(layers * heads + layers, np.bool_)
    kept[order[:removed]] = False
    return mask_of(kept, shape)


def mask_of(kept: BoolArray, shape: tuple[int, int]) -> Mask:
    """Makes a mask from whether each component is kept, (C,); shape: (L, H)."""
    return Mask(*sides(kept, shape))


def kept_of(mask: Mask) -> BoolArray:
    """Tells of each component whether a mask keeps it, (C,)."""
    return np.concatenate([mask.heads.ravel(), mask.mlps])


def sides(values: AnyArray, shape: tuple[int, int]) -> tuple[AnyArray, AnyArray]:
    """Splits one value a component, (C,), into those of the heads, (L, H), and of the MLPs, (L,); shape: (L, H)."""
    layers, heads = shape
    return values[: layers * heads].reshape(shape), values[layers * heads :]


def nested_masks(order: NDArray[np.integer], shape: tuple[int, int]) -> list[Mask]:
    """Lists the C + 1 masks of an order, from everything on to everything off, each without one more component."""
    return [mask_after(order, removed, shape) for removed in range(len(order) + 1)]


RATES = (0.5, 0.65, 0.8, 0.9, 0.97)
"""Keep rates of the bank's random masks: from half of the model to two parts off."""


def random_masks(components: int, many: int, seed: int = 0) -> tuple[BoolArray, Float64Array]:
    """Draws masks for a bank: kept (many, C), each component kept at random at its mask's rate, and the rates (many,).

    The rates take turns, and fewer masks are the first of more: a bank can grow.
    """
    rates = np.resize(RATES, many)
    kept = np.random.default_rng(seed).random((many, components)) < rates[:, None]
    return kept, rates


def halves_of(n: int, seed: int = 0) -> tuple[Int64Array, Int64Array]:
    """Splits n examples at random into two halves, each in the order of the file; raises BadRequest below two."""
    if n < 2:
        raise BadRequest("Two halves need two examples or more.")
    drawn = np.random.default_rng(seed).permutation(n)
    return np.sort(drawn[: n // 2]), np.sort(drawn[n // 2 :])
