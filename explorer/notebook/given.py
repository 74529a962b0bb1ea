"""What is typed into a notebook: places of heads and MLPs, and masks, refused in a sentence where they are none."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from explorer.errors import BadMask
from explorer.mask import Mask


def places(part: str, given: Iterable[Any], sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Checks indices of heads or MLPs, whole numbers within sizes; raises BadMask on anything else."""
    ends = " and ".join(f"0 to {size - 1}" for size in sizes)
    mend = f"Say {'layer and head' if len(sizes) > 1 else 'layer'} from {ends}."
    if not isinstance(given, Iterable):
        raise BadMask(f"{repr(given)[:60]} is no list of {part}s.", mend)
    found = []
    for one in given:
        at = tuple(one) if isinstance(one, Iterable) and not isinstance(one, str) else (one,)
        fits = len(at) == len(sizes) and all(isinstance(index, Integral) for index in at)
        if not fits or not all(0 <= index < size for index, size in zip(at, sizes, strict=True)):
            raise BadMask(f"There is no {part} {', '.join(map(str, at))[:60]}.", mend)
        found.append(at)
    return found


def checked_mask(mask: Mask, whole: Mask) -> Mask:
    """Gives what a mask keeps of all that a model has; raises BadMask on what is none, or of another model."""
    if not isinstance(mask, Mask):
        raise BadMask(
            f"{repr(mask)[:60]} is no mask.", "Take one of run.masks, run.without(heads=…), or Mask.from_code(…)."
        )
    return mask.within(whole)
