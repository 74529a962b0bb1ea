"""How much of the full model's states to keep, within a bound on memory."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MEMORY = 1024 * 2**20
"""Bytes for one task held live; MiniLM-L6 on SST-2 dev takes 0.3 of it."""
_EXACT_BYTES = 4


@dataclass(frozen=True)
class CachePlan:
    """Which activations of the full model are kept for every token of the split."""

    layers: tuple[int, ...]
    """Layers whose inputs are kept, ascending; a mask starts from the highest below which it changes nothing."""
    contexts: bool
    """Whether the heads' contexts are kept too, so that a head goes off with no attention computed."""
    n_layers: int
    bytes: int

    def __str__(self) -> str:
        """Sentence for the screen where not all is kept; else empty."""
        if self.contexts:
            return ""
        if not self.layers:
            return "Nothing of the full model fits into memory: every mask is scored from the embeddings on."
        kept = ", ".join(str(layer + 1) for layer in self.layers)
        return f"To stay within memory, masks start from the states before layer {kept} of {self.n_layers} only."


def plan_cache(tokens: int, width: int, n_layers: int, fast_bytes: int, memory: int) -> CachePlan:
    """Keeps everything where it fits; else the inputs of as many layers as fit, evenly spread, perhaps of none.

    tokens: tokens of the split; width: of the hidden state; fast_bytes: of one number in a context.
    """
    one_layer = tokens * width * _EXACT_BYTES
    everything = n_layers * (one_layer + tokens * width * fast_bytes)
    if everything <= memory:
        return CachePlan(tuple(range(n_layers)), True, n_layers, everything)
    many = min(n_layers, memory // one_layer)
    # layer 0's input is the embeddings, which cost next to nothing to make again
    layers = sorted({round((i + 1) * n_layers / (many + 1)) for i in range(many)} & set(range(1, n_layers)))
    return CachePlan(tuple(layers), False, n_layers, len(layers) * one_layer)
