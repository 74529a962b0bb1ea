"""Synthetic attention maps of the five classes of labelled/GUIDELINE.md, with noise.

A map is a mixture of parts, each with rows that sum to 1: columns, a diagonal, blocks, scatter, flat ground.
The class decides how much each part weighs; everything else (widths, offsets, gaps, lengths) is drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier import map_shapes as shapes
from explorer.patterns.classifier.map_shapes import GeneratorOptions, Layout


@dataclass(frozen=True, eq=False)
class SyntheticMap:
    """One drawn map: weights (T, T) with rows that sum to 1, the class it shows, and its layout."""

    weights: Float64Array
    label: str
    layout: Layout


@dataclass(frozen=True, eq=False)
class Part:
    """Share of one shape in a mixture."""

    weight: float
    """Share of each row's attention, on average."""
    shape: Float64Array
    """(T, T), rows sum to 1."""
    coverage: float = 1.0
    """Below 1: the share of rows in which it is there at all."""


def generate(n: int, rng: np.random.Generator, options: GeneratorOptions | None = None) -> list[SyntheticMap]:
    """n maps, the five classes in turn; the same generator state gives the same maps."""
    return [draw(CLASSES[k % len(CLASSES)], rng, options) for k in range(n)]


def draw(label: str, rng: np.random.Generator, options: GeneratorOptions | None = None) -> SyntheticMap:
    """One map of a class; raises BadRequest for a name that is no class."""
    opts = options or GeneratorOptions()
    if label not in CLASSES:
        raise BadRequest(f"There is no pattern {label!r}.", f"Patterns: {', '.join(CLASSES)}.")
    layout = _layout(rng, opts, pair=True if label == "block" else None)
    weights = {
        "vertical": _vertical,
        "diagonal": _diagonal,
        "vertical+diagonal": _both,
        "block": _block,
        "heterogeneous": _heterogeneous,
    }[label](layout, rng, opts)
    return SyntheticMap(weights, label, layout)


def norm_weighted(sample: SyntheticMap, rng: np.random.Generator) -> Float64Array:
    """The map as norm-weighted attention would show it: each column times a vector norm, small at [CLS] and [SEP].

    (T, T), rows no longer sum to 1 (Kobayashi et al. 2020: special tokens have short transformed vectors).
    The class stays only while columns are at ordinary tokens: use it on maps without a column in their name.
    """
    norms = rng.lognormal(0.0, rng.uniform(0.05, 0.35), sample.layout.length)
    norms[[0, *sample.layout.separators]] *= rng.uniform(0.02, 0.6)
    return sample.weights * norms


# --- where things stand


def _layout(rng: np.random.Generator, opts: GeneratorOptions, pair: bool | None) -> Layout:
    low, high = opts.length
    length = int(np.clip(round(np.exp(rng.uniform(np.log(low), np.log(high)))), low, high))
    is_pair = rng.random() < opts.pair_share if pair is None else pair
    separators: tuple[int, ...] = (length - 1,)
    if is_pair:
        middle = round(length * rng.uniform(0.28, 0.72))
        separators = (int(np.clip(middle, 2, length - 3)), length - 1)
    inside = np.setdiff1d(np.arange(1, length - 1), separators)
    count = min(len(inside), int(rng.integers(0, 2 + length // 12)))
    ends = [s - 1 for s in separators if rng.random() < 0.6 and s > 1]
    marks = set(rng.choice(inside, size=count, replace=False).tolist()) | set(ends)
    return Layout(length, separators, tuple(sorted(int(m) for m in marks)))


def _gaps(part: Part, layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    """A part's weight row by row (T, 1): it wavers, and is interrupted in some rows."""
    rows = np.clip(part.weight * rng.lognormal(0, rng.uniform(0.1, 0.6), layout.length), 0, 0.97)
    absent = 1 - part.coverage if part.coverage < 1 else rng.uniform(0, opts.gap_share)
    rows[rng.random(layout.length) < absent] *= 0.15 * (part.coverage == 1)
    return rows[:, None]


def _mixed(parts: list[Part], layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    """The parts with their weights, what is left going to content and flat ground, with speckle; rows sum to 1."""
    rows = [_gaps(part, layout, rng, opts) for part in parts]
    total = np.sum(rows, axis=0)
    shrink = np.minimum(1, 0.98 / np.maximum(total, 1e-9))
    ground_mix = rng.uniform(0, 1)
    ground = ground_mix * shapes.flat(layout) + (1 - ground_mix) * shapes.content(layout, rng, rng.uniform(0.3, 1.4))
    out = (1 - total * shrink) * ground
    for share, part in zip(rows, parts, strict=True):
        out = out + shrink * share * part.shape
    return shapes.rows_to_one(out * rng.lognormal(0, rng.uniform(0, opts.noise), out.shape))


# --- classes


def _vertical(layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    parts = [Part(rng.uniform(0.35, 0.97), shapes.columns(layout, rng, opts))]
    if rng.random() < 0.5:
        parts.append(_trace(shapes.line(layout, rng, opts), rng))
    return _mixed(parts, layout, rng, opts)


def _diagonal(layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    parts = [Part(rng.uniform(0.35, 0.97), shapes.line(layout, rng, opts))]
    if rng.random() < 0.5:
        parts.append(_trace(shapes.columns(layout, rng, opts), rng))
    return _mixed(parts, layout, rng, opts)


def _both(layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    line = shapes.line(layout, rng, opts)
    columns = shapes.columns(layout, rng, opts)
    total, share = rng.uniform(0.6, 0.97), rng.uniform(0.3, 0.7)
    # Balance what the eye sees: the typical strength of the line and of the strongest column, not their mass.
    seen_line, seen_columns = np.median(line.max(axis=1)), np.median(columns.max(axis=1))
    of_line = share * seen_columns / (share * seen_columns + (1 - share) * seen_line)
    return _mixed([Part(total * of_line, line), Part(total * (1 - of_line), columns)], layout, rng, opts)


def _block(layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    fill = rng.uniform(0.7, 0.97)
    parts = [Part(fill, shapes.squares(layout, rng))]
    if rng.random() < 0.4:
        extra = shapes.columns(layout, rng, opts) if rng.random() < 0.5 else shapes.line(layout, rng, opts)
        parts.append(Part(min(1 - fill, 0.08) * rng.random(), extra))
    return _mixed(parts, layout, rng, opts)


def _heterogeneous(layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    kind = str(rng.choice(["content", "soft", "flat", "weave", "across", "fragments", "smears"]))
    sharpness = {"content": rng.uniform(1.5, 5), "soft": rng.uniform(0.5, 1.5), "flat": 0.1}
    drawn = {
        "weave": shapes.weave,
        "across": shapes.across,
        "fragments": shapes.fragments,
        "smears": shapes.smears,
    }
    shape = shapes.content(layout, rng, sharpness[kind]) if kind in sharpness else drawn[kind](layout, rng)
    parts = [Part(rng.uniform(0.6, 0.97), shape)]
    if rng.random() < 0.4:
        trace = shapes.columns(layout, rng, opts) if rng.random() < 0.5 else shapes.line(layout, rng, opts)
        parts.append(_trace(trace, rng))
    return _mixed(parts, layout, rng, opts)


def _trace(shape: Float64Array, rng: np.random.Generator) -> Part:
    """A part that does not count: faint everywhere, or strong in fewer rows than the guideline asks for."""
    if rng.random() < 0.4:
        return Part(rng.uniform(0, 0.05), shape)
    return Part(rng.uniform(0.2, 0.9), shape, coverage=rng.uniform(0.08, 0.38))
