"""A small CNN over the picture of an attention map, whatever its size (as Prasanna et al. 2020 have one).

The map is brought to one grid by averaging, as an eye sees a picture at one size, and where the diagonal runs is a
picture of its own: at one grid, a line of one token is wide in a short map and thin in a long one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.arrays import Float32Array, Float64Array, FloatArray
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.features import VISIBLE, scaled

GRID = 32
"""Cells to a side of the picture that the network sees."""
N_CHANNELS = 6
AT_ONCE = 256
"""Maps in one forward pass."""
SOFT = 0.04
"""Part of the scale over which a cell goes from unseen to seen."""


def picture(weights: FloatArray) -> Float32Array:
    """Draws a map (T, T), T >= 3, as (N_CHANNELS, GRID, GRID); raises BadRequest as features.scaled does.

    Channels: the map over its strongest cell; its square root, which lifts what is faint; whether a cell is
    visible (the guideline's quarter, softened); nearness to the diagonal in tokens; offset over T; each row
    over its strongest cell (as maxima, so that a thin line stays).
    """
    m = scaled(weights)
    length = len(m)
    i, j = np.mgrid[:length, :length]
    rows = m / np.maximum(m.max(axis=1, keepdims=True), 1e-9)
    visible = 1 / (1 + np.exp(-(m - VISIBLE) / SOFT))
    seen = np.stack([m, np.sqrt(m), visible, np.exp(-np.abs(j - i) / 1.5), (j - i) / length])
    averaged = functional.adaptive_avg_pool2d(torch.from_numpy(seen.astype(np.float32)), GRID)
    strongest = functional.adaptive_max_pool2d(torch.from_numpy(rows.astype(np.float32))[None], GRID)
    return torch.cat([averaged, strongest]).numpy()


def pictures(maps: Sequence[FloatArray]) -> Tensor:
    """Draws m maps as (m, N_CHANNELS, GRID, GRID)."""
    if not len(maps):
        return torch.zeros(0, N_CHANNELS, GRID, GRID)
    return torch.from_numpy(np.stack([picture(weights) for weights in maps]))


class PatternNetwork(nn.Module):
    """Three convolutions; what they find is read over all places, along columns and along diagonals."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(N_CHANNELS, width, 5, padding=2)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.third = nn.Conv2d(2 * width, 3 * width, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width * k) for k in (1, 2, 3)])
        self.hidden = nn.Linear((2 * 3 + 3 + 3 * 2) * width, 2 * width)
        self.out = nn.Linear(2 * width, len(CLASSES))
        self.dropout = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """(m, N_CHANNELS, GRID, GRID) -> logits (m, 5)."""
        fine = functional.relu(self.norms[0](self.first(x)))  # (m, width, 32, 32)
        coarse = functional.relu(self.norms[1](self.second(functional.max_pool2d(fine, 2))))  # (m, 2 width, 16, 16)
        last = functional.relu(self.norms[2](self.third(functional.max_pool2d(coarse, 2))))  # (m, 3 width, 8, 8)
        found = [last.mean(dim=(2, 3)), last.amax(dim=(2, 3)), *_lines(fine, 6), *_lines(coarse, 3)]
        hidden = functional.relu(self.hidden(self.dropout(torch.cat(found, dim=1))))
        logits: Tensor = self.out(self.dropout(hidden))
        return logits


@torch.inference_mode()
def logits_of(network: PatternNetwork, maps: Sequence[FloatArray]) -> Float64Array:
    """Returns logits (m, 5): means over each map and the map rotated 180 degrees, which keeps every class.

    The network must be in eval mode.
    """
    out = np.zeros((len(maps), len(CLASSES)))
    for start in range(0, len(maps), AT_ONCE):
        part = maps[start : start + AT_ONCE]
        looks = (part, [weights[::-1, ::-1] for weights in part])
        out[start : start + len(part)] = np.mean([network(pictures(look)).double().numpy() for look in looks], axis=0)
    return out


def _lines(x: Tensor, reach: int) -> tuple[Tensor, Tensor, Tensor]:
    """(m, c, n, n) -> three of (m, c): the strongest column's mean, the second's, the strongest diagonal's.

    Diagonals up to reach cells from the main one; a column or line counts by how much of its length it fills.
    """
    strongest = x.mean(dim=2).topk(2, dim=2).values
    diagonals = torch.stack([x.diagonal(d, dim1=2, dim2=3).mean(dim=2) for d in range(-reach, reach + 1)])
    return strongest[..., 0], strongest[..., 1], diagonals.amax(dim=0)
