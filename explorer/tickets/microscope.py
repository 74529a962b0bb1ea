"""One sentence under every single switch: how far each head and MLP moves the margin, and what turns the answer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.arrays import AnyArray, Float64Array
from explorer.mask import Mask
from explorer.tickets.criteria import kept_of, mask_of

LogitsOf = Callable[[Sequence[Mask]], AnyArray]
"""Masks to the logits of one example, (masks, k)."""
AT_MOST = 12
"""Switches after which the search for what turns an answer is given up."""


@dataclass(frozen=True)
class Switch:
    """One head, or the MLP where `head` is None, that is switched; numbered from 0."""

    layer: int
    head: int | None
    off: bool
    """Whether it is switched off; else it is switched on again."""


@dataclass(frozen=True, eq=False)
class Closeup:
    """What one example's margin becomes when each head (L, H) or MLP (L,) alone is switched, on top of a mask.

    Switched: off where the mask keeps it, on again where it does not. The margin is the logit of the answer under the
    mask minus the best other logit, in logits; below 0 the answer has turned. Of a regression it is the value itself.
    """

    mask: Mask
    answer: int | None
    """Class that the model answers under the mask; None for a regression, where nothing turns."""
    margin: float
    heads: Float64Array
    mlps: Float64Array

    @property
    def changes(self) -> tuple[Float64Array, Float64Array]:
        """How far each head (L, H) and MLP (L,) moves the margin: below 0 away from the answer."""
        return self.heads - self.margin, self.mlps - self.margin

    @property
    def turning(self) -> int:
        """Number of single switches that turn the answer."""
        return 0 if self.answer is None else int((self.heads < 0).sum() + (self.mlps < 0).sum())


@dataclass(frozen=True, eq=False)
class Turn:
    """Switches that a greedy search took to turn an answer, in order; the search may have ended without."""

    switches: tuple[Switch, ...]
    margins: tuple[float, ...]
    """Margin of the answer after each switch."""
    mask: Mask
    """The mask with all these switched."""
    turned: bool

    @property
    def fewest(self) -> bool:
        """Whether no smaller number can turn it: one switch cannot be beaten, nor two where no single one does."""
        return self.turned and len(self.switches) <= 2


def closeup(mask: Mask, logits_of: LogitsOf) -> Closeup:
    """Looks at one example under a mask and under every single switch on top of it, in one call."""
    logits = logits_of([mask, *_switched(mask)])
    answer = None if logits.shape[1] == 1 else int(logits[0].argmax())
    margins = _margins(logits, answer)
    heads, mlps = np.split(margins[1:], [mask.heads.size])
    return Closeup(mask, answer, float(margins[0]), heads.reshape(mask.heads.shape), mlps)


def turn_of(of: Closeup, logits_of: LogitsOf, at_most: int = AT_MOST) -> Generator[int, None, Turn]:
    """Searches for switches that turn the answer, greedily: each the one after which the margin is lowest.

    Nothing is switched twice. Ends where the answer has turned, where no switch lowers the margin any further, or after
    `at_most` switches. Yields how many there are after each. At once without any for a regression.
    """
    if of.answer is None:
        return Turn((), (), of.mask, False)
    mask, margin = of.mask, of.margin
    next_margins = np.concatenate([of.heads.ravel(), of.mlps])
    used: list[int] = []
    margins: list[float] = []
    while len(used) < at_most and margin >= 0:
        next_margins[used] = np.inf
        best = int(next_margins.argmin())
        if not next_margins[best] < margin:
            break
        used.append(best)
        mask, margin = _switched(mask)[best], float(next_margins[best])
        margins.append(margin)
        yield len(used)
        if margin >= 0 and len(used) < at_most:
            next_margins = _margins(logits_of(_switched(mask)), of.answer)
    return Turn(tuple(_switch(of.mask, at) for at in used), tuple(margins), mask, margin < 0)


def _margins(logits: AnyArray, answer: int | None) -> Float64Array:
    """(masks, k) to (masks,): the answer's lead over the best other class, or the value."""
    values = logits.astype(np.float64)
    if answer is None:
        return np.asarray(values[:, 0])
    return np.asarray(values[:, answer] - np.delete(values, answer, axis=1).max(axis=1))


def _switched(mask: Mask) -> list[Mask]:
    """The mask with each head, row by row, then each MLP switched."""
    kept = kept_of(mask)
    return [mask_of(row, mask.heads.shape) for row in kept ^ np.eye(len(kept), dtype=np.bool_)]


def _switch(mask: Mask, at: int) -> Switch:
    off = bool(kept_of(mask)[at])
    if at >= mask.heads.size:
        return Switch(at - mask.heads.size, None, off)
    return Switch(*divmod(at, mask.n_heads), off)
