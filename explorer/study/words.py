"""What pages, files and figures call things: tasks as questions, models by name, numbers of seeds, minus signs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from explorer.bert.model_names import MINILM_NAME
from explorer.stats.effects import seeds_words
from explorer.store.paper.importer import MODEL as BERT_BASE

QUESTIONS = {
    "CoLA": "is this sentence grammatical?",
    "SST-2": "is this film review positive?",
    "MRPC": "do these two sentences say the same?",
    "STS-B": "how alike are these two sentences, from 0 to 5?",
    "QQP": "do these two questions ask the same?",
    "MNLI": "does one sentence follow from the other, contradict it, or neither?",
    "QNLI": "does this sentence answer the question?",
    "RTE": "does one text follow from the other?",
    "WNLI": "does the sentence still hold with its pronoun spelt out?",
}
"""Each GLUE task as the question that its examples ask; what stands in its place for any other: `OWN_QUESTION`."""
OWN_QUESTION = "a task of your own data"
seeds = seeds_words
"""Words a number of seeds, '1 seed', '5 seeds', as an effect words what it is over."""
_HYPHEN = re.compile(r"(?<![\w.])-(?=[\d.])")
_NOTHING = re.compile(r"(?<![\w.])[+−](?=0(?:\.0+)?(?!\.?\d))")
_MODELS = {MINILM_NAME: "MiniLM-L6", BERT_BASE: "BERT-base"}


def model_name(model: str) -> str:
    """A bundle's model as people write it."""
    return _MODELS.get(model, model)


def counted(n: float, noun: str) -> str:
    """'1 head', '6 heads', '3.5 heads'."""
    return f"{n:.3g} {noun}" if n == 1 else f"{n:.3g} {noun}s"


def span(numbers: Iterable[int]) -> str:
    """'408', or '408 to 1,043' where they differ."""
    there = sorted(numbers)
    least, most = there[0], there[-1]
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def component_names(shape: tuple[int, int]) -> list[str]:
    """'layer 1, head 1', ..., 'layer 6, MLP': every component in its order, heads row by row, then MLPs; (L, H)."""
    heads = [f"layer {layer + 1}, head {head + 1}" for layer in range(shape[0]) for head in range(shape[1])]
    return heads + [f"layer {layer + 1}, MLP" for layer in range(shape[0])]


def share_sd(value: float) -> str:
    """A standard deviation of shares in whole percent, as the shares are: '3%', 'under 1%'."""
    return "under 1%" if 0 < value < 0.005 else f"{value:.0%}"


def minus(text: str) -> str:
    """The text with the sign that negative numbers have in print, and none before what rounds to nothing.

    Hyphens within words stay.
    """
    return _NOTHING.sub("", _HYPHEN.sub("−", text))


def with_interval(value: float, low: float, high: float, style: str = ".3f", *, without: str = "undefined") -> str:
    """'0.812 [0.774, 0.848]', '−3% [−5%, −1%]': a value with its interval, in a format of Python's.

    An interval with an end that is nan is left out; in the place of a value that is nan stands `without`.
    """
    if math.isnan(value):
        return without
    ends = "" if math.isnan(low) or math.isnan(high) else f" [{low:{style}}, {high:{style}}]"
    return minus(f"{value:{style}}{ends}")


def p_words(p: float) -> str:
    """Words a p-value to three decimals."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
