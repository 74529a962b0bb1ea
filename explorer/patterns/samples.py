"""All maps of a few of the project's own sentences, small enough to ship, so that an atlas opens without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.arrays import AnyArray, Float32Array, Int64Array, Uint8Array
from explorer.bert.maps import AttentionMaps
from explorer.errors import BadBundle
from explorer.glue.tokens import Tokens

_LEVELS, _ROOT = 255, 4


@dataclass(frozen=True, eq=False)
class Sample:
    """One example with the maps of every head."""

    texts: tuple[str, ...]
    """One sentence or two, written for this project."""
    tokens: Tokens
    maps: AttentionMaps


def pack_maps(maps: Float32Array) -> tuple[Uint8Array, Float32Array]:
    """Packs maps (..., T, T) into codes of the same shape and the greatest value of each map (...).

    The fourth root is what is rounded to 255 steps: a cell is off by at most 0.8% of its map's greatest value, and a
    cell a thousand times fainter than the greatest still has two digits, which norm-weighting may bring to light.
    """
    greatest = maps.max(axis=(-2, -1))
    share = np.divide(maps, greatest[..., None, None], out=np.zeros_like(maps), where=greatest[..., None, None] > 0)
    return np.rint(share ** (1 / _ROOT) * _LEVELS).astype(np.uint8), greatest.astype(np.float32)


def unpack_maps(codes: Uint8Array, greatest: Float32Array) -> Float32Array:
    """Inverts pack_maps up to its rounding."""
    shares = (codes.astype(np.float32) / _LEVELS) ** _ROOT
    return np.asarray(shares * greatest[..., None, None], np.float32)


def pack_samples(samples: Sequence[Sample]) -> dict[str, AnyArray]:
    """Arrays for an artefact: texts (n, 2), tokens and segments end to end, and the maps as codes and norms."""
    packed = [pack_maps(sample.maps.raw) for sample in samples]
    return {
        "sample_texts": np.array([(*sample.texts, "")[:2] for sample in samples]),
        "sample_lengths": np.array([len(sample.tokens) for sample in samples], np.int16),
        "sample_tokens": np.array([token for sample in samples for token in sample.tokens.texts]),
        "sample_segments": np.concatenate([sample.tokens.segments for sample in samples]).astype(np.int8),
        "sample_codes": np.concatenate([codes.ravel() for codes, _ in packed]),
        "sample_greatest": np.stack([greatest for _, greatest in packed]),  # (n, L, H)
        "sample_norms": np.concatenate([sample.maps.norms.ravel() for sample in samples]).astype(np.float16),
    }


def unpack_samples(arrays: Mapping[str, AnyArray], again: str = "") -> tuple[Sample, ...]:
    """Rebuilds the samples of an artefact's arrays; raises BadBundle where they are not there or not whole.

    again: the command that makes the artefact, for the error.
    """
    try:
        lengths = arrays["sample_lengths"].astype(np.int64)
        greatest = arrays["sample_greatest"]
        heads = greatest.shape[1:]  # (L, H)
        n_heads = int(np.prod(heads))

        def parts(name: str, sizes: Int64Array) -> list[AnyArray]:
            return np.split(arrays[f"sample_{name}"], np.cumsum(sizes)[:-1])

        texts = arrays["sample_texts"].tolist()
        texts_of, segments = parts("tokens", lengths), parts("segments", lengths)
        codes, norms = parts("codes", n_heads * lengths**2), parts("norms", n_heads * lengths)
        samples = []
        for i, length in enumerate(lengths):
            if not len(texts_of[i]) == len(segments[i]) == length:
                raise ValueError("tokens or segments are missing")
            raw = unpack_maps(codes[i].reshape(*heads, length, length), greatest[i])
            maps = AttentionMaps(raw, norms[i].astype(np.float32).reshape(*heads, length))
            tokens = Tokens(tuple(map(str, texts_of[i])), segments[i].astype(np.int64))
            samples.append(Sample(tuple(text for text in texts[i] if text), tokens, maps))
        return tuple(samples)
    except (KeyError, ValueError, IndexError) as error:
        raise BadBundle(
            f"The stored maps of an attention artefact cannot be read ({type(error).__name__}).",
            f"Make it again: `{again}`." if again else "Make that artefact again.",
        ) from None
