"""RandomOpponent as an opponent: masks with as many heads off, drawn at random, scored one a turn by the worker."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import BadRequest
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask


@dataclass(frozen=True)
class RandomOpponent:
    """Scores of the random masks that were evaluated so far."""

    n_off: int
    """Heads that each mask switches off."""
    total: int
    """Masks that are to be scored."""
    scores: tuple[float, ...]
    line: float

    @property
    def held(self) -> int:
        """Masks whose score is on or above the line."""
        return sum(score >= self.line for score in self.scores)


def random_masks(shape: tuple[int, int], n_off: int, many: int, seed: int = 0) -> tuple[Mask, ...]:
    """Draws masks with exactly `n_off` of the (L, H) heads off, all choices equally likely; all MLPs stay on.

    The same for the same seed. Raises BadRequest where there are not so many heads.
    """
    n_layers, n_heads = shape
    if not 0 <= n_off <= n_layers * n_heads:
        raise BadRequest(f"{n_off} of {n_layers * n_heads} heads cannot be switched off.")
    rng = np.random.default_rng([seed, n_off])
    masks = []
    for _ in range(many):
        kept = np.ones(n_layers * n_heads, np.bool_)
        kept[rng.permutation(kept.size)[:n_off]] = False
        masks.append(Mask(kept.reshape(shape), np.ones(n_layers, np.bool_)))
    return tuple(masks)


def play(
    evaluator: Evaluator, masks: Sequence[Mask], n_off: int, line: float
) -> Generator[RandomOpponent, None, RandomOpponent]:
    """Scores the masks one by one, as work for the worker: yields after each but the last."""
    so_far = RandomOpponent(n_off, len(masks), (), line)
    for number, mask in enumerate(masks):
        score = evaluator.evaluate(mask).score
        so_far = RandomOpponent(n_off, len(masks), (*so_far.scores, score), line)
        if number + 1 < len(masks):
            yield so_far
    return so_far
