"""A mask to its score on every dev example, shard by shard; pure, so that many sessions may share one evaluator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.analysis.intervals import Score, score_with_interval
from explorer.analysis.partial import partial_score
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Engine, Prefix, Shard, shards_of
from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.glue.metrics import predictions_of, score_of
from explorer.glue.tasks import Examples, Task
from explorer.mask import Mask


@dataclass(frozen=True)
class Partial:
    """What is known after some of the shards."""

    done: int
    """Examples scored so far: a random sample of the split."""
    total: int
    score: Score
    """Theirs, with an interval for what all of them will say."""


@dataclass(frozen=True)
class Evaluation:
    """The exact score of a mask on all n examples."""

    mask: Mask
    score: float
    logits: NDArray[np.float32]
    """(n, n_outputs) in the order of the split."""
    seconds: float
    """Of computation."""


class Evaluator:
    """One classifier on one split, read-only after construction."""

    def __init__(self, classifier: Classifier, examples: Examples, *, device: str = "cpu", tokens: int = 8192) -> None:
        if not examples.items:
            raise BadRequest("There are no examples to score.")
        self.task: Task = examples.task
        self.examples = examples
        self.labels = examples.labels
        self.checkpoint_sha256 = classifier.sha256
        self.encoded = encode(examples, classifier.tokenizer)
        self.engine = Engine(classifier, device)
        self.shards: tuple[Shard, ...] = shards_of(self.encoded, tokens, device=device)
        self.prefixes: tuple[Prefix, ...] = tuple(self.engine.prefix(shard) for shard in self.shards)
        self.full_mask = Mask.full(self.engine.n_layers, self.engine.n_heads)
        self.full = self.evaluate(self.full_mask)

    def evaluate(self, mask: Mask) -> Evaluation:
        """The exact score. Raises BadMask on a mask for another model."""
        logits, seconds = self._nothing(), 0.0
        for shard, part, took in self._by_shard(mask):
            logits[shard.indices] = part
            seconds += took
        return self._evaluation(mask, logits, seconds)

    def stream(self, mask: Mask) -> Iterator[Partial | Evaluation]:
        """A Partial after each shard but the last, then the Evaluation. Abandon it between shards to cancel."""
        logits, seconds = self._nothing(), 0.0
        scored: list[NDArray[np.int64]] = []
        for shard, part, took in self._by_shard(mask):
            logits[shard.indices] = part
            seconds += took
            scored.append(shard.indices)
            if len(scored) < len(self.shards):
                so_far = np.concatenate(scored)
                predictions = predictions_of(self.task, logits[so_far])
                score = partial_score(self.task.metric, predictions, self.labels[so_far], len(self.encoded))
                yield Partial(len(so_far), len(self.encoded), score)
        yield self._evaluation(mask, logits, seconds)

    def _by_shard(self, mask: Mask) -> Iterator[tuple[Shard, NDArray[np.float32], float]]:
        """Each shard with its logits and the seconds that they took."""
        for shard, prefix in zip(self.shards, self.prefixes, strict=True):
            started = time.perf_counter()
            yield shard, self.engine.logits(shard, mask, prefix), time.perf_counter() - started

    def _nothing(self) -> NDArray[np.float32]:
        return np.zeros((len(self.encoded), self.engine.n_outputs), np.float32)

    def _evaluation(self, mask: Mask, logits: NDArray[np.float32], seconds: float) -> Evaluation:
        return Evaluation(mask, score_of(self.task, logits, self.labels), logits, seconds)

    def predictions(self, evaluation: Evaluation) -> NDArray[Any]:
        """(n,): classes or values."""
        return predictions_of(self.task, evaluation.logits)

    def interval(self, evaluation: Evaluation) -> Score:
        """The score with its interval over examples."""
        return score_with_interval(self.task.metric, self.predictions(evaluation), self.labels)
