"""What the lab and the game say of a checkpoint: how its outputs became classes, what is odd, and a doubt."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.bert.class_order import class_order
from explorer.glue.tasks import TASKS
from explorer.store.schema import Run
from explorer.ui.scoring.checkpoint_words import sentences

MRPC = TASKS["MRPC"]


@pytest.mark.parametrize(
    ("classes", "score", "kind", "notes", "doubt"),
    [
        (None, 0.9, "folder", 1, ""),
        (None, 0.3, "folder", 1, "Was it fine-tuned for MRPC?"),
        ({}, 0.3, "folder", 2, "The order of its outputs was assumed"),
        ({}, 0.9, "folder", 2, ""),
        ({}, 0.3, "diagnostics", 2, ""),
    ],
)
def test_it_says_what_there_is_to_say(classes, score, kind, notes, doubt):
    order = None if classes is None else class_order(classes, 2, MRPC, "a model")
    question = SimpleNamespace(
        known=SimpleNamespace(run=Run("tiny", "MRPC", 7), task=MRPC),
        source=SimpleNamespace(kind=kind),
    )
    evaluator = SimpleNamespace(
        task=MRPC,
        full=SimpleNamespace(score=score),
        labels=np.array([0.0, 1.0, 1.0]),
        classes=order,
        notes=("Not read: other.safetensors.",),
    )
    said, warned = sentences(question, evaluator)
    assert len(said) == notes
    assert doubt in warned
    assert bool(warned) == bool(doubt)
