"""A mask to its score on every dev example, shard by shard; pure, so that many sessions may share one evaluator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from explorer.arrays import AnyArray, BoolArray, Float32Array, Int64Array
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import ENGINE_VERSION, Engine
from explorer.bert.memory import keep_freed_memory
from explorer.bert.shards import Shard, shards_of
from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.glue.metrics import predictions_of, score_of
from explorer.glue.tasks import Examples, Task
from explorer.live.activation_cache import DEFAULT_MEMORY, CachePlan, plan_cache
from explorer.live.low_margin import UNMEASURED, ErrorBound, Scorer
from explorer.mask import Mask
from explorer.stats.intervals import Score, score_with_interval
from explorer.stats.paired import PairedDifference
from explorer.stats.partial import Known, known, running
from explorer.stats.spending import coverage_words, spent_at


@dataclass(frozen=True)
class Partial:
    """Score of a mask after some of the shards."""

    done: int
    """Examples scored so far: a random sample of the split."""
    total: int
    score: Score
    """What the examples so far tell of the score on all of them, with an interval for it."""
    difference: PairedDifference
    """The score minus the full model's known one, with the same interval apart from that; p is of those so far."""
    covers: str = ""
    """What both intervals promise, for the screen: '95% over all looks'."""


@dataclass(frozen=True)
class Evaluation:
    """The exact score of a mask on all n examples."""

    mask: Mask
    score: float
    logits: Float32Array
    """(n, n_outputs) in the order of the split."""
    seconds: float
    """Seconds of computation; where several masks were scored at once, this mask's share."""
    rechecked: int = 0
    """Low-margin examples, which bf16 left undecided and fp32 decided."""
    exact: BoolArray | None = None
    """(n,): the examples whose logits are fp32's; None where that is not known."""
    corrected: int = 0
    """Predictions that a verification in fp32 changed."""

    @property
    def verified(self) -> bool:
        """Whether every logit was computed in fp32."""
        return self.exact is not None and bool(self.exact.all())


@dataclass(frozen=True)
class Underway:
    """Several masks scored on the first of the shards: what scoring goes on from after a break."""

    shards: int
    logits: Float32Array
    """(masks, n, n_outputs); of examples in later shards 0."""
    exact: BoolArray
    """(masks, n)"""
    bounds: tuple[ErrorBound, ...]
    seconds: float
    rechecked: int


class Evaluator:
    """One classifier on one split, read-only after construction.

    device: where the model runs. tokens: of a shard, at most about so many; by default what the device likes.
    memory: bytes that the full model's states may take, from which masks start where they first depart from it;
    where they would not fit, as many as do are kept, and `cache_plan` says so.
    dtype: that of the fast pass; by default the one that is fast on this machine.

    >>> evaluator = Evaluator(classifier, examples)
    >>> without = evaluator.evaluate(evaluator.full_mask.with_head(0, 3, False))
    >>> 0 <= without.score <= 1
    True
    >>> evaluator.interval(without).n == len(examples)
    True
    """

    def __init__(
        self,
        classifier: Classifier,
        examples: Examples,
        *,
        device: str = "cpu",
        tokens: int | None = None,
        memory: int = DEFAULT_MEMORY,
        dtype: torch.dtype | None = None,
    ) -> None:
        if not examples.items:
            raise BadRequest("There are no examples to score.")
        keep_freed_memory()
        self.task: Task = examples.task
        self.device = device
        self.examples = examples
        self.labels = examples.labels
        self.checkpoint_sha256 = classifier.sha256
        self.model_content = classifier.identity.content if classifier.identity else classifier.sha256
        self.encoded = encode(examples, classifier.tokenizer)
        self.scorer = Scorer(classifier, device, dtype=dtype)
        self.engine: Engine = self.scorer.exact
        self.precision = self.scorer.precision
        self.engine_version = ENGINE_VERSION
        self.shards: tuple[Shard, ...] = shards_of(self.encoded, tokens, device=device)
        width = classifier.model.config.hidden_size
        self.cache_plan: CachePlan = plan_cache(
            int(self.encoded.lengths.sum()), width, self.engine.n_layers, self.scorer.fast.dtype.itemsize, memory
        )
        contexts = self.scorer.fast.dtype if self.cache_plan.contexts else None
        self.caches = tuple(
            self.engine.cache_activations(shard, layers=self.cache_plan.layers, contexts=contexts)
            if self.cache_plan.layers
            else None
            for shard in self.shards
        )
        weights = sum(parameter.nbytes for parameter in classifier.model.parameters())
        self.memory_bytes = self.cache_plan.bytes + weights
        """What it keeps in memory, about: the full model's states and the weights."""
        self.full_mask = Mask.full(self.engine.n_layers, self.engine.n_heads)
        self.full = self._exactly_full()
        self.known: Known = known(self.task.metric, predictions_of(self.task, self.full.logits), self.labels)
        seen = np.cumsum([len(shard.indices) for shard in self.shards])[:-1]
        self.errors: tuple[float, ...] = spent_at([int(n) for n in seen])

    def _exactly_full(self) -> Evaluation:
        """The full model in fp32: what every mask is held against."""
        started, logits = time.perf_counter(), self._nothing()
        for shard, cache in zip(self.shards, self.caches, strict=True):
            logits[shard.indices] = self.engine.logits(shard, self.full_mask, cache)
        exact = np.ones(len(logits), np.bool_)
        return self._evaluation(self.full_mask, logits, exact, time.perf_counter() - started, 0)

    def evaluate(self, mask: Mask) -> Evaluation:
        """Computes the exact score. Raises BadMask on a mask for another model."""
        return self.evaluate_many((mask,))[0]

    def evaluate_many(
        self,
        masks: Sequence[Mask],
        begun: Underway | None = None,
        on_shard: Callable[[Underway], object] | None = None,
    ) -> tuple[Evaluation, ...]:
        """Computes the exact scores of several masks; those that agree up to a layer share the work. Raises BadMask.

        begun: what an interrupted call with the same masks had come to. on_shard: told that after each shard, in arrays
        that the next shard writes to.
        """
        n = len(self.encoded)
        so_far = begun or Underway(
            0,
            np.zeros((len(masks), n, self.engine.n_outputs), np.float32),
            np.zeros((len(masks), n), np.bool_),
            (UNMEASURED,) * len(masks),
            0.0,
            0,
        )
        logits, exact = so_far.logits, so_far.exact
        for number in range(so_far.shards, len(self.shards)):
            shard, started = self.shards[number], time.perf_counter()
            scored = self.scorer.logits(shard, tuple(masks), self.caches[number], so_far.bounds)
            logits[:, shard.indices], exact[:, shard.indices] = scored.logits, scored.exact
            seconds = so_far.seconds + time.perf_counter() - started
            so_far = replace(
                so_far,
                shards=number + 1,
                bounds=scored.bounds,
                seconds=seconds,
                rechecked=so_far.rechecked + scored.rechecked,
            )
            if on_shard:
                on_shard(so_far)
        many, seconds, rechecked = max(1, len(masks)), so_far.seconds, so_far.rechecked
        return tuple(
            self._evaluation(mask, of, in_fp32, seconds / many, round(rechecked / many))
            for mask, of, in_fp32 in zip(masks, logits, exact, strict=True)
        )

    def stream(self, mask: Mask) -> Iterator[Partial | Evaluation]:
        """Yields a Partial after each shard but the last, then the Evaluation. Abandon it between shards to cancel."""
        logits, seconds, rechecked = self._nothing(), 0.0, 0
        exact = np.zeros(len(logits), np.bool_)
        bounds: tuple[ErrorBound, ...] = (UNMEASURED,)
        scored: list[Int64Array] = []
        for shard, cache in zip(self.shards, self.caches, strict=True):
            started = time.perf_counter()
            part = self.scorer.logits(shard, (mask,), cache, bounds)
            bounds = part.bounds
            logits[shard.indices], exact[shard.indices] = part.logits[0], part.exact[0]
            seconds += time.perf_counter() - started
            rechecked += part.rechecked
            scored.append(shard.indices)
            if len(scored) < len(self.shards):
                yield self._partial(len(scored) - 1, np.concatenate(scored), logits)
        yield self._evaluation(mask, logits, exact, seconds, rechecked)

    def verify(self, evaluation: Evaluation) -> Iterator[int | Evaluation]:
        """Computes in fp32 what was not yet; yields how many examples are fp32's after each shard, then the evaluation.

        Logits that are fp32's already stay. The evaluation yielded last counts the predictions that changed; it is the
        one given, and comes at once, where that is verified. Raises BadMask on a mask for another model.
        """
        if evaluation.verified:
            yield evaluation
            return
        logits, (n, _) = evaluation.logits.copy(), evaluation.logits.shape
        exact = np.zeros(n, np.bool_) if evaluation.exact is None else evaluation.exact.copy()
        for shard, cache in zip(self.shards, self.caches, strict=True):
            (left,) = np.nonzero(~exact[shard.indices])
            if not len(left):
                continue
            of_shard = logits[shard.indices]
            self.scorer.in_fp32(shard, evaluation.mask, cache, of_shard, left)
            logits[shard.indices], exact[shard.indices] = of_shard, True
            yield int(exact.sum())
        before, after = (predictions_of(self.task, of) for of in (evaluation.logits, logits))
        corrected = evaluation.corrected + int((before != after).sum())
        score = score_of(self.task, logits, self.labels)
        yield replace(evaluation, score=score, logits=logits, exact=exact, corrected=corrected)

    def verified(self, evaluation: Evaluation) -> Evaluation:
        """Computes in fp32 what was not yet. Raises BadMask as `verify` does."""
        *_, last = self.verify(evaluation)
        assert isinstance(last, Evaluation)
        return last

    def _partial(self, look: int, so_far: Int64Array, logits: Float32Array) -> Partial:
        predictions, words = predictions_of(self.task, logits[so_far]), coverage_words()
        found = running(self.known, so_far, predictions, error=self.errors[look], words=words)
        return Partial(len(so_far), len(self.encoded), found.score, found.difference, words)

    def _nothing(self) -> Float32Array:
        return np.zeros((len(self.encoded), self.engine.n_outputs), np.float32)

    def _evaluation(
        self, mask: Mask, logits: Float32Array, exact: BoolArray, seconds: float, rechecked: int
    ) -> Evaluation:
        return Evaluation(mask, score_of(self.task, logits, self.labels), logits, seconds, rechecked, exact)

    def predictions(self, evaluation: Evaluation) -> AnyArray:
        """Returns the predicted classes or values, (n,)."""
        return predictions_of(self.task, evaluation.logits)

    def interval(self, evaluation: Evaluation) -> Score:
        """Returns the score with its interval over examples."""
        return score_with_interval(self.task.metric, self.predictions(evaluation), self.labels)
