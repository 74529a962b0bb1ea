"""Importance of heads and MLPs as values, and their normalisation; `gradients` measures them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest

Estimator = Literal["expected", "batch", "published"]


@dataclass(frozen=True)
class Importance:
    """Raw scores, before any normalisation: larger = the loss depends more on the component."""

    heads: Float64Array
    """(L, H)"""
    mlps: Float64Array
    """(L,)"""
    estimator: Estimator

    def __post_init__(self) -> None:
        if not (np.isfinite(self.heads).all() and np.isfinite(self.mlps).all()):
            raise BadRequest("The importance is not finite: a gradient overflowed.", "Check the checkpoint.")


def normalised_heads(heads: Float64Array) -> Float64Array:
    """Normalises (L, H): L2 within each layer, then min-max over all heads (Michel et al., section 2.3; paper).

    A layer, or a model, in which all scores are equal has no order: its zeros stay zeros.
    """
    norms = np.linalg.norm(heads, axis=1, keepdims=True)
    return _min_max(np.divide(heads, norms, out=np.zeros_like(heads), where=norms > 0))


def normalised_mlps(mlps: Float64Array) -> Float64Array:
    """Normalises (L,) by min-max over all MLPs. Dividing by the token count first, as the paper does, cancels out."""
    return _min_max(mlps)


def _min_max(scores: Float64Array) -> Float64Array:
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)
