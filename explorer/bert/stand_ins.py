"""What may stand in for a head or MLP that is off, and the training examples that it is taken from. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from explorer.glue.data_hash import examples_sha256
from explorer.glue.tasks import Examples

StandIn = Literal["zero", "mean", "learned"]
ZERO: StandIn = "zero"
MEAN: StandIn = "mean"
LEARNED: StandIn = "learned"
"""Nothing, as in the paper; the mean of what it gives in the full model; a constant learnt by gradient."""
BESIDE_THE_DATA: Mapping[StandIn, str] = {
    ZERO: "",
    MEAN: ", means for what is off",
    LEARNED: ", learned constants for what is off",
}
"""What is said beside the data of a score, on screen and in a terminal."""
DRAWN = "drawn"
"""What a random mask is called among those that constants are scored on, beside the tickets' kinds."""
SAMPLE, SAMPLE_SEED = 1000, 0
"""Training examples behind a mean, and the seed that draws them: the same ones for every run of a task."""


def sample_for_means(train: Examples) -> Examples:
    """Draws the training examples, never dev ones, that means are taken over: all, where there are fewer."""
    return sample_of(train, SAMPLE, SAMPLE_SEED)


def sample_of(examples: Examples, many: int, seed: int) -> Examples:
    """Draws that many of the examples (all, where there are fewer) without replacement, and keeps their order."""
    drawn = np.random.default_rng(seed).permutation(len(examples))[:many]
    items = tuple(examples.items[i] for i in sorted(drawn))
    return replace(examples, items=items, source=f"{examples.source}, sample", sha256=examples_sha256(items))
