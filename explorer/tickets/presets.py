"""Masks worth a button: named subnetworks of a run and masks made from one number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.tickets.importance import normalised_heads, normalised_mlps
from explorer.tickets.subnetworks import (
    SUPER_SEED,
    Subnetwork,
    bad,
    good,
    random,
    super_bad,
    super_good,
    super_random,
    times_kept,
)


@dataclass(frozen=True)
class NamedMask:
    """A mask that has a name, and a sentence where it is not quite what its name promises."""

    mask: Mask
    note: str = ""


def named_masks(
    shape: tuple[int, int], tickets: Mapping[int, Mask], seed: int, *, draw: int = 0, whole: Mask | None = None
) -> dict[str, NamedMask]:
    """Makes full, good, bad, random, complement, super, super-bad, super-random and off, for a run of that seed.

    tickets: seed -> good ticket, over the task's seeds. Those of one seed are left out where it has no ticket, those of
    all seeds where there are not two. Draw 0 gives the random subnetwork that the bundle has scored; any other draw
    another one of the same size. whole: all that the model has, None for everything: heads that were cut out of it
    before are in none of these masks.
    """
    whole = whole or Mask.full(*shape)
    ticket, masks = tickets.get(seed), list(tickets.values())
    made = {"full": NamedMask(whole)}
    if ticket is not None:
        made["good"] = _named(good(ticket))
        made["bad"] = _named(bad(ticket, seed, whole))
        made["random"] = _named(random(ticket, seed if draw == 0 else seed + 100_000 * draw, whole))
        made["complement"] = NamedMask(Mask(~ticket.heads, ~ticket.mlps).within(whole))
    if len(masks) >= 2:
        made["super"] = _named(super_good(masks))
        made["super-bad"] = _named(super_bad(masks, SUPER_SEED, whole))
        made["super-random"] = _named(super_random(masks, SUPER_SEED, whole))
    return made | {"off": NamedMask(Mask(np.zeros(shape, np.bool_), np.zeros(shape[0], np.bool_)))}


def without_layer(shape: tuple[int, int], layer: int) -> Mask:
    """Keeps everything but one layer, its heads and its MLP."""
    return Mask.full(*shape).with_layer(layer, False)


def surviving(tickets: Mapping[int, Mask], at_least: int) -> Mask:
    """Keeps what is kept in at least `at_least` seeds; raises BadRequest without tickets."""
    heads, mlps = times_kept(list(tickets.values()))
    return Mask(heads >= at_least, mlps >= at_least)


def most_important(heads: Float64Array, mlps: Float64Array, n_heads: int, n_mlps: int) -> Mask:
    """Keeps the n heads and MLPs of highest importance, ranked as pruning ranks them. heads: (L, H), mlps: (L,), raw.

    Raises BadRequest where there are not so many.
    """
    if not (0 <= n_heads <= heads.size and 0 <= n_mlps <= mlps.size):
        raise BadRequest(f"There are no {n_heads} heads and {n_mlps} MLPs among {heads.size} and {mlps.size}.")
    parts = []
    for scores, many in ((normalised_heads(heads), n_heads), (normalised_mlps(mlps), n_mlps)):
        kept = np.zeros(scores.size, np.bool_)
        kept[np.argsort(scores.ravel(), kind="stable")[scores.size - many :]] = True  # ties: as pruning resolves them
        parts.append(kept.reshape(scores.shape))
    return Mask(*parts)


def _named(subnetwork: Subnetwork) -> NamedMask:
    return NamedMask(subnetwork.mask, subnetwork.note)
