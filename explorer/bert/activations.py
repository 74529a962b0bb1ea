"""Hidden states of the full model in one shard: where a masked forward pass starts, instead of at the embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.bert.layer import Layer
from explorer.bert.shards import Shard


@dataclass(frozen=True, eq=False)
class ActivationCache:
    """States of the full mask in one shard of T tokens and n examples, kept as far as memory allows."""

    inputs: tuple[Tensor | None, ...]
    """Hidden states (T, D) that enter each layer; None where they were not kept."""
    contexts: tuple[Tensor | None, ...]
    """Contexts of all heads side by side, (T, D), in the last layer those of [CLS] alone, (n, D)."""

    def of_rows(self, rows: Tensor) -> ActivationCache:
        """Returns the cache of some of the tokens, without the contexts."""
        inputs = tuple(None if kept is None else kept[rows] for kept in self.inputs)
        return ActivationCache(inputs, (None,) * len(inputs))


class FullStates:
    """States of the full mask during one call: read from the cache, or computed once where it has none.

    layers: those of the engine that asks. embed: gives what enters layer 0. shard: whose states they are.
    cache: may come from an engine of another dtype; contexts are used only in the dtype of `layers`.
    """

    def __init__(
        self, layers: Sequence[Layer], embed: Callable[[], Tensor], shard: Shard, cache: ActivationCache | None
    ) -> None:
        self._layers, self._embed, self._shard, self._cache = layers, embed, shard, cache
        self._made: dict[int, Tensor] = {}

    @property
    def _dtype(self) -> torch.dtype:
        return self._layers[0].qkv.dtype

    def input(self, number: int) -> Tensor:
        """Returns the hidden states (T, D) that enter a layer."""
        kept = self._cache.inputs[number] if self._cache else None
        if kept is not None:
            return kept.to(self._dtype)
        if number not in self._made:
            if number == 0:
                self._made[0] = self._embed().to(self._dtype)
            else:
                layer = self._layers[number - 1]
                self._made[number] = layer.forward(self.input(number - 1), self._shard, layer.all_heads, True)
        return self._made[number]

    def context(self, number: int) -> Tensor | None:
        """Returns the cached contexts of all heads, (T, D) or (n, D) in the last layer; None where there are none."""
        kept = self._cache.contexts[number] if self._cache else None
        return kept if kept is not None and kept.dtype == self._dtype else None
