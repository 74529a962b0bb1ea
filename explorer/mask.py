"""A mask: which heads and which MLPs of a BERT are kept, and its code in files, URLs and on the command line."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from explorer.arrays import BoolArray
from explorer.errors import BadMask

_CODE = re.compile("[A-Za-z0-9_-]*")


def _as_bool(values: ArrayLike, name: str, ndim: int) -> BoolArray:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        raise BadMask(f"{name} has rows of different lengths.", "Heads are (L, H), MLPs are (L,).") from None
    if array.ndim != ndim:
        raise BadMask(f"{name} has {array.ndim} dimensions, not {ndim}.", "Heads are (L, H), MLPs are (L,).")
    if array.dtype != np.bool_:
        if array.dtype.kind not in "iuf" or not np.isin(array, (0, 1)).all():
            raise BadMask(f"{name} holds values other than 0 and 1.", "Use 1 for kept and 0 for pruned.")
        array = array == 1
    frozen = np.array(array, dtype=np.bool_)
    frozen.setflags(write=False)
    return frozen


@dataclass(frozen=True, eq=False)
class Mask:
    """Which heads (L, H) and MLPs (L,) are kept: True = kept. Read-only; compares and hashes by value.

    >>> mask = Mask.full(6, 12).with_head(0, 3, False)
    >>> mask.heads_kept, mask.mlps_kept
    (71, 6)
    >>> Mask.from_code(mask.code, 6, 12) == mask
    True
    """

    heads: BoolArray
    mlps: BoolArray

    def __post_init__(self) -> None:
        heads = _as_bool(self.heads, "The head mask", 2)
        mlps = _as_bool(self.mlps, "The MLP mask", 1)
        if heads.shape[0] != mlps.shape[0] or heads.size == 0:
            raise BadMask(
                f"A head mask of shape {heads.shape} does not go with an MLP mask of shape {mlps.shape}.",
                "Both need one row per layer.",
            )
        object.__setattr__(self, "heads", heads)
        object.__setattr__(self, "mlps", mlps)

    @classmethod
    def full(cls, n_layers: int, n_heads: int) -> Mask:
        """Makes the mask that keeps everything."""
        return cls(np.ones((n_layers, n_heads), np.bool_), np.ones(n_layers, np.bool_))

    @classmethod
    def from_code(cls, code: str, n_layers: int, n_heads: int) -> Mask:
        """Reads a code for a model of that shape; raises BadMask on any other string."""
        n_bits = n_layers * n_heads + n_layers
        n_characters = -(-((n_bits + 7) // 8) * 4 // 3)
        if not _CODE.fullmatch(code):
            raise BadMask(f"{code[:60]!r} is not a mask code.", "A code is made of letters, digits, '-' and '_'.")
        bits = np.zeros(0, np.bool_)
        if len(code) == n_characters:
            raw = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
            bits = np.unpackbits(np.frombuffer(raw, np.uint8)).astype(np.bool_)
        if not len(bits) or bits[n_bits:].any():
            raise BadMask(
                f"The mask code {code[:60]!r} is not one for {n_layers} layers x {n_heads} heads.",
                f"Such a code has {n_characters} characters; is it a mask for another model?",
            )
        mask = cls(bits[: n_layers * n_heads].reshape(n_layers, n_heads), bits[n_layers * n_heads : n_bits])
        if mask.code != code:  # stray bits in the last character: two spellings of one mask would be two keys
            raise BadMask(f"{code[:60]!r} is not a mask code.", f"Did you mean {mask.code!r}?")
        return mask

    @property
    def code(self) -> str:
        """Bits of the heads row by row (layer 0 first), then of the MLPs, 1 = kept, in numpy.packbits
        order, as base64url without padding. The same everywhere, for good."""
        bits = np.concatenate([self.heads.ravel(), self.mlps])
        return base64.urlsafe_b64encode(np.packbits(bits).tobytes()).rstrip(b"=").decode("ascii")

    @property
    def n_layers(self) -> int:
        """Number of layers, L."""
        return int(self.heads.shape[0])

    @property
    def n_heads(self) -> int:
        """Number of heads in one layer, H."""
        return int(self.heads.shape[1])

    @property
    def heads_kept(self) -> int:
        """How many heads are kept in all layers together."""
        return int(self.heads.sum())

    @property
    def mlps_kept(self) -> int:
        """How many MLPs are kept."""
        return int(self.mlps.sum())

    @property
    def is_full(self) -> bool:
        """Whether nothing is pruned."""
        return bool(self.heads.all() and self.mlps.all())

    def check_fits(self, n_layers: int, n_heads: int) -> None:
        """Raises BadMask unless the mask has the shape of a model of n_layers x n_heads."""
        if self.heads.shape != (n_layers, n_heads):
            raise BadMask(
                f"A mask of {self.n_layers} layers x {self.n_heads} heads does not fit a model of "
                f"{n_layers} layers x {n_heads} heads.",
                "Is it a mask for another model?",
            )

    def within(self, whole: Mask) -> Mask:
        """Returns what both keep; `whole`: what the model has. Raises BadMask where the shapes differ."""
        self.check_fits(whole.n_layers, whole.n_heads)
        return Mask(self.heads & whole.heads, self.mlps & whole.mlps)

    def with_head(self, layer: int, head: int, kept: bool) -> Mask:
        """Returns a copy in which one head is kept or pruned."""
        heads = self.heads.copy()
        heads[layer, head] = kept
        return Mask(heads, self.mlps)

    def with_mlp(self, layer: int, kept: bool) -> Mask:
        """Returns a copy in which one MLP is kept or pruned."""
        mlps = self.mlps.copy()
        mlps[layer] = kept
        return Mask(self.heads, mlps)

    def with_layer(self, layer: int, kept: bool) -> Mask:
        """Returns a copy in which one layer, its heads and its MLP, is kept or pruned."""
        heads, mlps = self.heads.copy(), self.mlps.copy()
        heads[layer], mlps[layer] = kept, kept
        return Mask(heads, mlps)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return np.array_equal(self.heads, other.heads) and np.array_equal(self.mlps, other.mlps)

    def __hash__(self) -> int:
        return hash((self.heads.shape, self.code))

    def __repr__(self) -> str:
        return f"Mask({self.code!r}, {self.heads_kept}/{self.heads.size} heads, {self.mlps_kept}/{self.mlps.size} MLPs)"


def without_heads(n_layers: int, n_heads: int, gone: Iterable[Sequence[int]]) -> Mask:
    """Makes the mask that keeps everything but some heads; gone: layer and head of each, from 0.

    >>> without_heads(6, 12, [(0, 3)]).heads_kept
    71
    """
    heads = np.ones((n_layers, n_heads), np.bool_)
    for layer, head in gone:
        heads[layer, head] = False
    return Mask(heads, np.ones(n_layers, np.bool_))
