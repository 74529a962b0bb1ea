"""New maps from a labelled one, by changes that leave its class as it is."""

from __future__ import annotations

import numpy as np

from explorer.arrays import Float64Array, FloatArray

SHORTEST = 8
"""Tokens below which a map is not shortened further."""


def augmented(weights: FloatArray, anchors: tuple[int, ...], rng: np.random.Generator) -> Float64Array:
    """Varies a map (T, T): shortens, rotates by 180 degrees, speckles, or moves it between raw and norm-weighted.

    anchors: rows and columns that stay ([CLS], [SEP]); without them a vertical map could lose its column.
    """
    out = np.asarray(weights, np.float64)
    if rng.random() < 0.5:
        out = _shortened(out, anchors, rng)
    if rng.random() < 0.3:  # right to left: columns, diagonals and blocks stay what they are
        out = out[::-1, ::-1]
    if rng.random() < 0.7:
        out = out * rng.lognormal(0, rng.uniform(0.03, 0.15), out.shape)
    if rng.random() < 0.5:  # what is read is longer here and shorter there, as under norm-weighting
        out = out * rng.lognormal(0, rng.uniform(0.02, 0.1), len(out))
    if rng.random() < 0.5:
        out = out ** rng.uniform(0.92, 1.08)
    return np.ascontiguousarray(out)


def _shortened(m: Float64Array, anchors: tuple[int, ...], rng: np.random.Generator) -> Float64Array:
    """A stretch of tokens taken out of rows and columns alike, so that the diagonal runs on."""
    length = len(m)
    longest = min(length // 5, length - SHORTEST)
    if longest < 1:
        return m
    run = int(rng.integers(1, longest + 1))
    start = int(rng.integers(0, length - run + 1))
    gone = set(range(start, start + run)) - set(anchors) - _columns_that_count(m)
    kept = np.array([k for k in range(length) if k not in gone])
    return m[np.ix_(kept, kept)]


def _columns_that_count(m: Float64Array) -> set[int]:
    strength = m.mean(axis=0)
    return set(np.flatnonzero(strength >= max(0.5 * strength.max(), 2 * strength.mean())).tolist())
