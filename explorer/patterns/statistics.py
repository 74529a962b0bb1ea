"""What an attention map says in numbers: how spread out, how far, and how much of it goes where. No torch here.

After Clark et al. 2019 (arXiv:1906.04341, section 3). Every row is first divided by its sum, norm-weighted maps too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from explorer.arrays import BoolArray, Float64Array, Int64Array
from explorer.errors import BadRequest
from explorer.glue.tokens import Tokens

STATISTICS = ("entropy", "distance", "cls", "sep", "punctuation", "self", "previous", "next", "other")
"""In the order of the last axis of every array of statistics.

entropy: of a row, in nats: 0 where one token gets all, log T where all get the same.
distance: |i - j| in tokens, weighted by attention.
cls, sep, punctuation, self, previous, next: share of a row's attention, 0 to 1. They overlap ([CLS] looks at itself),
so they do not sum to 1; the first row has no previous and the last no next token, which counts as 0.
other: share of a row's attention that goes to tokens of the other sentence, from rows that are neither [CLS]
nor [SEP] and to columns that are neither; nan for a single sentence.
"""


def statistics(maps: ArrayLike, tokens: Tokens) -> Float64Array:
    """Computes the statistics (..., 9) of maps (..., T, T) of one example: each the mean over rows, in the order of
    STATISTICS.

    Rows that are all zero or hold nan or inf are left out; a map without any other row is nan throughout (the
    norm-weighted map of a head that is off). Raises BadRequest where T is not the number of tokens.
    """
    from scipy.special import entr

    values = np.asarray(maps, np.float64)
    if values.ndim < 2 or values.shape[-2:] != (len(tokens), len(tokens)):
        raise BadRequest(f"A map of shape {values.shape[-2:]} does not go with {len(tokens)} tokens.")
    with np.errstate(over="ignore", invalid="ignore"):
        sums = values.sum(-1)  # (..., T)
    usable = np.isfinite(sums) & (sums > 0)
    rows = np.zeros_like(values)
    np.divide(values, sums[..., None], out=rows, where=usable[..., None])
    roles = np.array(tokens.roles)
    position = np.arange(len(tokens))
    content = ~np.isin(roles, ("cls", "sep"))
    across = content[:, None] & content & (tokens.segments[:, None] != tokens.segments)  # (T, T)
    by_row = np.stack(
        [
            entr(rows).sum(-1),
            (rows * np.abs(position[:, None] - position)).sum(-1),
            *(rows[..., roles == role].sum(-1) for role in ("cls", "sep", "punctuation")),
            *((rows * np.eye(len(tokens), k=k)).sum(-1) for k in (0, -1, 1)),
        ],
        axis=-1,
    )  # (..., T, 8)
    common = _mean(by_row, usable[..., None], axis=-2)
    other = _mean((rows * across).sum(-1), usable & across.any(1), axis=-1)
    return np.concatenate([common, other[..., None]], axis=-1)


@dataclass(frozen=True, eq=False)
class OverSentences:
    """Mean, spread and count of a statistic over sentences; arrays of one shape."""

    mean: Float64Array
    """nan where no sentence has a value."""
    sd: Float64Array
    """Sample standard deviation, with n - 1; nan where fewer than two sentences have a value."""
    n: Int64Array
    """Sentences that have a value."""


def over_sentences(values: ArrayLike) -> OverSentences:
    """Summarises (n, ...) as mean, sample sd and count (...) over the first axis, nan left out."""
    array = np.asarray(values, np.float64)
    known = ~np.isnan(array)
    mean = _mean(array, known, axis=0)
    n = known.sum(axis=0)
    squares = np.where(known, array - mean, 0.0) ** 2
    sd = np.full_like(mean, np.nan)
    np.sqrt(np.divide(squares.sum(axis=0), n - 1, out=sd, where=n > 1), out=sd)
    return OverSentences(mean, sd, n)


def _mean(values: Float64Array, use: BoolArray, axis: int) -> Float64Array:
    """Averages the values in use; nan where there are none."""
    use = np.broadcast_to(use, values.shape)
    count = use.sum(axis=axis)
    total = np.where(use, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
