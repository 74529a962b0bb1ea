"""A mask to its score on every dev example, shard by shard; pure, so that many sessions may share one evaluator."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from explorer.arrays import BoolArray, Float32Array, Int64Array
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import ENGINE_VERSION, Engine, Instead
from explorer.bert.memory import keep_freed_memory
from explorer.bert.shards import Shard, shards_of
from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.glue.metrics import predictions_of, score_of
from explorer.glue.tasks import Examples
from explorer.live.activation_cache import DEFAULT_MEMORY, CachePlan, plan_cache
from explorer.live.evaluation import Evaluation, Partial
from explorer.live.low_margin import UNMEASURED, ErrorBound, Scorer
from explorer.live.model_on_data import ModelOnData
from explorer.mask import Mask
from explorer.stats.partial import Known, known, running
from explorer.stats.spending import coverage_words, spent_at


@dataclass(eq=False)
class Pass:
    """How far one mask has got: its logits on the shards so far, and what is needed to go on."""

    mask: Mask
    logits: Float32Array
    """(n, n_outputs) in the order of the split; 0 where none is known yet."""
    exact: BoolArray
    """(n,): the examples whose logits are fp32's."""
    bound: ErrorBound = UNMEASURED
    shards: int = 0
    """Shards that are scored."""
    seconds: float = 0.0
    rechecked: float = 0.0


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

    @classmethod
    def of(cls, passes: Sequence[Pass]) -> Underway:
        """Copies what some passes, all over the same shards, have come to."""
        return cls(
            passes[0].shards,
            np.stack([of.logits for of in passes]),
            np.stack([of.exact for of in passes]),
            tuple(of.bound for of in passes),
            sum(of.seconds for of in passes),
            round(sum(of.rechecked for of in passes)),
        )


class Evaluator(ModelOnData):
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
        self.classifier = classifier
        self.classes, self.notes, self.source = classifier.classes, classifier.notes, None
        self.device = device
        self.examples = examples
        self.checkpoint_sha256 = classifier.sha256
        self.model_content = classifier.identity.content if classifier.identity else classifier.sha256
        self.encoded = encode(examples, classifier.tokenizer)
        self.scorer = Scorer(classifier, device, dtype=dtype)
        self.engine: Engine = self.scorer.exact
        self.precision = self.scorer.precision
        self.engine_version = ENGINE_VERSION
        self.instead: Instead | None = None
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
        self.full = self._exactly_full()
        self.known: Known = known(self.task.metric, predictions_of(self.task, self.full.logits), self.labels)
        seen = np.cumsum([len(shard.indices) for shard in self.shards])[:-1]
        self.errors: tuple[float, ...] = spent_at([int(n) for n in seen])

    def with_instead(self, instead: Instead, name: str) -> Evaluator:
        """Makes an evaluator of the same model and examples in which constants stand in for what is off.

        It shares the full model's states, in which nothing is off. name: tells these constants from any others; its
        scores are filed under it. Raises BadRequest where the constants are of a model of another shape.
        """
        made = copy.copy(self)
        made.scorer = self.scorer.with_instead(instead)
        made.engine = made.scorer.exact
        made.engine_version = f"{ENGINE_VERSION}, {name}"
        made.instead = instead
        return made

    def with_means_of(self, sample: Examples) -> Evaluator:
        """Makes an evaluator in which means over some training examples stand in for what is off, as `with_instead`.

        Raises BadRequest without examples.
        """
        shards = shards_of(encode(sample, self.classifier.tokenizer), device=self.device)
        name = f"means over {len(sample)} examples {sample.sha256[:12]}"
        return self.with_instead(self.engine.mean_outputs(shards), name)

    def _exactly_full(self) -> Evaluation:
        """The full model in fp32: what every mask is held against."""
        started, logits = time.perf_counter(), self._nothing()
        full = self.classifier.full_mask
        for shard, cache in zip(self.shards, self.caches, strict=True):
            logits[shard.indices] = self.engine.logits(shard, full, cache)
        exact = np.ones(len(logits), np.bool_)
        score = score_of(self.task, logits, self.labels)
        return Evaluation(full, score, logits, time.perf_counter() - started, 0, exact)

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

        begun: what an interrupted call with the same masks had come to. on_shard: told that after each shard.
        """
        passes = [self.begin(mask) for mask in masks]
        if begun:
            for number, of in enumerate(passes):
                of.logits[:], of.exact[:] = begun.logits[number], begun.exact[number]
                of.bound, of.shards = begun.bounds[number], begun.shards
                of.seconds, of.rechecked = begun.seconds / len(passes), begun.rechecked / len(passes)
        for _ in range(begun.shards if begun else 0, len(self.shards)):
            self.advance(passes)
            if on_shard:
                on_shard(Underway.of(passes))
        return tuple(self._evaluation(of) for of in passes)

    def begin(self, mask: Mask) -> Pass:
        """Makes a pass over the examples, none of which is scored yet. Raises BadMask on a mask for another model."""
        self.check(mask)
        return Pass(mask, self._nothing(), np.zeros(len(self.encoded), np.bool_))

    def advance(self, passes: Sequence[Pass]) -> None:
        """Scores one more shard, the same of all these passes; masks that agree up to a layer share the work."""
        if not passes:
            return
        (number,) = {of.shards for of in passes}
        started, shard = time.perf_counter(), self.shards[number]
        masks, bounds = tuple(of.mask for of in passes), [of.bound for of in passes]
        scored = self.scorer.logits(shard, masks, self.caches[number], bounds)
        seconds = (time.perf_counter() - started) / len(passes)
        for of, logits, exact, bound in zip(passes, scored.logits, scored.exact, scored.bounds, strict=True):
            of.logits[shard.indices], of.exact[shard.indices] = logits, exact
            of.bound, of.shards, of.seconds = bound, number + 1, of.seconds + seconds
            of.rechecked += scored.rechecked / len(passes)

    def news_of(self, so_far: Pass) -> Partial | Evaluation:
        """Says what a pass tells so far: a Partial, or the Evaluation after its last shard."""
        if so_far.shards == len(self.shards):
            return self._evaluation(so_far)
        scored = np.concatenate([shard.indices for shard in self.shards[: so_far.shards]])
        return self._partial(so_far.shards - 1, scored, so_far.logits)

    def stream(self, mask: Mask) -> Iterator[Partial | Evaluation]:
        """Yields a Partial after each shard but the last, then the Evaluation. Abandon it between shards to cancel."""
        so_far = self.begin(mask)
        for _ in self.shards:
            self.advance((so_far,))
            yield self.news_of(so_far)

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

    def _evaluation(self, of: Pass) -> Evaluation:
        score = score_of(self.task, of.logits, self.labels)
        return Evaluation(of.mask, score, of.logits, of.seconds, round(of.rechecked), of.exact)
