"""Masks worth a button: named subnetworks of a run and masks made from one number, each with a plain-word tooltip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
class Preset:
    """A name for a button, its mask, and what it is; without a mask, why there is none."""

    name: str
    mask: Mask | None
    words: str


def named_presets(
    shape: tuple[int, int], tickets: Mapping[int, Mask], seed: int, *, draw: int = 0
) -> dict[str, Preset]:
    """Makes the presets full, good, bad, random, super, super-bad, super-random, complement and off for a run of a
    seed.

    tickets: seed -> good ticket, over the task's seeds. Draw 0 gives the random subnetwork that the bundle has
    scored; any other draw another one of the same size.
    """
    presets = [("full", Preset("Full", Mask.full(*shape), "Everything on: the fine-tuned model as it is."))]
    presets += _of_one_seed(tickets.get(seed), seed, draw)
    presets += _of_all_seeds(tickets)
    presets.append(("off", Preset("All off", _nothing(shape), "Every head and MLP off: what is left is a guess.")))
    return dict(presets)


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


def size_words(mask: Mask) -> str:
    """Says how much a mask keeps: '31 heads and 3 MLPs'."""
    heads, mlps = (f"{n} {word}{'s' * (n != 1)}" for n, word in ((mask.heads_kept, "head"), (mask.mlps_kept, "MLP")))
    return f"{heads} and {mlps}"


def _nothing(shape: tuple[int, int]) -> Mask:
    return Mask(np.zeros(shape, np.bool_), np.zeros(shape[0], np.bool_))


def _of_one_seed(ticket: Mask | None, seed: int, draw: int) -> list[tuple[str, Preset]]:
    names = {"good": "Good ticket", "bad": "Bad", "random": "Random", "complement": "Complement"}
    if ticket is None:
        why = f"Seed {seed} is not pruned in this bundle, so it has no ticket."
        return [(kind, Preset(name, None, why)) for kind, name in names.items()]
    size = f"{size_words(ticket)}, as many as in the good ticket,"
    drawn = random(ticket, seed if draw == 0 else seed + 100_000 * draw)
    return [
        ("good", _preset(names["good"], good(ticket), f"What pruning left of seed {seed}: {size_words(ticket)}.")),
        ("bad", _preset(names["bad"], bad(ticket, seed), f"{size} but from what pruning switched off.")),
        (
            "random",
            _preset(names["random"], drawn, f"{size} drawn from the whole model. Click again for another draw."),
        ),
        (
            "complement",
            Preset(
                names["complement"],
                Mask(~ticket.heads, ~ticket.mlps),
                "The inverse of the good ticket: only what pruning switched off.",
            ),
        ),
    ]


def _of_all_seeds(tickets: Mapping[int, Mask]) -> list[tuple[str, Preset]]:
    names = {"super": "Super", "super-bad": "Super-bad", "super-random": "Super-random"}
    masks = list(tickets.values())
    if len(masks) < 2:
        why = f"Two pruned seeds are needed to compare; this bundle holds {len(masks)}."
        return [(kind, Preset(name, None, why)) for kind, name in names.items()]
    best = super_good(masks)
    size = f"{size_words(best.mask)}, as many as in Super,"
    every = f"each of the {len(masks)} seeds"
    return [
        ("super", _preset(names["super"], best, f"Only what survives pruning in {every}: {size_words(best.mask)}.")),
        (
            "super-bad",
            _preset(names["super-bad"], super_bad(masks, SUPER_SEED), f"{size} from what is switched off in {every}."),
        ),
        (
            "super-random",
            _preset(
                names["super-random"], super_random(masks, SUPER_SEED), f"{size} from what survives in some seeds only."
            ),
        ),
    ]


def _preset(name: str, subnetwork: Subnetwork, words: str) -> Preset:
    made = Preset(name, subnetwork.mask, words)
    return replace(made, words=f"{words} {subnetwork.note}") if subnetwork.note else made
