"""What pruning for real buys: parameters left, and seconds beside the full model's, measured here."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from explorer.bert.batches import Batch, by_length
from explorer.bert.checkpoints import Classifier
from explorer.bert.surgery import cut
from explorer.glue.encoding import Encoded
from explorer.live.evaluator import Evaluator
from explorer.live.worker import Request, Steps, Work
from explorer.mask import Mask
from explorer.store.ledger import Ledger

_BATCH = 16
_ROUNDS = 5


@dataclass(frozen=True)
class Parameters:
    """Number of parameters of a model, by part."""

    embeddings: int
    """Parameters that pruning heads and MLPs cannot remove."""
    encoder: int
    head: int
    """Parameters of pooler and classifier."""

    @property
    def total(self) -> int:
        """Parameters of all parts together."""
        return self.embeddings + self.encoder + self.head


@dataclass(frozen=True)
class Speed:
    """Seconds of the full and the pruned model on the same batches, measured by turns in one process."""

    full: Parameters
    pruned: Parameters
    full_seconds: float
    """Median seconds of the full model over the rounds."""
    pruned_seconds: float
    ratio: float
    """Median over rounds of full over pruned seconds: above 1, the pruned model is faster."""
    ratio_low: float
    """Smallest ratio of a round."""
    ratio_high: float
    """Largest ratio of a round."""
    examples: int
    rounds: int
    threads: int


def parameters_of(model: torch.nn.Module) -> Parameters:
    """Counts the parameters of a BERT classifier, pruned or not."""
    counts = {"embeddings": 0, "encoder": 0, "head": 0}
    for name, parameter in model.named_parameters():
        part = next((part for part in ("embeddings", "encoder") if name.startswith(f"bert.{part}.")), "head")
        counts[part] += parameter.numel()
    return Parameters(**counts)


def parameters_under(classifier: Classifier, mask: Mask) -> Parameters:
    """Counts the parameters of the model that `cut` would make, without making it."""
    config, full = classifier.model.config, parameters_of(classifier.model)
    width, wide = config.hidden_size, config.intermediate_size
    of_head = width // mask.n_heads
    head = 4 * width * of_head + 3 * of_head  # query, key, value with their biases; the output's columns
    mlp = 2 * width * wide + wide + width
    gone = (mask.heads.size - mask.heads_kept) * head + (mask.n_layers - mask.mlps_kept) * mlp
    return Parameters(full.embeddings, full.encoder - gone, full.head)


@dataclass(frozen=True)
class MeasureSpeed(Request[Speed]):
    """The speed of a pruned model beside the full one's, a round a turn; news is (rounds done, rounds)."""

    mask: Mask

    def begin(self, evaluator: Evaluator, ledger: Ledger) -> Work:
        """Makes the work, where the weights are."""
        return Steps(measured(evaluator.classifier, evaluator.encoded, self.mask), alone=True)


def measured(
    classifier: Classifier, encoded: Encoded, mask: Mask, *, examples: int = 64
) -> Generator[Any, None, Speed]:
    """Times stock transformers, full and after surgery, on a fixed sample of examples in padded batches of 16.

    Each round runs every batch through one model, then the other, the order alternating; a first round only warms
    up and does not count. Yields (rounds done, rounds) after each. Raises BadMask on a mask for another model.
    """
    pick = np.random.default_rng(0).permutation(len(encoded))[:examples]
    batches = list(by_length(encoded.subset(pick), _BATCH))
    models = (classifier.model, cut(classifier, mask))
    taken = []
    for number in range(_ROUNDS + 1):
        order = (0, 1) if number % 2 else (1, 0)
        seconds = [0.0, 0.0]
        for which in order:
            seconds[which] = _seconds(models[which], batches)
        if number:
            taken.append(seconds)
        if number < _ROUNDS:
            yield number + 1, _ROUNDS + 1
    full, pruned = np.array(taken).T  # (rounds,) each
    ratios = full / pruned
    return Speed(
        parameters_of(models[0]),
        parameters_of(models[1]),
        float(np.median(full)),
        float(np.median(pruned)),
        float(np.median(ratios)),
        float(ratios.min()),
        float(ratios.max()),
        len(pick),
        _ROUNDS,
        torch.get_num_threads(),
    )


@torch.inference_mode()
def _seconds(model: torch.nn.Module, batches: list[Batch]) -> float:
    started = time.perf_counter()
    for batch in batches:
        model(input_ids=batch.input_ids, token_type_ids=batch.token_types, attention_mask=batch.attention_mask)
    return time.perf_counter() - started
