"""The attention maps of one example, as numbers; no torch here, so that pages may show stored ones."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.arrays import Float32Array


@dataclass(frozen=True, eq=False)
class AttentionMaps:
    """All maps of one example of T tokens under one mask; row i is what position i reads."""

    raw: Float32Array
    """(L, H, T, T): alpha, rows sum to 1. A head that is off shows what it would read of the masked model's inputs."""
    norms: Float32Array
    """(L, H, T): ||f(x_j)||, what each token weighs. Zeros where the head is off: nothing of it comes through."""

    @property
    def norm_weighted(self) -> Float32Array:
        """(L, H, T, T): ||alpha_ij f(x_j)||, which is alpha_ij ||f(x_j)||, since alpha is never negative."""
        return self.raw * self.norms[..., None, :]
