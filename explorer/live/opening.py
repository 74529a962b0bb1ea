"""Loads a run's model for its dev set, where the weights are to be."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.engine import Instead
from explorer.errors import BadBundle
from explorer.live.evaluator import Evaluator
from explorer.live.model_on_data import Source, Training
from explorer.live.scoring import full_answer
from explorer.store.bundle import Bundle
from explorer.store.ledger import Ledger
from explorer.store.schema import Key, Run


def opened(source: Source, ledger: Ledger) -> Evaluator:
    """Loads the model, scores the full one and writes its interval down, so that nobody waits for it.

    Raises BadBundle or BadCheckpoint; BadData where means are wanted of training examples that cannot be read.
    """
    run = source.run
    made = Evaluator(load_finetuned(str(Bundle(source.root).checkpoint(run)), source.examples.task), source.examples)
    if isinstance(source.instead, Training):
        made = made.with_means_of(source.instead.sample(source.examples.task))
    elif source.instead is not None:
        made = with_learned(made, Bundle(source.instead.root), source.instead.run)
    made.source = source
    full_answer(made, ledger)
    return made


def with_learned(evaluator: Evaluator, bundle: Bundle, run: Run) -> Evaluator:
    """Makes an evaluator in which a run's learned constants stand in for what is off, as `Evaluator.with_instead`.

    Raises BadBundle where none were learnt, or for other weights than these.
    """
    key = Key(run, "constants")
    artefact = bundle.read(key)
    if artefact.manifest.checkpoint_sha256 != evaluator.checkpoint_sha256:
        raise BadBundle(
            f"The constants of {run.path} were learnt for another model than this.",
            f"Make them again: `{bundle.command_for(key)}`.",
        )
    arrays = {name: np.ascontiguousarray(artefact.arrays[name], np.float32) for name in ("heads", "mlps")}
    learnt = Instead(*(torch.from_numpy(array.copy()) for array in arrays.values()))
    name = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()[:12]
    return evaluator.with_instead(learnt, f"learned constants {name}")
