"""Asks for the score of one mask on one dev set, and says how far it is."""

from __future__ import annotations

import functools
import logging
import time
from concurrent import futures
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from explorer.bert.stand_ins import BESIDE_THE_DATA, ZERO
from explorer.errors import Busy, ExplorerError
from explorer.live.worker import SESSIONS, Done, Dropped, Failed, Job, Running, Snapshot, Waiting
from explorer.mask import Mask
from explorer.study.majority_baseline import MajorityBaseline, baseline_of_labels
from explorer.study.stored_scores import KnownRun, KnownScore
from explorer.ui import cached, cached_models
from explorer.ui.scoring import dev_data, polling, score_panel
from explorer.ui.scoring.session import session
from explorer.ui.view import View

if TYPE_CHECKING:
    from explorer.live.model_on_data import ModelOnData, Source, StandsIn
    from explorer.live.scoring import Answer

_LOG = logging.getLogger(__name__)
_JOB, _VERIFICATION, _SINCE = "lab.job", "lab.verification", "lab.loading_since"
WAIT = 0.08
"""Seconds to wait for an answer before the page goes on without: what the ledger knows comes sooner."""
LOADING_EVERY, FIRST_WITHIN = 1.0, 0.6
"""Seconds between two looks: at a model that is being loaded; at most, until the first score is there."""


@dataclass(frozen=True)
class Question:
    """Everything that the answer depends on; what follows from it is worked out once, since every look asks for it."""

    view: View
    known: KnownRun
    source: dev_data.DataSource
    mask: Mask
    instead: StandsIn | None = None
    """What stands in for what is off; None where nothing does."""

    @functools.cached_property
    def title(self) -> str:
        """The data and what stands in for what is off, where something does, for the screen."""
        return self.source.title(self.known.task) + BESIDE_THE_DATA[self.instead.kind if self.instead else ZERO]

    @functools.cached_property
    def stored(self) -> KnownScore | None:
        """The stored score of this mask on these very examples; None where the bundle has none."""
        return self.known.by_code.get(self.mask.code) if self.on_stored_data else None

    @functools.cached_property
    def on_stored_data(self) -> bool:
        """Whether the examples are those of the bundle's scores, which are all with nothing for what is off."""
        if self.instead is not None:
            return False
        if self.source.kind in (cached_models.DIAGNOSTICS, cached_models.STORED):
            return self.source.kind == cached_models.STORED
        labels = cached_models.examples(self.known.task.name, self.source.kind, self.source.folder).labels
        return np.array_equal(labels, self.known.labels)

    @functools.cached_property
    def baseline(self) -> MajorityBaseline:
        """The majority baseline: of the training labels where the bundle knows it, else of the data's own labels."""
        task, run = self.known.task, self.known.run
        if self.source.kind != cached_models.DIAGNOSTICS:
            stored = cached.majority_baseline(self.view, run.model, run.task)
            if stored is not None:
                return stored
        labels = self.known.labels
        if self.source.kind != cached_models.STORED:
            labels = cached_models.examples(task.name, self.source.kind, self.source.folder).labels
        return baseline_of_labels(task, labels)

    @functools.cached_property
    def to_load(self) -> Source:
        """The model on the data. Raises BadData."""
        run, source = self.known.run, self.source
        return cached_models.source_of(self.view, run, source.kind, source.folder, self.instead)


@dataclass(frozen=True)
class Loading:
    """The model is being loaded."""

    seconds: float


@dataclass(frozen=True)
class Standing:
    """The state of an answer: being loaded, waited for, computed, known or failed."""

    news: Loading | Waiting | Running | Done[Answer] | Failed | Dropped
    evaluator: ModelOnData | None = None
    unverified: str = ""
    """Why the answer cannot be verified in fp32; empty otherwise."""
    ahead: int = 0
    """Requests that are finished before this one."""

    @property
    def verifying(self) -> bool:
        """Whether the answer is known, and not yet whether it is fp32's."""
        return self.answer is not None and not self.answer.verified and not self.unverified

    @property
    def answer(self) -> Answer | None:
        """The exact answer; None until then."""
        return self.news.result if isinstance(self.news, Done) else None

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for. Too many others: that passes, so it is asked again."""
        failed = isinstance(self.news, Failed) and not isinstance(self.news.error, Busy)
        return failed or isinstance(self.news, Done)


def ask(question: Question, loading: Future[ModelOnData], wait: float) -> Standing:
    """Starts what is not started yet, and says where it stands, within twice so many seconds."""
    if not futures.wait([loading], timeout=wait).done:
        began: dict[Any, float] = st.session_state.setdefault(_SINCE, {})
        since = began.setdefault(loading, time.monotonic())
        return Standing(Loading(time.monotonic() - since))
    try:
        evaluator = loading.result()
    except ExplorerError as error:
        return Standing(Failed(error))
    except Exception as error:
        _LOG.exception("An evaluator could not be made")
        wrong = f"The model could not be loaded ({type(error).__name__})."
        return Standing(Failed(ExplorerError(wrong, "The app's log has the details.")))
    st.session_state.pop(_SINCE, None)
    try:
        job = _job(evaluator, question.mask)
        news = job.wait(wait)
    except ExplorerError as error:
        return Standing(Failed(error), evaluator)
    if not isinstance(news, Done) or news.result.verified:
        return Standing(news, evaluator, ahead=job.ahead)
    verification, ahead = _verification(evaluator, news.result)
    if isinstance(verification, Done):
        return Standing(verification, evaluator)
    return Standing(news, evaluator, verification.error.wrong if isinstance(verification, Failed) else "", ahead)


def pace(standing: Standing) -> float:
    """Returns the seconds until the next look: more of them, the more others come first."""
    if isinstance(standing.news, Loading):
        return LOADING_EVERY
    if isinstance(standing.news, Failed):  # too many wait
        return polling.PACES[-1]
    at_most = FIRST_WITHIN if isinstance(standing.news, Waiting) else polling.PACES[-1]
    return min(polling.pace(standing.ahead), at_most)


def standing_of(question: Question, wait: float | None = None) -> Standing:
    """Finds where a score stands, within twice so many seconds, and asks for it where nobody has. Raises BadData."""
    return ask(question, _loading(question), WAIT if wait is None else wait)


def _loading(question: Question) -> Future[ModelOnData]:
    return cached_models.worker().load(question.to_load)


def _job(evaluator: ModelOnData, mask: Mask) -> Job[Answer]:
    """The one under way, or a new one where that is for something else or was dropped."""
    from explorer.live.scoring import ledger_key, score

    key = ledger_key(evaluator, mask)
    asked, job = st.session_state.get(_JOB, (None, None))
    if job is None or asked != key or isinstance(job.news, Dropped):
        job = score(cached_models.worker(), session(), evaluator, mask, cached_models.ledger()[0])
        st.session_state[_JOB] = (key, job)
    return job


def _verification(evaluator: ModelOnData, answer: Answer) -> tuple[Snapshot[Answer], int]:
    """Where the verification of an answer stands, and how many requests come before it; it is begun, or begun anew,
    where it is not under way."""
    from explorer.live.scoring import ledger_key, verify

    key = ledger_key(evaluator, answer.evaluation.mask)
    asked, job = st.session_state.get(_VERIFICATION, (None, None))
    if job is None or asked != key or isinstance(job.news, Dropped):
        try:
            job = verify(cached_models.worker(), session(), evaluator, answer)
        except Busy:
            return Waiting(0), SESSIONS  # that passes, so it is asked again
        st.session_state[_VERIFICATION] = (key, job)
    return job.news, job.ahead


def follow_verification(question: Question, standing: Standing) -> None:
    """Draws nothing: the page runs anew once a shown score is verified, with other words and where need be another
    number. To be called while it is `verifying`."""
    loading = _loading(question)
    polling.follow(
        standing,
        lambda: ask(question, loading, 0.0),
        lambda now: not now.verifying,
        lambda now: None,
        every=lambda now: max(1.0, pace(now)),
    )


def moved_on(before: Standing, now: Standing) -> bool:
    """Tells whether the page has to run anew: the score is there, was verified, or can be begun."""
    if before.over:
        return not now.verifying
    return now.over or (isinstance(before.news, Loading) and not isinstance(now.news, Loading))


def news_words(news: object) -> str:
    """Says how far a score is."""
    if isinstance(news, Loading):
        return f"Loading the model, once … {news.seconds:.0f} s"
    if isinstance(news, Failed):
        return str(news.error)
    if isinstance(news, Waiting) and (news.told or news.ahead):
        ahead = f"Waiting: {news.ahead} ahead …" if news.ahead else "Waiting …"
        return f"{news.told} {ahead}".strip()
    if isinstance(news, Running):
        return f"Scored {news.news.done:,} of {news.news.total:,} examples …"
    return "Scoring …"


def provenance(evaluator: ModelOnData, answer: Answer, unverified: str = "") -> str:
    """Says when and how a score was computed, and whether it is fp32's; unverified: why that cannot be told."""
    precision = evaluator.precision.replace("close calls", "low margins")
    how = f"{precision}, engine {evaluator.engine_version}"
    evaluation, entry = answer.evaluation, answer.entry
    if evaluation.mask == evaluator.full_mask:
        return "The full model, scored in fp32 when it was loaded."
    verified = score_panel.verified_in_words(evaluation, unverified)
    if entry is not None:
        when = f"{entry.created.day} {entry.created:%B %Y, %H:%M} UTC"
        scored = f"Scored before, on {when}, in {entry.seconds:.2f} s ({how}, {entry.provenance}): from the ledger"
    else:
        rechecked, n = evaluation.rechecked, len(evaluation.logits)
        close = f"; {rechecked:,} of {n:,} had a low margin and were decided in fp32" if rechecked else ""
        scored = f"Scored in {evaluation.seconds:.2f} s ({how}{close})"
    return f"{scored}; {verified}. {answer.trouble}".strip()


def again(question: Question, *, reload: bool) -> None:
    """Asks anew, and loads the model anew where that failed."""
    if reload:
        cached_models.worker().forget(question.to_load)
    st.session_state.pop(_JOB, None)
    st.rerun()
