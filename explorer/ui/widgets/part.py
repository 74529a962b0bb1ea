"""One head or MLP of a model, by the name that links and the browser have for it."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.foreign import whole_number
from explorer.mask import Mask

MLP = "mlp"


@dataclass(frozen=True)
class Part:
    """One head or MLP of a model, 0-based; head: None for the layer's MLP."""

    layer: int
    head: int | None

    @property
    def code(self) -> str:
        """The part's name in links and in the browser, 1-based: '3.5', '3.mlp'."""
        return f"{self.layer + 1}.{MLP if self.head is None else self.head + 1}"

    @property
    def name(self) -> str:
        """'Layer 3, head 5' or 'Layer 3, MLP'."""
        return f"Layer {self.layer + 1}, " + ("MLP" if self.head is None else f"head {self.head + 1}")

    def kept_in(self, mask: Mask) -> bool:
        """Whether the mask keeps it."""
        return bool(mask.mlps[self.layer] if self.head is None else mask.heads[self.layer, self.head])

    def switched(self, mask: Mask, kept: bool) -> Mask:
        """The mask with this part alone changed."""
        if self.head is None:
            return mask.with_mlp(self.layer, kept)
        return mask.with_head(self.layer, self.head, kept)


def part_of(code: object, shape: tuple[int, int]) -> Part | None:
    """Reads '3.5' or '3.mlp'; None where it is neither or no part of a model with this many layers and heads."""
    layer, _, head = str(code).partition(".")
    at = whole_number(layer)
    if at is None or not 1 <= at <= shape[0]:
        return None
    if head == MLP:
        return Part(at - 1, None)
    number = whole_number(head)
    return Part(at - 1, number - 1) if number is not None and 1 <= number <= shape[1] else None


def component_of(part: Part, shape: tuple[int, int]) -> int:
    """Finds the place of a head or MLP among all components, heads row by row, then MLPs; shape: (L, H)."""
    return shape[0] * shape[1] + part.layer if part.head is None else part.layer * shape[1] + part.head
