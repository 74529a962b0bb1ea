"""One sentence under every single switch, computed where the weights are: an example of the dev set, or a typed text.

A typed text travels with the request, is kept no longer than it, and is written nowhere.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import BadRequest
from explorer.live.worker import Request, Steps, Work
from explorer.mask import Mask
from explorer.tickets.microscope import Closeup, Turn, closeup, turn_of

if TYPE_CHECKING:  # torch comes in with it: only where the weights are
    from explorer.arrays import Float32Array
    from explorer.live.evaluator import Evaluator
    from explorer.store.ledger import Ledger


@dataclass(frozen=True)
class Look:
    """What was seen of one sentence so far, in fp32."""

    closeup: Closeup
    turn: Turn | None = None
    """What turns its answer; None while that is searched for."""
    notes: tuple[str, ...] = ()
    """Sentences on what was cut of a typed text, or is unknown to the model."""


@dataclass(frozen=True)
class LookClosely(Request[Look]):
    """A look at one example under a mask: its close-up in the first turn, then a turn a switch; news is a Look."""

    mask: Mask
    example: int | None = None
    """Place in the dev set, from 0; None where `texts` are given."""
    texts: tuple[str, ...] = field(default=(), repr=False)

    def begin(self, evaluator: Evaluator, ledger: Ledger) -> Work:
        """Makes the work, where the weights are. Raises BadMask on a mask for another model."""
        evaluator.check(self.mask)
        return Steps(looking(evaluator, self.mask, self.example, self.texts))


def looking(
    evaluator: Evaluator, mask: Mask, example: int | None, texts: tuple[str, ...] = ()
) -> Generator[Look, None, Look]:
    """Looks at one example, yielding a Look after the close-up and after each switch.

    example: place in the dev set, from 0; None for `texts`. Raises BadRequest on an example that is not there and on a
    text that says nothing.
    """
    from explorer.bert.shards import shard_of
    from explorer.bert.user_text import encode_text

    encoded, at = evaluator.encoded, example or 0
    notes: tuple[str, ...] = ()
    if example is None:
        read = encode_text(evaluator.classifier.tokenizer, *texts)
        encoded, notes = read.encoded, read.notes
    if not 0 <= at < len(encoded):
        raise BadRequest(f"There is no example {at + 1}.", f"There are {len(encoded):,}.")
    shard = shard_of(encoded, np.array([at], np.int64), evaluator.device)

    def logits_of(masks: Sequence[Mask]) -> Float32Array:
        return evaluator.engine.logits_of_many(shard, masks)[:, 0]

    seen = closeup(mask, logits_of)
    yield Look(seen, None, notes)
    search = turn_of(seen, logits_of)
    while True:
        try:
            next(search)
        except StopIteration as end:
            return Look(seen, end.value, notes)
        yield Look(seen, None, notes)
