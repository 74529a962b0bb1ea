"""What pages call things: tasks as questions, models by name, verdicts with their colours."""

from __future__ import annotations

from explorer.bert.model_names import MINILM_NAME
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
"""Each GLUE task as the question that its examples ask."""
_MODELS = {MINILM_NAME: "MiniLM-L6", BERT_BASE: "BERT-base"}


def model_name(model: str) -> str:
    """A bundle's model as people write it."""
    return _MODELS.get(model, model)


def seeds(n: int) -> str:
    """'1 seed', '5 seeds'."""
    return f"{n} seed" if n == 1 else f"{n} seeds"


def one_line(values: tuple[float, float], style: str) -> str:
    """An interval: '90% to 95%' for style '.0%'."""
    return f"{values[0]:{style}} to {values[1]:{style}}"
