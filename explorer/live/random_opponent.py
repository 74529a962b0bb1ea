"""RandomOpponent as an opponent: masks with as many heads off, drawn at random, scored one a turn by the worker."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import BadRequest
from explorer.live.evaluation import Evaluation
from explorer.live.worker import Milestone, Request, Steps, Work
from explorer.mask import Mask
from explorer.store.ledger import Ledger

if TYPE_CHECKING:  # torch comes in with it: only where the weights are
    from explorer.live.evaluator import Evaluator


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


@dataclass(frozen=True)
class PlayAtRandom(Request[RandomOpponent]):
    """The scores of masks drawn at random, one a turn; news is the opponent so far."""

    masks: tuple[Mask, ...]
    n_off: int
    line: float

    def begin(self, evaluator: Evaluator, ledger: Ledger) -> Work:
        """Makes the work, where the weights are."""
        return Steps(play(evaluator, self.masks, self.n_off, self.line))


def play(
    evaluator: Evaluator, masks: Sequence[Mask], n_off: int, line: float
) -> Generator[RandomOpponent | Milestone, None, RandomOpponent]:
    """Scores the masks one by one: a turn a shard, a Milestone after each mask but the last."""
    so_far = RandomOpponent(n_off, len(masks), (), line)
    for number, mask in enumerate(masks):
        for news in evaluator.stream(mask):
            if isinstance(news, Evaluation):
                so_far = RandomOpponent(n_off, len(masks), (*so_far.scores, news.score), line)
            else:
                yield so_far
        if number + 1 < len(masks):
            yield Milestone(so_far)
    return so_far
