"""More maps for the rarest class: of the heads that show blocks at all, those where two squares stand out most.

Blocks are so rare in MiniLM that maps drawn evenly over heads hold next to none. These maps are chosen by a feature
and are no fair sample: they train the classifier and test it on blocks, and are never counted with the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from explorer.bert.attention import attention_maps
from explorer.bert.engine import Engine
from explorer.mask import Mask
from explorer.patterns.classifier.features import features_of
from explorer.patterns.classifier.labelled_maps import DrawnMap
from precompute.patterns.label_maps import Source, drawn_map

HEADS = ((2, 3), (2, 10), (3, 2), (3, 8), (3, 9))
"""(layer, head) of MiniLM whose norm-weighted maps of pairs have the largest block contrast."""
SENTENCES = 48
"""Pairs looked at for each head and model."""
BEST_SHARE = 0.25
"""Share of the maps looked at, those of largest block contrast, from which maps are drawn."""


def draw_block_maps(sources: Sequence[Source], per_head: int, seed: int) -> list[DrawnMap]:
    """per_head norm-weighted maps of pairs for each of HEADS, in random order; ids 'b00' onwards."""
    rng = np.random.default_rng(seed)
    looked_at: dict[tuple[int, int], list[DrawnMap]] = {head: [] for head in HEADS}
    for source in sources:
        for one in _maps_of(source, rng):
            looked_at[one.layer, one.head].append(one)
    chosen: list[DrawnMap] = []
    for maps in looked_at.values():
        maps.sort(key=lambda one: -features_of(one.weights).block_contrast)
        best = maps[: max(per_head, int(BEST_SHARE * len(maps)))]
        chosen += [best[k] for k in rng.choice(len(best), size=per_head, replace=False)]
    order = rng.permutation(len(chosen))
    return [DrawnMap(**{**vars(chosen[k]), "id": f"b{number:02d}"}) for number, k in enumerate(order)]


def _maps_of(source: Source, rng: np.random.Generator) -> list[DrawnMap]:
    engine = Engine(source.classifier)
    full = Mask.full(source.classifier.n_layers, source.classifier.n_heads)
    out = []
    for _ in tqdm(range(SENTENCES), desc=f"blocks, {source.task}", unit="pair"):
        pairs = [name for name, encoded in source.sentences.items() if (encoded.token_types == 1).any()]
        name = str(rng.choice(pairs))
        index = int(rng.integers(len(source.sentences[name])))
        one = source.sentences[name].subset(np.array([index]))
        (maps,) = attention_maps(engine, one, full)
        out += [drawn_map(source, name, index, place, "norm", maps) for place in HEADS]
    return out
