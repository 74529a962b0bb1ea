"""Tool label-maps: draws maps of real heads, evenly over heads, for people to label by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from explorer.bert.attention import attention_maps
from explorer.bert.checkpoints import Classifier, load_finetuned, load_pretrained
from explorer.bert.engine import Engine
from explorer.bert.maps import AttentionMaps
from explorer.bert.model_names import MINILM
from explorer.errors import BadRequest
from explorer.glue.diagnostics import DIAGNOSTICS, sentences_of_stored_maps
from explorer.glue.encoding import Encoded, encode
from explorer.glue.tasks import TASKS, task_named
from explorer.glue.tokens import tokens_of
from explorer.mask import Mask
from explorer.patterns.classifier.labelled_maps import PRETRAINED, DrawnMap
from explorer.store.bundle import Bundle
from explorer.store.schema import Run

MAP_KINDS = ("raw", "norm")
LENGTHS = (10, 48)
"""Tokens: shorter maps show no pattern, longer ones are slow to look at."""


@dataclass(frozen=True)
class Source:
    """A model whose heads are drawn, and the project's own sentences that it reads."""

    task: str
    """'pretrained' or a GLUE task."""
    seed: int
    classifier: Classifier
    sentences: Mapping[str, Encoded]
    """Diagnostic -> encoded sentences."""


def sources_of(bundle: Bundle, runs: Sequence[Run], model: str = MINILM) -> list[Source]:
    """Loads the pre-trained model on all sentences, and each run's on single sentences or on pairs, as its task has
    them.
    """
    base = load_pretrained(model, TASKS["MRPC"], 0)  # its classifier is not looked at
    sources = [Source(PRETRAINED, -1, base, _sentences(base, (False, True)))]
    for run in runs:
        task = task_named(run.task)
        classifier = load_finetuned(str(bundle.checkpoint(run)), task)
        sources.append(Source(task.name, run.seed, classifier, _sentences(classifier, (task.is_pair,))))
    return sources


def _sentences(classifier: Classifier, pair: Sequence[bool]) -> dict[str, Encoded]:
    probed = {name: TASKS[diagnostic.probes] for name, diagnostic in DIAGNOSTICS.items()}
    return {
        name: encode(sentences_of_stored_maps(task), classifier.tokenizer)
        for name, task in probed.items()
        if task.is_pair in pair
    }


def draw_maps(sources: Sequence[Source], per_head: int, seed: int) -> list[DrawnMap]:
    """Draws per_head maps of every head, half of all raw, sources in turn, sentences at random; in random order.

    Raises BadRequest unless all sources are of one architecture and per_head is 1 or more.
    """
    shapes = {(source.classifier.n_layers, source.classifier.n_heads) for source in sources}
    if len(shapes) != 1 or per_head < 1:
        raise BadRequest("Maps are drawn from models of one architecture, one or more of each head.")
    rng = np.random.default_rng(seed)
    wanted = [(*place, turn) for turn, place in enumerate(np.repeat(list(np.ndindex(*shapes.pop())), per_head, axis=0))]
    drawn = list(_draw(sources, wanted, per_head, rng))
    order = rng.permutation(len(drawn))
    return [replace(drawn[i], id=f"m{number:03d}") for number, i in enumerate(order)]


def _draw(
    sources: Sequence[Source], wanted: Sequence[tuple[int, int, int]], per_head: int, rng: np.random.Generator
) -> Iterator[DrawnMap]:
    engines = [Engine(source.classifier) for source in sources]
    full = Mask.full(engines[0].n_layers, engines[0].n_heads)
    for layer, head, number in tqdm(wanted, desc="draw maps", unit="map"):
        turn = number // per_head + number % per_head  # heads start at different sources and kinds
        source, engine, kind = (
            sources[turn % len(sources)],
            engines[turn % len(sources)],
            MAP_KINDS[turn % len(MAP_KINDS)],
        )
        sentence_set = str(rng.choice(list(source.sentences)))
        lengths = source.sentences[sentence_set].lengths
        index = int(rng.choice(np.flatnonzero((lengths >= LENGTHS[0]) & (lengths <= LENGTHS[1]))))
        one = source.sentences[sentence_set].subset(np.array([index]))
        (maps,) = attention_maps(engine, one, full)
        yield drawn_map(source, sentence_set, index, (int(layer), int(head)), kind, maps)


def drawn_map(
    source: Source, sentence_set: str, index: int, place: tuple[int, int], kind: str, maps: AttentionMaps
) -> DrawnMap:
    """Picks one head of `maps`, which a source made of a sentence; place: (layer, head). Its id is yet to come."""
    one = source.sentences[sentence_set].subset(np.array([index]))
    return DrawnMap(
        id="",
        kind=kind,
        model=source.classifier.name,
        task=source.task,
        seed=source.seed,
        checkpoint=source.classifier.sha256[:12],
        layer=place[0],
        head=place[1],
        sentence_set=sentence_set,
        index=index,
        tokens=tokens_of(source.classifier.tokenizer, *one.example(0)),
        weights=(maps.raw if kind == "raw" else maps.norm_weighted)[place],
    )
