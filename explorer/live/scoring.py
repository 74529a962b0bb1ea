"""A mask's score for a session: from the ledger at once, else from the worker, which then writes it down."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from explorer.errors import BadLedger
from explorer.live.evaluation import Evaluation, Partial
from explorer.live.model_on_data import ModelOnData
from explorer.live.worker import (
    Done,
    Failed,
    Job,
    Milestone,
    Request,
    Snapshot,
    Steps,
    Work,
    Worker,
    advance,
)
from explorer.mask import Mask
from explorer.stats.against_full import Comparison, compared, from_json, to_json
from explorer.store.ledger import Ledger, LedgerEntry, LedgerKey

if TYPE_CHECKING:  # torch comes in with it: only where the weights are
    from explorer.live.evaluator import Evaluator

_LOG = logging.getLogger(__name__)
_FULL: WeakKeyDictionary[ModelOnData, tuple[Ledger, Answer]] = WeakKeyDictionary()
"""The full model's answer, which every card is drawn beside, and the ledger that keeps it too."""


@dataclass(frozen=True)
class Answer:
    """Exact score of a mask, its comparison with the full model, and where it comes from."""

    evaluation: Evaluation
    comparison: Comparison
    """Comparison with the full model on the same examples."""
    entry: LedgerEntry | None = None
    """Ledger entry where the score was known already: when and with what it was computed."""
    trouble: str = ""
    """Why the ledger could not keep it; empty otherwise."""

    @property
    def verified(self) -> bool:
        """Whether every prediction is known to be fp32's."""
        return self.evaluation.verified


def ledger_key(model: ModelOnData, mask: Mask) -> LedgerKey:
    """Names everything that this model's logits under this mask depend on. The full model's are always fp32."""
    precision = "fp32" if mask == model.full_mask else model.precision
    return LedgerKey(model.model_content, model.examples.sha256, precision, model.engine_version, mask.code)


def score(worker: Worker, session: str, model: ModelOnData, mask: Mask, ledger: Ledger) -> Job[Answer]:
    """Returns the job that scores a mask, over at once where the answer is known. It replaces the session's older job.

    Raises BadMask on a mask for another model, and Busy where too many sessions wait.
    """
    model.check(mask)
    known = known_answer(model, mask, ledger)
    if known is not None:
        return worker.answer(session, known)
    return worker.submit(session, ScoreMask(model, mask))


def verify(worker: Worker, session: str, model: ModelOnData, answer: Answer) -> Job[Answer]:
    """Returns the job that computes in fp32 what is not yet, while nobody waits for a score; its answer is verified.

    It replaces the session's older verification, never its score. Raises Busy where too many wait.
    """
    return worker.submit(session, VerifyAnswer(model, answer), spare=True)


@dataclass(frozen=True)
class ScoreMask(Request["Answer"]):
    """The score of one mask, from the ledger or a turn a shard; news is a Partial."""

    mask: Mask

    def begin(self, evaluator: Evaluator, ledger: Ledger) -> Work:
        """Makes the work, where the weights are."""
        return MaskWork(evaluator, self.mask, ledger)


@dataclass(frozen=True)
class VerifyAnswer(Request["Answer"]):
    """An answer in fp32 throughout, a turn a shard; news is how many examples are fp32's."""

    answer: Answer

    def begin(self, evaluator: Evaluator, ledger: Ledger) -> Work:
        """Makes the work, where the weights are."""
        key = ("verify", ledger_key(evaluator, self.answer.evaluation.mask))
        return Steps(verifying(evaluator, self.answer, ledger), key)


@dataclass(frozen=True)
class ScoreMany(Request["tuple[Answer, ...]"]):
    """The scores of several masks, one after another; news is how many are known."""

    masks: tuple[Mask, ...]

    def begin(self, evaluator: Evaluator, ledger: Ledger) -> Work:
        """Makes the work, where the weights are."""
        return Steps(score_many(evaluator, self.masks, ledger))


class MaskWork:
    """Scores one mask a shard a turn, beside masks that share most of its work; then writes the answer down."""

    alone = False

    def __init__(self, evaluator: Evaluator, mask: Mask, ledger: Ledger) -> None:
        self._evaluator, self._ledger = evaluator, ledger
        self._pass = evaluator.begin(mask)
        self.key = ledger_key(evaluator, mask)

    def joins(self, other: Work) -> bool:
        """Whether the other is at the same shard and more than half of its layers are this one's too.

        Below a half, this one is held up for longer than both together gain.
        """
        if not isinstance(other, MaskWork) or other._evaluator is not self._evaluator:
            return False
        return other._pass.shards == self._pass.shards and shares_most(self._pass.mask, other._pass.mask)

    def turn(self, others: Sequence[MaskWork]) -> list[Snapshot[Answer]]:
        """Scores the next shard of all, and says where each stands."""
        works = (self, *others)
        if others:
            try:
                self._evaluator.advance([work._pass for work in works])
            except Exception:  # of one of them alone: whose, shows when each goes alone
                return [work.turn(())[0] for work in works]
            return [advance(work._news) for work in works]
        return [advance(self._alone)]

    def _alone(self) -> Partial:
        self._evaluator.advance((self._pass,))
        return self._news()

    def _news(self) -> Partial:
        news = self._evaluator.news_of(self._pass)
        if isinstance(news, Evaluation):
            raise StopIteration(_kept(self._evaluator, news, self._ledger))
        known = recalled(self._evaluator, self._pass.mask, self._ledger)
        if known is not None:  # somebody else was faster: another process, or a sweep of this one
            raise StopIteration(known)
        return news


def shares_most(one: Mask, other: Mask) -> bool:
    """Whether more than half of the layers that must be computed under the other mask are the same under both.

    Layers below the lowest that a mask switches something off in are the full model's, and not computed.
    """

    def differs(layer: int) -> bool:
        return bool((one.heads[layer] != other.heads[layer]).any() or one.mlps[layer] != other.mlps[layer])

    layers = range(other.n_layers)
    begins = next((n for n in layers if not (other.heads[n].all() and other.mlps[n])), other.n_layers)
    parts = next((n for n in layers if differs(n)), other.n_layers)
    return 2 * (parts - begins) > other.n_layers - begins


def verifying(evaluator: Evaluator, answer: Answer, ledger: Ledger) -> Generator[int, None, Answer]:
    """Verifies an answer: a turn a shard, yielding how many examples are fp32's.

    The verified answer takes the place of the other in the ledger, under the date of that one.
    """
    for news in evaluator.verify(answer.evaluation):
        if isinstance(news, Evaluation):
            if answer.verified:
                return answer
            known = recalled(evaluator, news.mask, ledger)
            return replace(_kept(evaluator, news, ledger, known.entry if known else answer.entry), entry=answer.entry)
        yield news
        known = recalled(evaluator, answer.evaluation.mask, ledger)
        if known is not None and known.verified:  # another session was faster
            return known
    raise AssertionError("a verification ends with an Evaluation")


def score_many(evaluator: Evaluator, masks: Sequence[Mask], ledger: Ledger) -> Generator[Any, None, tuple[Answer, ...]]:
    """Scores several masks in order: a turn a shard, yielding how many are known, a Milestone after each.

    Each is written down as soon as it is known, so that what is dropped half-way is not lost. Raises BadMask.
    """
    for mask in masks:
        evaluator.check(mask)
    answers: list[Answer] = []
    for mask in masks:
        answer = known_answer(evaluator, mask, ledger)
        if answer is None:
            answer = yield from _counted(MaskWork(evaluator, mask, ledger), len(answers))
        answers.append(answer)
        yield Milestone(len(answers))
    return tuple(answers)


def _counted(work: MaskWork, known: int) -> Generator[int, None, Answer]:
    while True:
        (news,) = work.turn(())
        if isinstance(news, Done):
            return news.result
        if isinstance(news, Failed):
            raise news.error
        yield known


def known_answer(model: ModelOnData, mask: Mask, ledger: Ledger) -> Answer | None:
    """Returns the answer of the full model, or one from the ledger; None where the mask must be scored."""
    return full_answer(model, ledger) if mask == model.full_mask else recalled(model, mask, ledger)


def full_answer(model: ModelOnData, ledger: Ledger) -> Answer:
    """Returns the answer of the full model, which its evaluator has computed; the ledger keeps its interval."""
    kept_in, answer = _FULL.get(model, (None, None))
    if answer is None or kept_in is not ledger:
        known = recalled(model, model.full_mask, ledger)
        answer = Answer(model.full, known.comparison if known else _kept(model, model.full, ledger).comparison)
        _FULL[model] = ledger, answer
    return answer


def recalled(model: ModelOnData, mask: Mask, ledger: Ledger) -> Answer | None:
    """Returns the answer that the ledger has for this mask; None where it has none, or cannot be read."""
    key = ledger_key(model, mask)
    try:
        entry = ledger.get(key)
    except BadLedger as error:
        _LOG.debug("%s", error)
        return None
    if entry is None or entry.logits.shape != model.full.logits.shape:
        return None
    in_fp32 = entry.verified or key.precision == "fp32"  # a ledger of version 1 has no mark
    exact = np.ones(len(entry.logits), np.bool_) if in_fp32 else None
    evaluation = Evaluation(mask, entry.score, entry.logits, entry.seconds, exact=exact, corrected=entry.corrected)
    comparison = from_json(entry.derived, model.task) or _compared(model, evaluation)
    # the ledger's own score is in the metric of whichever task asked first for these logits
    return Answer(replace(evaluation, score=comparison.score.value), comparison, entry)


def _kept(model: ModelOnData, evaluation: Evaluation, ledger: Ledger, entry: LedgerEntry | None = None) -> Answer:
    """Writes an evaluation down and returns its answer; entry: the one that it takes the place of."""
    comparison = _compared(model, evaluation)
    made_with = ", ".join(f"{package} {version(package)}" for package in ("torch", "numpy"))
    new = LedgerEntry(
        evaluation.logits,
        evaluation.score,
        evaluation.seconds,
        entry.created if entry else datetime.now(UTC),
        entry.provenance if entry else made_with,
        to_json(comparison),
        evaluation.verified,
        evaluation.corrected,
    )
    try:
        ledger.put(ledger_key(model, evaluation.mask), new)
    except BadLedger as error:
        _LOG.warning("%s", error)
        return Answer(evaluation, comparison, entry, trouble=str(error))
    return Answer(evaluation, comparison, entry)


def _compared(model: ModelOnData, evaluation: Evaluation) -> Comparison:
    predicted, full = (model.predictions(of) for of in (evaluation, model.full))
    return compared(model.task, predicted, full, model.labels)
