"""A mask's score for a session: from the ledger at once, else from the worker, which then writes it down."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from explorer.errors import BadLedger
from explorer.live.evaluator import Evaluation, Evaluator, Partial
from explorer.live.worker import Job, Worker
from explorer.mask import Mask
from explorer.stats.against_full import Comparison, compared, from_json, to_json
from explorer.store.ledger import Ledger, LedgerEntry, LedgerKey

_LOG = logging.getLogger(__name__)


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


def ledger_key(evaluator: Evaluator, mask: Mask) -> LedgerKey:
    """Names everything that this evaluator's logits under this mask depend on. The full model's are always fp32."""
    precision = "fp32" if mask == evaluator.full_mask else evaluator.precision
    return LedgerKey(evaluator.model_content, evaluator.examples.sha256, precision, evaluator.engine_version, mask.code)


def score(worker: Worker, session: str, evaluator: Evaluator, mask: Mask, ledger: Ledger) -> Job[Answer]:
    """Returns the job that scores a mask, over at once where the answer is known. It replaces the session's older job.

    Raises BadMask on a mask for another model, and Busy where too many sessions wait.
    """
    evaluator.engine.check(mask)
    known = known_answer(evaluator, mask, ledger)
    if known is not None:
        return worker.answer(session, known)
    return worker.submit(session, _stream(evaluator, mask, ledger))


def verify(worker: Worker, session: str, evaluator: Evaluator, answer: Answer, ledger: Ledger) -> Job[Answer]:
    """Returns the job that computes in fp32 what is not yet, while nobody waits for a score; its answer is verified.

    It replaces the session's older verification, never its score. Raises Busy where too many wait.
    """
    return worker.submit(session, verifying(evaluator, answer, ledger), spare=True)


def verifying(evaluator: Evaluator, answer: Answer, ledger: Ledger) -> Generator[int, None, Answer]:
    """Verifies an answer, as work for `Worker.submit`: a turn a shard, yielding how many examples are fp32's.

    The verified answer takes the place of the other in the ledger.
    """
    for news in evaluator.verify(answer.evaluation):
        if isinstance(news, Evaluation):
            return answer if answer.verified else _kept(evaluator, news, ledger, answer.entry)
        yield news
        known = recalled(evaluator, answer.evaluation.mask, ledger)
        if known is not None and known.verified:  # another session was faster
            return known
    raise AssertionError("a verification ends with an Evaluation")


def score_many(evaluator: Evaluator, masks: Sequence[Mask], ledger: Ledger) -> Generator[int, None, tuple[Answer, ...]]:
    """Scores several masks in order, as work for `Worker.submit`: a turn a shard, yielding how many are known.

    Each is written down as soon as it is known, so that what is dropped half-way is not lost. Raises BadMask.
    """
    for mask in masks:
        evaluator.engine.check(mask)
    answers: list[Answer] = []
    for mask in masks:
        answer = known_answer(evaluator, mask, ledger)
        if answer is None:
            answer = yield from _counted(_stream(evaluator, mask, ledger), len(answers))
        answers.append(answer)
        yield len(answers)
    return tuple(answers)


def _counted(work: Generator[Partial, None, Answer], known: int) -> Generator[int, None, Answer]:
    while True:
        try:
            next(work)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        yield known


def known_answer(evaluator: Evaluator, mask: Mask, ledger: Ledger) -> Answer | None:
    """Returns the answer of the full model, or one from the ledger; None where the mask must be scored."""
    return full_answer(evaluator, ledger) if mask == evaluator.full_mask else recalled(evaluator, mask, ledger)


def full_answer(evaluator: Evaluator, ledger: Ledger) -> Answer:
    """Returns the answer of the full model, which its evaluator has computed; the ledger keeps its interval."""
    known = recalled(evaluator, evaluator.full_mask, ledger)
    return Answer(evaluator.full, known.comparison if known else _kept(evaluator, evaluator.full, ledger).comparison)


def recalled(evaluator: Evaluator, mask: Mask, ledger: Ledger) -> Answer | None:
    """Returns the answer that the ledger has for this mask; None where it has none, or cannot be read."""
    key = ledger_key(evaluator, mask)
    try:
        entry = ledger.get(key)
    except BadLedger as error:
        _LOG.debug("%s", error)
        return None
    if entry is None or entry.logits.shape != evaluator.full.logits.shape:
        return None
    in_fp32 = entry.verified or key.precision == "fp32"  # a ledger of version 1 has no mark
    exact = np.ones(len(entry.logits), np.bool_) if in_fp32 else None
    evaluation = Evaluation(mask, entry.score, entry.logits, entry.seconds, exact=exact, corrected=entry.corrected)
    comparison = from_json(entry.derived, evaluator.task) or _compared(evaluator, evaluation)
    return Answer(evaluation, comparison, entry)


def _stream(evaluator: Evaluator, mask: Mask, ledger: Ledger) -> Generator[Partial, None, Answer]:
    for news in evaluator.stream(mask):
        if isinstance(news, Evaluation):
            return _kept(evaluator, news, ledger)
        yield news
        if (known := recalled(evaluator, mask, ledger)) is not None:  # another session was faster
            return known
    raise AssertionError("a stream ends with an Evaluation")


def _kept(evaluator: Evaluator, evaluation: Evaluation, ledger: Ledger, entry: LedgerEntry | None = None) -> Answer:
    """Writes an evaluation down and returns its answer; entry: the one that it takes the place of."""
    comparison = _compared(evaluator, evaluation)
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
        ledger.put(ledger_key(evaluator, evaluation.mask), new)
    except BadLedger as error:
        _LOG.warning("%s", error)
        return Answer(evaluation, comparison, entry, trouble=str(error))
    return Answer(evaluation, comparison, entry)


def _compared(evaluator: Evaluator, evaluation: Evaluation) -> Comparison:
    predicted, full = (evaluator.predictions(of) for of in (evaluation, evaluator.full))
    return compared(evaluator.task, predicted, full, evaluator.labels)
