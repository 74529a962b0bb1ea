"""The named masks of a run as people read them: a button's name and a tooltip, or why there is no such mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from explorer.mask import Mask
from explorer.tickets.presets import named_masks

_NAMES = {
    "full": "Full",
    "good": "Good ticket",
    "bad": "Bad",
    "random": "Random",
    "complement": "Complement",
    "super": "Super",
    "super-bad": "Super-bad",
    "super-random": "Super-random",
    "off": "All off",
}
"""Mask -> the name of its button."""


@dataclass(frozen=True)
class Preset:
    """A name for a button, its mask, and what it is; without a mask, why there is none."""

    name: str
    mask: Mask | None
    words: str


def named_presets(
    shape: tuple[int, int], tickets: Mapping[int, Mask], seed: int, *, draw: int = 0, whole: Mask | None = None
) -> dict[str, Preset]:
    """Every named mask of a run of that seed in the order of its buttons; see `named_masks`."""
    made = named_masks(shape, tickets, seed, draw=draw, whole=whole)
    presets = {}
    for kind, name in _NAMES.items():
        if kind in made:
            words = _words(kind, made[kind].mask, seed, len(tickets))
            presets[kind] = Preset(name, made[kind].mask, f"{words} {made[kind].note}".strip())
        elif kind.startswith("super"):
            why = f"Two pruned seeds are needed to compare; this bundle holds {len(tickets)}."
            presets[kind] = Preset(name, None, why)
        else:
            presets[kind] = Preset(name, None, f"Seed {seed} is not pruned in this bundle, so it has no ticket.")
    return presets


def size_words(mask: Mask) -> str:
    """The size of a mask: '31 heads and 3 MLPs'."""
    heads, mlps = (f"{n} {word}{'s' * (n != 1)}" for n, word in ((mask.heads_kept, "head"), (mask.mlps_kept, "MLP")))
    return f"{heads} and {mlps}"


def _words(kind: str, mask: Mask, seed: int, n_seeds: int) -> str:
    """What the mask is, in a sentence; the drawn ones are of the size of their good counterpart."""
    size, every = size_words(mask), f"each of the {n_seeds} seeds"
    as_good, as_super = f"{size}, as many as in the good ticket,", f"{size}, as many as in Super,"
    return {
        "full": "Everything on: the fine-tuned model as it is.",
        "good": f"What pruning left of seed {seed}: {size}.",
        "bad": f"{as_good} but from what pruning switched off.",
        "random": f"{as_good} drawn from the whole model. Click again for another draw.",
        "complement": "The opposite of the good ticket: only what pruning switched off.",
        "super": f"Only what survives pruning in {every}: {size}.",
        "super-bad": f"{as_super} from what is switched off in {every}.",
        "super-random": f"{as_super} from what survives in some seeds only.",
        "off": "Every head and MLP off: what is left is a guess.",
    }[kind]
