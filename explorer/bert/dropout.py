"""Dropout whose draws are named: by seed, step and place, so that nothing left out elsewhere changes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_LEVELS = 2**16
"""Sixteen random bits decide on one element: a fourth of the draws, and a share within 8e-6 of what was asked."""


@dataclass(frozen=True)
class Draws:
    """The dropout of one training step: seed, step and place fix the draws, on one kind of device."""

    seed: int
    step: int

    def keep(self, place: int, shape: tuple[int, ...], share: float, like: Tensor) -> Tensor:
        """Draws factors to multiply with: 0 for about that share of the elements, else what leaves the mean as it was.

        like: gives dtype and device.
        """
        if share >= 1:
            return like.new_zeros(shape)
        names = np.random.SeedSequence((self.seed, self.step, place))
        if like.device.type != "cpu":
            generator = torch.Generator(like.device).manual_seed(int(names.generate_state(1, np.uint64)[0] >> 1))
            return like.new_empty(shape).bernoulli_(1 - share, generator=generator).div_(1 - share)
        size, limit = int(np.prod(shape)), round(share * _LEVELS)
        bits = np.random.SFC64(names).random_raw(-(-size // 4)).view(np.uint16)[:size]
        scale = np.float32(1 / (1 - limit / _LEVELS))
        kept = np.multiply(bits >= limit, scale, dtype=np.float32).reshape(shape)
        return torch.from_numpy(kept).to(like.dtype)
