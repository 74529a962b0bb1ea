"""The shape of a run's model, and the heads that it lacks, as its fine-tuning tells them."""

from __future__ import annotations

from explorer.errors import BadBundle
from explorer.mask import Mask, without_heads
from explorer.store.schema import Manifest

Shape = tuple[int, int]
_MOST_LAYERS, _MOST_HEADS = 1_000, 1_000


def shape_in(finetuned: Manifest) -> Shape | None:
    """Layers and heads that a fine-tuning says its model has; None where it says none that a model can have."""
    told = _pair(finetuned.config.get("shape"))
    return told if told and 1 <= told[0] <= _MOST_LAYERS and 1 <= told[1] <= _MOST_HEADS else None


def full_mask_in(finetuned: Manifest) -> Mask:
    """Makes the mask that keeps all that a run's model has: heads that were cut out of it before are off in it.

    Raises BadBundle where the fine-tuning does not say the shape of its model, or heads that are gone and cannot be.
    """
    shape, gone = shape_in(finetuned), finetuned.config.get("gone", [])
    again = f"Make it again: `{finetuned.command}`."
    if shape is None:
        raise BadBundle(f"{finetuned.key.path} does not say how many layers and heads its model has.", again)
    places = [_pair(place) for place in gone] if isinstance(gone, list | tuple) else [None]
    there = [at for at in places if at and 0 <= at[0] < shape[0] and 0 <= at[1] < shape[1]]
    if len(there) < len(places):
        raise BadBundle(f"{finetuned.key.path} names heads that are gone which its model cannot have had.", again)
    return without_heads(*shape, there)


def _pair(value: object) -> tuple[int, int] | None:
    """Two whole numbers; None for anything else, True and False among it."""
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(side) is int for side in value):
        return value[0], value[1]
    return None
