"""Loads a run's model for its dev set, where the weights are to be."""

from __future__ import annotations

from explorer.bert.checkpoints import load_finetuned
from explorer.live.evaluator import Evaluator
from explorer.live.model_on_data import Source
from explorer.live.scoring import full_answer
from explorer.store.bundle import Bundle
from explorer.store.ledger import Ledger


def opened(source: Source, ledger: Ledger) -> Evaluator:
    """Loads the model, scores the full one and writes its interval down, so that nobody waits for it.

    Raises BadBundle or BadCheckpoint; BadData where means are wanted of training examples that cannot be read.
    """
    run = source.run
    made = Evaluator(load_finetuned(str(Bundle(source.root).checkpoint(run)), source.examples.task), source.examples)
    if source.means is not None:
        made = made.with_means_of(source.means.sample(source.examples.task))
    made.source = source
    full_answer(made, ledger)
    return made
