"""More maps of the rarer classes to train on: of training heads only, as many of each class as the classifier says.

Maps drawn evenly over heads are mostly vertical. These are chosen by what a classifier says of them and are no fair
sample: they train its successor, and nothing is ever scored on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from explorer.bert.attention import attention_maps
from explorer.bert.engine import Engine
from explorer.mask import Mask
from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.labelled_maps import DrawnMap
from explorer.patterns.classifier.trained import PatternClassifier
from precompute.patterns.label_maps import LENGTHS, MAP_KINDS, Source, drawn_map

SENTENCES = 24
"""Sentences looked at for each model; every head gives one raw and one norm-weighted map of each."""


def draw_rare_maps(
    sources: Sequence[Source],
    heads: Collection[tuple[int, int]],
    classifier: PatternClassifier,
    *,
    per_class: int,
    per_head: int,
    seed: int,
) -> list[DrawnMap]:
    """Up to per_class maps that the classifier puts into each class, at most per_head of a head's in a class, drawn at
    random from these (layer, head); in random order, ids 'r000' onwards."""
    rng = np.random.default_rng(seed)
    looked_at = [one for source in sources for one in _maps_of(source, heads, rng)]
    said = classifier.classify([one.weights for one in looked_at]).argmax(axis=1)
    chosen: list[DrawnMap] = []
    for number in range(len(CLASSES)):
        of_head: Counter[tuple[int, int]] = Counter()
        taken: list[DrawnMap] = []
        for k in rng.permutation(np.flatnonzero(said == number)):
            head = (looked_at[k].layer, looked_at[k].head)
            if len(taken) < per_class and of_head[head] < per_head:
                of_head[head] += 1
                taken.append(looked_at[k])
        chosen += taken
    return [replace(chosen[k], id=f"r{number:03d}") for number, k in enumerate(rng.permutation(len(chosen)))]


def _maps_of(source: Source, heads: Collection[tuple[int, int]], rng: np.random.Generator) -> Iterator[DrawnMap]:
    engine = Engine(source.classifier)
    full = Mask.full(source.classifier.n_layers, source.classifier.n_heads)
    for _ in tqdm(range(SENTENCES), desc=f"rare maps, {source.task}", unit="sentence"):
        name = str(rng.choice(list(source.sentences)))
        lengths = source.sentences[name].lengths
        index = int(rng.choice(np.flatnonzero((lengths >= LENGTHS[0]) & (lengths <= LENGTHS[1]))))
        one = source.sentences[name].subset(np.array([index]))
        (maps,) = attention_maps(engine, one, full)
        for place in sorted(heads):
            for kind in MAP_KINDS:
                yield drawn_map(source, name, index, place, kind, maps)
