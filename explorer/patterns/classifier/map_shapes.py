"""The parts of synthetic attention maps: columns, a diagonal, squares, scatter, smears, fragments, weaves.

Each function gives weights (T, T) with rows that sum to 1; generator.py mixes them into a class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.arrays import Float64Array
from explorer.errors import BadRequest


@dataclass(frozen=True)
class GeneratorOptions:
    """Ranges from which each map is drawn; a pair (low, high) is inclusive."""

    length: tuple[int, int] = (8, 128)
    """T, tokens with [CLS] and [SEP]; drawn evenly on a logarithmic scale."""
    pair_share: float = 0.7
    """Share of inputs that are two sentences; a block map always is."""
    offsets: tuple[int, ...] = (-1, 0, 1)
    """Diagonals beside the main one: -1 the previous token, +1 the next."""
    width: tuple[float, float] = (0.2, 2.2)
    """How far a diagonal spreads, in tokens to each side."""
    tilt: float = 0.03
    """Largest departure of a diagonal's slope from 1."""
    n_columns: tuple[int, int] = (1, 8)
    gap_share: float = 0.25
    """Largest share of rows in which a column or diagonal is interrupted."""
    noise: float = 0.5
    """Standard deviation of the log-normal speckle on every cell."""

    def __post_init__(self) -> None:
        if not 4 <= self.length[0] <= self.length[1]:
            raise BadRequest(f"Lengths from {self.length[0]} to {self.length[1]} make no maps.", "Start at 4 or more.")
        if not 0 <= self.pair_share <= 1 or not 0 <= self.gap_share < 0.5 or self.noise < 0:
            raise BadRequest("pair_share lies in [0, 1], gap_share in [0, 0.5), and noise is not negative.")


@dataclass(frozen=True)
class Layout:
    """Where the special tokens of an input stand."""

    length: int
    separators: tuple[int, ...]
    """Columns of [SEP]: one, or two for a pair; the last is length - 1."""
    punctuation: tuple[int, ...]

    @property
    def is_pair(self) -> bool:
        """Whether there are two sentences."""
        return len(self.separators) == 2

    @property
    def sentences(self) -> tuple[slice, ...]:
        """The tokens of each sentence, its [SEP] included; [CLS] goes with the first."""
        first = self.separators[0] + 1
        return (slice(0, first), slice(first, self.length)) if self.is_pair else (slice(0, self.length),)


def rows_to_one(parts: Float64Array) -> Float64Array:
    """Each row divided by its sum; a row of zeros becomes flat."""
    sums = parts.sum(axis=1, keepdims=True)
    flat = np.full_like(parts, 1 / parts.shape[1])
    return np.where(sums > 1e-12, parts / np.where(sums > 1e-12, sums, 1), flat)


def flat(layout: Layout) -> Float64Array:
    """Spreads attention evenly over all tokens: every cell 1 / T."""
    return np.full((layout.length, layout.length), 1 / layout.length)


def columns(layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    """Upright stripes, mostly at [CLS], [SEP] and punctuation; a stripe may be stronger in one sentence."""
    length = layout.length
    most = max(1, min(opts.n_columns[1], length // 4))
    few = most if rng.random() < 0.3 else min(3, most)
    n = int(rng.integers(min(opts.n_columns[0], few), few + 1))
    special = [0, *layout.separators, *layout.punctuation]
    odds = np.full(length, (0.15 if n <= 3 else 3.0) / length)
    odds[special] += rng.choice([0.3, 1.0, 2.0], size=len(special))
    odds[0] += rng.choice([0.0, 3.0])  # most heads of small models rest on [CLS]
    chosen = rng.choice(length, size=n, replace=False, p=odds / odds.sum())
    out = np.zeros((length, length))
    out[:, chosen] = rng.dirichlet(np.full(n, 2.0))
    if layout.is_pair and n > 1 and rng.random() < 0.4:  # each sentence prefers its own columns
        for sentence in layout.sentences:
            own = np.isin(chosen, np.arange(length)[sentence])
            out[np.ix_(np.arange(length)[sentence], chosen[~own])] *= rng.uniform(0.1, 0.7)
    return rows_to_one(out)


def line(layout: Layout, rng: np.random.Generator, opts: GeneratorOptions) -> Float64Array:
    """A diagonal: one offset or two, sharp or wide, falling off evenly or to one side only."""
    length = layout.length
    i, j = np.mgrid[:length, :length]
    n_lines = 2 if rng.random() < 0.2 else 1
    width = rng.uniform(*opts.width) if rng.random() < 0.6 else opts.width[0]
    width = min(width, max(opts.width[0], length / 10))
    slope = 1 + rng.uniform(-opts.tilt, opts.tilt) * (rng.random() < 0.3)
    left, right = rng.choice([1.0, 1.0, 0.3], size=2)  # one-sided: only what came before, only what follows
    out = np.zeros((length, length))
    for offset in rng.choice(opts.offsets, size=min(n_lines, len(opts.offsets)), replace=False):
        away = j - (length / 2 + (i - length / 2) * slope + offset)
        out += np.exp(-np.abs(away) / (width * np.where(away < 0, left, right))) * rng.uniform(0.6, 1)
    if rng.random() < 0.5:  # patchy: some neighbours matter more than others
        out *= rng.lognormal(0, rng.uniform(0.3, 1.0), out.shape)
    if layout.is_pair and rng.random() < 0.4:  # a band that ends where its sentence ends
        first, second = layout.sentences
        out[first, second] = out[second, first] = 0
    if rng.random() < 0.5:  # special tokens do not look at their neighbours
        out[[0, *layout.separators]] = 1 / length
    return rows_to_one(out)


def squares(layout: Layout, rng: np.random.Generator) -> Float64Array:
    """Each sentence within itself, flat or speckled, some of its columns stronger."""
    out = np.zeros((layout.length, layout.length))
    for sentence in layout.sentences:
        out[sentence, sentence] = 1.0
    out *= rng.lognormal(0, rng.uniform(0.05, 1.1), out.shape)
    out *= rng.lognormal(0, rng.uniform(0.0, 0.8), layout.length)
    return rows_to_one(out)


def content(layout: Layout, rng: np.random.Generator, sharpness: float) -> Float64Array:
    """Scattered attention: softmax of low-rank similarities and free noise, as sharp as asked."""
    length, rank = layout.length, int(rng.integers(2, 12))
    similarity = rng.normal(size=(length, rank)) @ rng.normal(size=(rank, length)) / np.sqrt(rank)
    mix = rng.uniform(0.3, 1)
    logits = sharpness * (mix * similarity + (1 - mix) * rng.normal(size=(length, length)))
    return rows_to_one(np.exp(logits - logits.max(axis=1, keepdims=True)))


def across(layout: Layout, rng: np.random.Generator) -> Float64Array:
    """Each sentence of a pair looks at the other one: its squares, or the same word in the other sentence."""
    length = layout.length
    out = np.full((length, length), 0.05 / length)
    if not layout.is_pair:
        return content(layout, rng, 2.0)
    first, second = layout.sentences
    if rng.random() < 0.5:
        out[first, second] = out[second, first] = 1 / length
    else:
        shift = first.stop
        rows = np.arange(min(shift, length - shift))
        rows = rows[rng.random(len(rows)) < rng.uniform(0.5, 1)]
        out[rows, rows + shift] = out[rows + shift, rows] = 1
    return rows_to_one(out * rng.lognormal(0, 0.7, out.shape))


def smears(layout: Layout, rng: np.random.Generator) -> Float64Array:
    """A few soft clouds anywhere."""
    length = layout.length
    i, j = np.mgrid[:length, :length] / length
    out = np.full((length, length), 0.05 / length)
    for _ in range(rng.integers(2, 6)):
        (top, left), (high, wide) = rng.uniform(0, 1, 2), rng.uniform(0.06, 0.25, 2)
        out += rng.uniform(0.3, 1) * np.exp(-(((i - top) / high) ** 2) - ((j - left) / wide) ** 2)
    return rows_to_one(out * rng.lognormal(0, 0.7, out.shape))


def fragments(layout: Layout, rng: np.random.Generator) -> Float64Array:
    """Short pieces of columns and lines, each in at most a third of the rows."""
    length = layout.length
    out = np.full((length, length), 0.3 / length)
    longest = max(2, length // 3)
    for _ in range(rng.integers(2, 7)):
        run = int(rng.integers(2, longest + 1))
        top, left = (int(x) for x in rng.integers(0, length - run + 1, 2))
        rows = np.arange(run)
        out[top + rows, left + (0 if rng.random() < 0.5 else rows)] += 1
    return rows_to_one(out)


def weave(layout: Layout, rng: np.random.Generator) -> Float64Array:
    """Kinds of tokens look at kinds of tokens: columns that come and go from row to row."""
    kinds = int(rng.integers(2, 5))
    of_row, of_column = rng.integers(kinds, size=(2, layout.length))
    taste = rng.dirichlet(np.full(kinds, 0.4), size=kinds) + 0.02
    out = taste[of_row][:, of_column] * rng.lognormal(0, 0.5, (layout.length, layout.length))
    return rows_to_one(out * rng.lognormal(0, 0.5, layout.length))
