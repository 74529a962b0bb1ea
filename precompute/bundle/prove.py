"""One mask run in every way that this project knows, in fp32: what a score rests on, shown on the data itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import torch
from transformers import BertForSequenceClassification

from explorer.arrays import Float32Array
from explorer.bert.batches import by_length
from explorer.bert.checkpoints import Classifier
from explorer.bert.reference import reference_logits
from explorer.bert.surgery import cut
from explorer.glue.metrics import predictions_of
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from precompute.bundle.results import Agreement, Proof

TOLERANCE = 1e-4
"""Logits. In fp32 two orders of adding up one sum differ by some 1e-5 in a BERT; a wrong mask by far more."""
PLAIN, GATES, SURGERY, ENGINE = "plain transformers", "gates", "surgery", "engine"


def proven(classifier: Classifier, evaluator: Evaluator, mask: Mask) -> Proof:
    """Sets every way to run the mask against every other, and for the full mask transformers' own forward too.

    The ways: gates on plain transformers, surgery, the engine. evaluator: of this classifier; its engine counts in
    fp32, whatever its own precision is. Raises BadMask on a mask for another model.
    """
    full, encoded = evaluator.full_mask, evaluator.encoded
    of_full = {
        PLAIN: _logits_of(classifier.model, evaluator),
        GATES: reference_logits(classifier, encoded, full),
        ENGINE: evaluator.full.logits,
    }
    if mask == full:
        of_full[SURGERY] = _logits_of(cut(classifier, full), evaluator)
        return Proof(TOLERANCE, tuple(_each_with_each(evaluator, full, of_full)))
    of_mask = {
        GATES: reference_logits(classifier, encoded, mask),
        SURGERY: _logits_of(cut(classifier, mask), evaluator),
        ENGINE: evaluator.verified(evaluator.evaluate(mask)).logits,
    }
    pairs = (*_each_with_each(evaluator, mask, of_mask), *_each_with_each(evaluator, full, of_full))
    return Proof(TOLERANCE, pairs)


def _logits_of(model: BertForSequenceClassification, evaluator: Evaluator) -> Float32Array:
    """(n, n_outputs), by the model's own forward: padded batches, nothing of this project in it."""
    device = str(model.device)
    logits = np.zeros((len(evaluator.encoded), evaluator.engine.n_outputs), np.float32)
    with torch.inference_mode():
        for batch in by_length(evaluator.encoded, 32, device=device):
            output = model(
                input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask
            )
            logits[batch.indices] = output.logits.float().cpu().numpy()
    return logits


def _each_with_each(evaluator: Evaluator, mask: Mask, logits: Mapping[str, Float32Array]) -> Iterator[Agreement]:
    least = TOLERANCE if evaluator.task.is_regression else 0
    predicted = {way: predictions_of(evaluator.task, of) for way, of in logits.items()}
    for one, other in combinations(logits, 2):
        largest = float(np.abs(logits[one] - logits[other]).max())
        differ = int((np.abs(predicted[one] - predicted[other]) > least).sum())
        yield Agreement(mask, one, other, largest, differ, len(predicted[one]))
