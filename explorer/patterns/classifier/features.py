"""Hand-made features of an attention map: how much mass its columns, diagonals and squares hold. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from explorer.arrays import BoolArray, Float64Array, FloatArray, Int64Array
from explorer.errors import BadRequest

VISIBLE = 0.25
"""Share of the map's strongest cell from which a cell is seen (GUIDELINE.md)."""
SMALLEST = 3
"""Tokens below which a map has no pattern: [CLS] and [SEP] alone leave nothing to look at."""


@dataclass(frozen=True)
class Features:
    """What a map of T tokens shows, in numbers that hardly depend on T; all finite."""

    log_length: float
    best_column: float
    """Share of rows in which the best column is visible."""
    columns_counted: float
    """Columns visible in most rows and well above the typical column, as a share of T."""
    mass_of_columns: float
    """Share of the map's attention mass in these columns."""
    strongest_column: float
    """Mean of the strongest column; the map's maximum is 1."""
    variance_of_columns: float
    """Share of the cells' variance that column means explain."""
    variance_of_rows: float
    best_diagonal: float
    """Largest share of its length along which the previous, self or next diagonal is visible."""
    best_band: float
    """Largest share for a band: the strongest of the cells up to two beside the line."""
    mass_near_diagonal: float
    """Share of attention mass within three cells, less what a flat map has there."""
    mass_on_diagonal: float
    """Share of attention mass on the best of the three diagonals, less what a flat map has there."""
    variance_of_diagonals: float
    """Share of what columns leave of the variance that the means of offsets explain."""
    fall_off: float
    """How much stronger the best diagonal is than four to six cells beside it, columns taken away."""
    block_contrast: float
    """(inside - outside) / (inside + outside) of two squares at their best border, lines and columns left out."""
    block_variance: float
    """Share of variance that the two squares explain."""
    visible: float
    """Share of cells that are visible."""
    visible_elsewhere: float
    """Share of the visible cells that lie on no counted column and not near the diagonal."""
    mean: float
    row_entropy: float
    """Mean entropy of the rows over log T."""
    symmetry: float
    """Correlation with the transposed map."""


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Features))


def shows_nothing(weights: FloatArray) -> bool:
    """Whether a map is too small for a pattern, or zero everywhere; raises BadRequest on what is no map."""
    array = checked(weights)
    return len(array) < SMALLEST or not array.any()


def checked(weights: FloatArray) -> Float64Array:
    """The map as (T, T) float64; raises BadRequest where it is not square, not finite, or negative anywhere."""
    array = np.asarray(weights, np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise BadRequest(f"A map of shape {array.shape} is not square.", "Give (T, T): row i is what token i reads.")
    if not np.isfinite(array).all() or (array < 0).any():
        raise BadRequest("A map holds numbers that are no attention weights (NaN, infinite or negative).")
    return array


def scaled(weights: FloatArray) -> Float64Array:
    """The map over its strongest cell, (T, T) in [0, 1].

    Raises BadRequest as checked does, and where nothing can be seen: fewer than 3 tokens, or zeros only.
    """
    array = checked(weights)
    if len(array) < SMALLEST:
        raise BadRequest(f"A map of {len(array)} tokens shows no pattern.", "Use a sentence with a word in it.")
    strongest = array.max()
    if strongest <= 0:
        raise BadRequest("A map is zero everywhere: the head is off, or nothing of what it reads comes through.")
    return array / strongest


def features_of(weights: FloatArray) -> Features:
    """Features of one map (T, T); raises BadRequest as scaled does."""
    m = scaled(weights)
    length = len(m)
    seen = m >= VISIBLE
    total = m.sum()
    most = 2 / 3 if length < 12 else 0.5

    seen_by_column = seen.mean(axis=0)
    of_column = m.mean(axis=0)
    counted = (seen_by_column > most) & (of_column >= 1.5 * np.median(of_column))
    i, j = np.mgrid[:length, :length]
    offset = j - i
    near = np.abs(offset) <= min(3, max(1, length // 8))
    off_columns = m - np.median(m, axis=0, keepdims=True)
    lines = {d: np.diagonal(seen & ~counted[None, :], d) for d in (-1, 0, 1)}
    line_shares = {d: _share(line, np.diagonal(np.broadcast_to(~counted, m.shape), d)) for d, line in lines.items()}
    best = max(line_shares, key=lambda d: (line_shares[d], float(np.diagonal(off_columns, d).mean())))
    beside = (np.abs(offset - best) >= 4) & (np.abs(offset - best) <= 6)
    on_line = float(np.diagonal(off_columns, best).mean())
    band = np.stack([_padded_diagonal(m * ~counted, d) for d in range(-2, 3)]).max(axis=0)
    contrast, explained = _squares(m, counted, near)
    p = m / np.maximum(m.sum(axis=1, keepdims=True), 1e-12)
    return Features(
        log_length=float(np.log(length)),
        best_column=float(seen_by_column.max()),
        columns_counted=float(counted.mean()),
        mass_of_columns=float(m[:, counted].sum() / total),
        strongest_column=float(m.mean(axis=0).max()),
        variance_of_columns=_explained(m, m.mean(axis=0, keepdims=True)),
        variance_of_rows=_explained(m, m.mean(axis=1, keepdims=True)),
        best_diagonal=line_shares[best],
        best_band=float((band >= VISIBLE).mean()),
        mass_near_diagonal=float(m[near].sum() / total - near.mean()),
        mass_on_diagonal=float(np.diagonal(m, best).sum() / total - 1 / length),
        variance_of_diagonals=_explained(off_columns, _means_of_offsets(off_columns, offset)),
        fall_off=on_line - float(off_columns[beside].mean()) if beside.any() else on_line,
        block_contrast=contrast,
        block_variance=explained,
        visible=float(seen.mean()),
        visible_elsewhere=float((seen & ~counted[None, :] & ~near).sum() / seen.sum()),
        mean=float(m.mean()),
        row_entropy=float(-(p * np.log(np.maximum(p, 1e-12))).sum(axis=1).mean() / np.log(length)),
        symmetry=_correlation(m.ravel(), m.T.ravel()),
    )


def table(maps: Sequence[FloatArray]) -> Float64Array:
    """(m, len(NAMES)): the features of several maps."""
    return np.array([list(asdict(features_of(weights)).values()) for weights in maps]).reshape(-1, len(NAMES))


def _share(line: BoolArray, of: BoolArray) -> float:
    """Share of a diagonal that is visible, of the part that no counted column crosses."""
    return float(line.sum() / of.sum()) if of.sum() >= 2 else 0.0


def _padded_diagonal(m: Float64Array, offset: int) -> Float64Array:
    """Cell (i, i + offset) of each row i, 0 outside."""
    rows = np.arange(len(m))
    inside = (rows + offset >= 0) & (rows + offset < len(m))
    return np.where(inside, m[rows, np.clip(rows + offset, 0, len(m) - 1)], 0.0)


def _explained(m: Float64Array, fit: Float64Array) -> float:
    """Share of the variance of m that fit explains, 0 where m does not vary."""
    spread = ((m - m.mean()) ** 2).sum()
    return float(1 - ((m - fit) ** 2).sum() / spread) if spread > 1e-12 else 0.0


def _means_of_offsets(m: Float64Array, offset: Int64Array) -> Float64Array:
    """Each cell of the seven central diagonals replaced by its diagonal's mean, the others by theirs together."""
    key = np.where(np.abs(offset) <= 3, offset + 3, 7)
    counts = np.bincount(key.ravel(), minlength=8)
    sums = np.bincount(key.ravel(), weights=m.ravel(), minlength=8)
    return (sums / np.maximum(counts, 1))[key]


def _squares(m: Float64Array, counted: BoolArray, near: BoolArray) -> tuple[float, float]:
    """Contrast and explained variance of two squares at the border where the contrast is largest."""
    length = len(m)
    usable = ~near & ~counted[None, :]
    mass = np.zeros((length + 1, length + 1))
    count = np.zeros((length + 1, length + 1))
    mass[1:, 1:] = (np.minimum(m, 2 * VISIBLE) * usable).cumsum(0).cumsum(1)  # few strong cells are no fill
    count[1:, 1:] = usable.cumsum(0).cumsum(1)
    best = (0.0, 0.0)
    spread = (np.minimum(m, 2 * VISIBLE)[usable]).var() if usable.any() else 0.0
    for border in range(max(2, round(0.2 * length)), min(length - 2, round(0.8 * length)) + 1):
        inside, n_inside = (
            a[border, border] + a[-1, -1] - a[border, -1] - a[-1, border] + a[border, border] for a in (mass, count)
        )
        outside, n_outside = mass[-1, -1] - inside, count[-1, -1] - n_inside
        if min(n_inside, n_outside) < 4:
            continue
        inner, outer = inside / n_inside, outside / n_outside
        contrast = (inner - outer) / max(inner + outer, 1e-12)
        if contrast > best[0]:
            share = n_inside / (n_inside + n_outside)
            best = (contrast, share * (1 - share) * (inner - outer) ** 2 / max(spread, 1e-12))
    return float(best[0]), float(best[1])


def _correlation(x: Float64Array, y: Float64Array) -> float:
    if np.ptp(x) < 1e-9 or np.ptp(y) < 1e-9:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])
