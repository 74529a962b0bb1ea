"""Subnetworks of equal size: good, bad and random of one seed; super-good, super-bad and super-random of several.

Prasanna et al. 2020, sections 3.2 and 4. Everything but `good` and `super_good` is drawn with a seed, and has
exactly as many heads and MLPs as its good counterpart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.arrays import AnyArray, BoolArray, Int64Array
from explorer.errors import BadMask, BadRequest
from explorer.mask import Mask

SubnetworkKind = Literal["good", "bad", "random", "super-good", "super-bad", "super-random"]
SUBNETWORK_KINDS: tuple[SubnetworkKind, ...] = ("good", "bad", "random", "super-good", "super-bad", "super-random")
SUPER_SEED = 0
"""Seed with which every run draws super-bad and super-random, so that all seeds of a task score the same masks."""


@dataclass(frozen=True)
class Subnetwork:
    """Kept heads and MLPs, their kind, and a sentence where they are not quite what their name promises."""

    kind: SubnetworkKind
    mask: Mask
    note: str = ""


def good(mask: Mask) -> Subnetwork:
    """Takes the survivors of pruning as they are."""
    return Subnetwork("good", mask, _size_note(mask))


def bad(good_mask: Mask, seed: int, whole: Mask | None = None) -> Subnetwork:
    """Draws as many heads and MLPs as `good_mask` has: first from what it prunes, then, where that is too little,
    survivors.

    whole: what the model has, here and below; None for everything. Heads cut out of it before are never drawn.

    Which of the pruned ones, and which survivors fill up, is drawn with the seed (paper: "sampled from the
    elements that did not survive, plus a random sample of the remaining elements").
    """
    rng = _rng(seed, "bad")
    whole = whole or Mask.full(good_mask.n_layers, good_mask.n_heads)
    heads, head_note = _bad_part(good_mask.heads, whole.heads, rng, "head")
    mlps, mlp_note = _bad_part(good_mask.mlps, whole.mlps, rng, "MLP")
    return Subnetwork("bad", Mask(heads, mlps), _joined(_size_note(good_mask), head_note, mlp_note))


def random(good_mask: Mask, seed: int, whole: Mask | None = None) -> Subnetwork:
    """Draws exactly as many heads and MLPs as `good_mask` has, over the whole model, with the seed."""
    rng = _rng(seed, "random")
    whole = whole or Mask.full(good_mask.n_layers, good_mask.n_heads)
    heads = _lowest((~whole.heads).astype(np.int64), good_mask.heads_kept, rng)
    mlps = _lowest((~whole.mlps).astype(np.int64), good_mask.mlps_kept, rng)
    return Subnetwork("random", Mask(heads, mlps), _size_note(good_mask))


def super_good(masks: Sequence[Mask]) -> Subnetwork:
    """Keeps what survives in every seed; masks: one a seed, of one task. Raises as `times_kept` does."""
    heads, mlps = times_kept(masks)
    mask = Mask(heads == len(masks), mlps == len(masks))
    return Subnetwork("super-good", mask, _joined(_few_seeds_note(masks), _size_note(mask)))


def super_bad(masks: Sequence[Mask], seed: int, whole: Mask | None = None) -> Subnetwork:
    """Keeps as many as super-good, from what survives in the fewest seeds: pruned in all, then in all but one, and so
    on.

    Among equals the seed decides. The note says where it had to go beyond what is pruned in all.
    """
    heads, mlps = times_kept(masks)
    sizes = super_good(masks).mask
    rng = _rng(seed, "super-bad")
    whole = whole or Mask.full(sizes.n_layers, sizes.n_heads)
    heads, mlps = np.where(whole.heads, heads, len(masks) + 1), np.where(whole.mlps, mlps, len(masks) + 1)
    chosen = Mask(_lowest(heads, sizes.heads_kept, rng), _lowest(mlps, sizes.mlps_kept, rng))
    notes = [
        _beyond_note(totals, kept, len(masks), word)
        for totals, kept, word in ((heads, chosen.heads, "head"), (mlps, chosen.mlps, "MLP"))
    ]
    return Subnetwork("super-bad", chosen, _joined(_few_seeds_note(masks), _size_note(sizes), *notes))


def super_random(masks: Sequence[Mask], seed: int, whole: Mask | None = None) -> Subnetwork:
    """Draws as many as super-good from what survives in some seeds but not in all.

    Where that is too little, the rest is drawn from all other components alike, and the note says how many.
    """
    heads, mlps = times_kept(masks)
    sizes = super_good(masks).mask
    rng = _rng(seed, "super-random")
    parts, notes = [], [_few_seeds_note(masks), _size_note(sizes)]
    whole = whole or Mask.full(sizes.n_layers, sizes.n_heads)
    for totals, many, there, word in (
        (heads, sizes.heads_kept, whole.heads, "head"),
        (mlps, sizes.mlps_kept, whole.mlps, "MLP"),
    ):
        between = (totals > 0) & (totals < len(masks))
        parts.append(_lowest((~between).astype(np.int64) + ~there, many, rng))
        beyond = many - int(between.sum())
        if beyond > 0:
            notes.append(
                f"Seeds differ on only {_count(int(between.sum()), word)} of the {many} needed; "
                f"{beyond} more {_is_are(beyond)} drawn from all the others."
            )
    return Subnetwork("super-random", Mask(parts[0], parts[1]), _joined(*notes))


def times_kept(masks: Sequence[Mask]) -> tuple[Int64Array, Int64Array]:
    """Counts in how many masks each component is kept: heads (L, H), MLPs (L,).

    Raises BadRequest without masks and BadMask where their shapes differ.
    """
    if not masks:
        raise BadRequest("There are no masks to combine.", "Give one mask per seed.")
    if len({mask.heads.shape for mask in masks}) > 1:
        raise BadMask("The masks are for models of different shapes.", "Combine masks of one model only.")
    return (
        np.sum([mask.heads for mask in masks], axis=0, dtype=np.int64),
        np.sum([mask.mlps for mask in masks], axis=0, dtype=np.int64),
    )


def _rng(seed: int, kind: SubnetworkKind) -> np.random.Generator:
    if seed < 0:
        raise BadRequest(f"A seed cannot be negative, as {seed} is.")
    return np.random.default_rng((seed, SUBNETWORK_KINDS.index(kind)))  # kinds of one seed are drawn independently


def _lowest(ranks: Int64Array, many: int, rng: np.random.Generator) -> BoolArray:
    """The `many` components of lowest rank, equals drawn at random; the shape of `ranks`."""
    shuffled: AnyArray = rng.permutation(ranks.size)
    order = shuffled[np.argsort(ranks.ravel()[shuffled], kind="stable")]
    kept = np.zeros(ranks.size, np.bool_)
    kept[order[:many]] = True
    return kept.reshape(ranks.shape)


def _bad_part(survived: BoolArray, there: BoolArray, rng: np.random.Generator, word: str) -> tuple[BoolArray, str]:
    many, pruned = int(survived.sum()), int((there & ~survived).sum())
    kept = _lowest(np.where(there, survived.astype(np.int64), 2), many, rng)
    if many <= pruned or pruned == 0:
        return kept, ""
    filled = many - pruned
    note = f"Only {_count(pruned, word)} {_was_were(pruned)} pruned; {filled} of the {many} here are survivors."
    return kept, note


def _beyond_note(totals: Int64Array, kept: BoolArray, n_seeds: int, word: str) -> str:
    beyond, always = int((kept & (totals > 0)).sum()), int((kept & (totals == n_seeds)).sum())
    if not beyond:
        return ""
    never = int((totals == 0).sum())
    few = f"Only {_count(never, word)} {_is_are(never)}" if never else f"No {word} is"
    words = f"{few} pruned in every seed; {beyond} of the {int(kept.sum())} here "
    words += "survive in some." if not always else f"survive in some, {always} in all."
    return words


def _size_note(mask: Mask) -> str:
    """Sentence where a size leaves nothing to choose, so that good, bad and random are the same."""
    notes = []
    for kept, size, word in ((mask.heads_kept, mask.heads.size, "head"), (mask.mlps_kept, mask.mlps.size, "MLP")):
        if kept == size:
            notes.append(f"No {word} is pruned: every subnetwork of this size keeps all {size} {word}s.")
        elif kept == 0:
            notes.append(f"No {word} survives: every subnetwork of this size keeps none.")
    return _joined(*notes)


def _few_seeds_note(masks: Sequence[Mask]) -> str:
    return "" if len(masks) > 1 else "There is one seed only: super-good is its good subnetwork."


def _joined(*notes: str) -> str:
    return " ".join(note for note in notes if note)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _is_are(number: int) -> str:
    return "is" if number == 1 else "are"


def _was_were(number: int) -> str:
    return "was" if number == 1 else "were"
